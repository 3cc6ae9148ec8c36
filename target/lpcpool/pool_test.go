package lpcpool

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"sync"
	"testing"

	"github.com/seed-eedd8485/lpc/internal/pool"
	"github.com/seed-eedd8485/lpc/target"
)

// made is the pool of the test's own process, filled once, and its extents as
// bytes: two connection ports, a communication port, a thread, two messages, a
// block of zeros that takes whole pages, and handles that take two tables.
var made = sync.OnceValues(func() (map[uint32][]byte, error) {
	p, err := pool.Process()
	if err != nil {
		return nil, err
	}
	for _, name := range []string{`\RPC Control\spool`, `\Deep\er\Port`} {
		rec, a, err := pool.New[pool.PortObject](p, pool.TagPort, 0)
		if err != nil {
			return nil, err
		}
		text, err := p.AllocText(pool.TagPort, name, a)
		if err != nil {
			return nil, err
		}
		rec.Flags, rec.Name, rec.NameLength, rec.ConnectionPort, rec.PointerCount = pool.PortConnection, text, uint64(len(name)), a, 3
		_, m, err := pool.New[pool.Message](p, pool.TagMessage, a)
		if err != nil {
			return nil, err
		}
		pool.At[pool.Message](p, m).Request.MessageID = 7
		for range 40 {
			if _, err := p.NewHandle(a, pool.PortAllAccess); err != nil {
				return nil, err
			}
		}
	}
	comm, _, err := pool.New[pool.PortObject](p, pool.TagPort, 0)
	if err != nil {
		return nil, err
	}
	comm.Flags, comm.PeerProcess = pool.PortServerComm, 4711
	th, _, err := pool.New[pool.Thread](p, pool.TagThread, 0)
	if err != nil {
		return nil, err
	}
	th.Cid.UniqueThread = 99
	if _, _, err := p.Alloc(pool.TagSection, 100<<10, 0); err != nil {
		return nil, err
	}
	_, gone, err := pool.New[pool.Thread](p, pool.TagThread, 0)
	if err != nil {
		return nil, err
	}
	p.Free(gone)
	if _, _, err := p.Alloc(pool.TagSection, 200<<10, 0); err != nil { // a second extent
		return nil, err
	}
	return ownExtents()
})

func ownExtents() (map[uint32][]byte, error) {
	fds, err := filepath.Glob("/proc/self/fd/*")
	if err != nil {
		return nil, err
	}
	l := map[uint32][]byte{}
	for _, fd := range fds {
		if link, _ := os.Readlink(fd); link != pool.Link {
			continue
		}
		b, err := os.ReadFile(fd)
		if err != nil {
			return nil, err
		}
		h, _ := parseExtent(b)
		l[h.index] = b
	}
	return l, nil
}

// sample is a view of a copy of that pool. change may change the bytes first.
func sample(t testing.TB, change func(map[uint32][]byte)) (*View, map[uint32][]byte) {
	t.Helper()
	l, err := made()
	if err != nil {
		t.Fatal(err)
	}
	l = clone(l)
	if change != nil {
		change(l)
	}
	return New([]*Pool{source(l)}), l
}

func clone(l map[uint32][]byte) map[uint32][]byte {
	c := map[uint32][]byte{}
	for i, b := range l {
		c[i] = bytes.Clone(b)
	}
	return c
}

func source(l map[uint32][]byte) *Pool {
	pid := uint32(os.Getpid())
	p := &Pool{Number: pid, Process: target.Process{ID: pid}, Extents: map[uint32]Bytes{}}
	for i, b := range l {
		p.Extents[i] = Raw(b)
	}
	return p
}

func base() uint64 { return uint64(os.Getpid()) << poolShift }

// TestAnchors holds the fixed places against the structs.
func TestAnchors(t *testing.T) {
	offset := func(typ reflect.Type, field string) int {
		f, ok := typ.FieldByName(field)
		if !ok {
			t.Fatalf("%s has no field %s", typ, field)
		}
		return int(f.Offset)
	}
	ext, block, hdr := reflect.TypeFor[pool.ExtentHeader](), reflect.TypeFor[pool.BlockHeader](), reflect.TypeFor[pool.Header]()
	for what, v := range map[string][2]int{
		"extent header": {int(ext.Size()), extentHeader}, "block header": {int(block.Size()), blockHeader},
		"Magic": {offset(ext, "Magic"), 0}, "Pool": {offset(ext, "Pool"), 8}, "Index": {offset(ext, "Index"), 12},
		"Size": {offset(ext, "Size"), 16}, "Tail": {offset(ext, "Tail"), 24},
		"block Magic": {offset(block, "Magic"), 0}, "block Size": {offset(block, "Size"), 4}, "Tag": {offset(block, "Tag"), 8},
		"State": {offset(block, "State"), 12}, "Owner": {offset(block, "Owner"), 16}, "Sequence": {offset(block, "Sequence"), 24},
		"Version": {offset(hdr, "Version"), headerVersion}, "Extents": {offset(hdr, "Extents"), headerExtents},
		"StartTime": {offset(hdr, "StartTime"), headerStartTime}, "Types": {offset(hdr, "Types"), headerTypes}, "ParentID": {offset(hdr, "ParentID"), headerParent},
		"TypesLength": {offset(hdr, "TypesLength"), headerTypesLength},
	} {
		if v[0] != v[1] {
			t.Errorf("%s is at %#x, expected %#x", what, v[0], v[1])
		}
	}
}

func TestWhatStandsInAPool(t *testing.T) {
	v, _ := sample(t, nil)
	var got []string
	ports, how := v.Ports()
	for o := range ports {
		if o.Err != nil || o.Type != "Port" || o.Process != base()|headerBody || o.Header != o.Addr-blockHeader {
			t.Errorf("port %+v", o)
		}
		got = append(got, o.Name+"|"+o.Path+"|"+strconv.FormatInt(o.Pointers, 10))
		if again, err := v.Object(o.Addr); err != nil || again != o {
			t.Errorf("Object(%#x): %+v (%v), want %+v", o.Addr, again, err, o)
		}
	}
	if want := []string{`spool|\RPC Control\spool|3`, `Port|\Deep\er\Port|3`, "||0"}; !slices.Equal(got, want) || how != "" {
		t.Errorf("ports %q %q, want %q", got, how, want)
	}
	threads := slices.Collect(v.Threads(0))
	if len(threads) != 1 || threads[0].ID != 99 || threads[0].Err != nil {
		t.Errorf("threads %+v, want one with id 99", threads)
	}
	if peers := slices.Collect(v.Peers()); !slices.Equal(peers, []uint64{4711}) {
		t.Errorf("peers %d, want 4711", peers)
	}
	if blocks := slices.Collect(v.Blocks("LpcM")); len(blocks) != 2 || !blocks[0].Allocated || blocks[0].Owner == 0 || !blocks[0].Paged {
		t.Errorf("messages %+v, want two with owners", blocks)
	}
	if h := slices.Collect(v.Handles(uint64(os.Getpid()))); len(h) != 2*61-1 || h[0].Value != 4 || h[0].Object == 0 || h[79].Object == 0 || h[80].Object != 0 || h[79].Access != pool.PortAllAccess {
		t.Errorf("%d handles, want %d of which 80 are in use", len(h), 2*61-1)
	}
	if src := v.Types(base()).Source(); src != "pool of "+strconv.Itoa(os.Getpid()) {
		t.Errorf("types from %q", src)
	}
}

func TestNames(t *testing.T) {
	v, _ := sample(t, nil)
	for dir, want := range map[string][]string{
		"": {"Deep Directory", "RPC Control Directory"}, `\`: {"Deep Directory", "RPC Control Directory"},
		"rpc control": {"spool Port"}, `\DEEP\`: {"er Directory"}, `\Deep\er`: {"Port Port"},
		`\Deep\er\Port`: nil, "nowhere": nil, "rpc": nil,
	} {
		var got []string
		for o := range v.Names(dir) {
			got = append(got, o.Name+" "+o.Type)
		}
		if !slices.Equal(got, want) {
			t.Errorf("names in %q: %q, want %q", dir, got, want)
		}
	}
}

func TestObjectIsNone(t *testing.T) {
	v, _ := sample(t, nil)
	var text, free uint64
	for b := range v.Blocks("") {
		if string(b.Tag[:]) == "Port" && b.Owner != 0 {
			text = b.Body
		}
		if !b.Allocated {
			free = b.Body
		}
	}
	for addr, want := range map[uint64]string{
		text: "but the name of the port", free: "its block is free", base(): "no block begins", base() | 0x68: "no block begins",
		0: "no pool has the number 0", 5 << poolShift: "no pool of process 5", base() | 1<<39: "no block begins",
	} {
		if o, err := v.Object(addr); err == nil || !bytes.Contains([]byte(err.Error()), []byte(want)) {
			t.Errorf("Object(%#x): %+v, %v, want %q", addr, o, err, want)
		}
	}
}
