package lpcpool

import (
	"bytes"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/seed-eedd8485/lpc/internal/pool"
	"github.com/seed-eedd8485/lpc/target"
)

// readAll reads and wants an *Absent at the right address for what is not there.
func readAll(t *testing.T, v *View, addr uint64, n int) (int, string) {
	t.Helper()
	b := bytes.Repeat([]byte{0xee}, n)
	got, err := v.ReadMemory(addr, b)
	if got < n != (err != nil) {
		t.Fatalf("%d of %d bytes with error %v", got, n, err)
	}
	for _, c := range b[got:] {
		if c != 0xee {
			t.Fatalf("bytes behind the %d that are there were written to", got)
		}
	}
	if err == nil {
		return got, ""
	}
	var a *target.Absent
	if !errors.As(err, &a) || a.Addr != addr+uint64(got) {
		t.Fatalf("error %v, want an Absent at %#x", err, addr+uint64(got))
	}
	return got, a.Why
}

// lastBlock is the last block of an extent, by address.
func lastBlock(v *View, extent uint64) (last target.Block) {
	for b := range v.Blocks("") {
		if b.Addr&offsetMask/pool.ExtentSize == extent {
			last = b
		}
	}
	return last
}

func TestNeverUsed(t *testing.T) {
	v, l := sample(t, nil)
	for i := range l {
		last := lastBlock(v, uint64(i))
		end := last.Addr + last.Size
		if n, why := readAll(t, v, end-8, 16); n != 8 || why != neverUsed {
			t.Errorf("at the tail of extent %d: %d bytes, then %q, want 8, then %q", i, n, why, neverUsed)
		}
		// Also where something stands: nobody wrote it through the pool.
		copy(l[i][end&offsetMask%pool.ExtentSize:], "something")
		if n, why := readAll(t, v, end, 8); n != 0 || why != neverUsed {
			t.Errorf("behind the tail of extent %d: %d bytes, then %q", i, n, why)
		}
	}
	if n, why := readAll(t, v, base()|uint64(len(l))*pool.ExtentSize, 1); n != 0 || why != neverUsed {
		t.Errorf("behind the pool: %d bytes, then %q", n, why)
	}
	if n, why := readAll(t, v, base()|1<<39, 1); n != 0 || why != neverUsed {
		t.Errorf("far behind the pool: %d bytes, then %q", n, why)
	}
}

// TestZeroPages: a page of zeros is there as far as a block reaches over it.
func TestZeroPages(t *testing.T) {
	v, _ := sample(t, nil)
	var big target.Block
	for b := range v.Blocks("Sect") {
		big = b
		break
	}
	if n, why := readAll(t, v, big.Body, int(big.Size)-blockHeader); n != int(big.Size)-blockHeader {
		t.Errorf("a block of zeros: %d bytes of %d, then %q", n, big.Size-blockHeader, why)
	}
	// Without its header nobody knows how far it reached.
	v, _ = sample(t, func(l map[uint32][]byte) { clear(l[0][big.Addr&offsetMask:][:blockHeader]) })
	page := (big.Addr + pageSize) &^ (pageSize - 1)
	if n, why := readAll(t, v, page, 8); n != 0 || why != zeroPage {
		t.Errorf("a page of zeros in no block: %d bytes, then %q", n, why)
	}
	if n, why := readAll(t, v, big.Body, pageSize*2); n != int(page-big.Body) || why != zeroPage {
		t.Errorf("up to a page of zeros: %d bytes of %d, then %q", n, page-big.Body, why)
	}
	// A page whose source knows that it was written is there.
	v, l := sample(t, func(l map[uint32][]byte) { clear(l[0][big.Addr&offsetMask:][:blockHeader]) })
	v.Reset([]*Pool{{Number: uint32(os.Getpid()), Extents: map[uint32]Bytes{0: written{l[0]}}}})
	if n, why := readAll(t, v, page, 8); n != 8 {
		t.Errorf("a page of zeros that was written: %d bytes, then %q", n, why)
	}
}

type written struct{ Raw }

func (w written) Hole(uint64) bool { return false }

// TestErasedHeader: without the pool's first page its messages are found still.
func TestErasedHeader(t *testing.T) {
	want, _ := sample(t, nil)
	v, _ := sample(t, func(l map[uint32][]byte) { clear(l[0][:pageSize]) })
	var got, all []uint64
	for b := range want.Blocks("LpcM") {
		all = append(all, b.Addr)
	}
	said := false
	for b := range v.Blocks("LpcM") {
		if b.Err != nil {
			said = true
			continue
		}
		got = append(got, b.Addr)
	}
	if !slices.Equal(got, all) || !said {
		t.Errorf("messages at %#x (damage told: %v), want those at %#x and that it is", got, said, all)
	}
	if src := v.Types(base()).Source(); !strings.HasPrefix(src, "built into this program") {
		t.Errorf("types from %q, want this program's, and that it says so", src)
	}
	if n, why := readAll(t, v, base(), 8); n != 0 || why != zeroPage {
		t.Errorf("the erased page: %d bytes, then %q", n, why)
	}
	for h := range v.Handles(0) {
		if h.Err == nil {
			t.Errorf("a handle of a table that nobody knows: %+v", h)
		}
	}
}

// TestHeaderWithoutTypes: the description is found by its tag.
func TestHeaderWithoutTypes(t *testing.T) {
	v, _ := sample(t, func(l map[uint32][]byte) { clear(l[0][headerBody+headerTypes:][:16]) })
	if src := v.Types(base()).Source(); !strings.Contains(src, "found by its tag") {
		t.Errorf("types from %q, want those of the pool, found by their tag", src)
	}
}

func TestMissingExtent(t *testing.T) {
	v, _ := sample(t, func(l map[uint32][]byte) { delete(l, 1) })
	if n, why := readAll(t, v, base()|pool.ExtentSize, 8); n != 0 || why != "extent 1 of the pool is missing" {
		t.Errorf("%d bytes, then %q", n, why)
	}
	var said error
	for b := range v.Blocks("") {
		if b.Err != nil {
			said = b.Err
		}
	}
	if said == nil || !strings.Contains(said.Error(), "1 of the 2 extents") {
		t.Errorf("the walk says %v, want that an extent is missing", said)
	}
}

func TestCutExtent(t *testing.T) {
	v, _ := sample(t, func(l map[uint32][]byte) { l[0] = l[0][:5000] })
	if n, why := readAll(t, v, base()|4990, 20); n != 10 || why != "not in the file" {
		t.Errorf("%d bytes, then %q, want 10", n, why)
	}
	said := false
	for b := range v.Blocks("") {
		said = said || b.Err != nil && strings.Contains(b.Err.Error(), "cannot be read: not in the file")
	}
	if !said {
		t.Error("the walk does not say that bytes are missing")
	}
}

func TestDenied(t *testing.T) {
	why := errors.New("process 5 may not be read: no")
	v := New([]*Pool{{Number: 5, Process: target.Process{ID: 5, Err: why}, Ports: []target.Object{{Name: "x", Path: `\x`}}}})
	if n, got := readAll(t, v, 5<<poolShift|headerBody, 8); n != 0 || got != why.Error() {
		t.Errorf("%d bytes, then %q", n, got)
	}
	ports, _ := v.Ports()
	for o := range ports {
		if o.Path != `\x` || o.Err != why || o.Process != 5<<poolShift|headerBody {
			t.Errorf("port %+v", o)
		}
	}
	for x := range v.Threads(5) {
		if x.Err != why {
			t.Errorf("thread %+v", x)
		}
	}
	for x := range v.Handles(5) {
		if x.Err != why {
			t.Errorf("handle %+v", x)
		}
	}
	for x := range v.Blocks("LpcM") {
		if x.Err != why {
			t.Errorf("block %+v", x)
		}
	}
}

// TestSameNumber: two pools of one number, of two pid namespaces.
func TestSameNumber(t *testing.T) {
	l, err := made()
	if err != nil {
		t.Fatal(err)
	}
	a, b := source(clone(l)), source(clone(l))
	b.Process.ID = 1 << 30
	v := New([]*Pool{a, b})
	procs := slices.Collect(v.Processes())
	if len(procs) != 2 || procs[0].Err != nil || procs[1].Err == nil || procs[1].Addr != 0 || !strings.Contains(procs[1].Err.Error(), "open it alone") {
		t.Errorf("processes %+v, want the second with a reason and no address", procs)
	}
}

// TestTime: ticks are turned into time by the clock in the pool's header.
func TestTime(t *testing.T) {
	v, _ := sample(t, func(l map[uint32][]byte) {
		h := l[0][headerBody:]
		le.PutUint64(h[0x28:], 5_000)
		le.PutUint64(h[0x30:], 1e18)
		le.PutUint64(h[0x38:], 1_000)
	})
	at, ok := v.Time(base()|headerBody, 6_500)
	if !ok || at.UnixNano() != 1e18+15e8 {
		t.Errorf("1.5 s after the clock's moment is %d (%v)", at.UnixNano(), ok)
	}
	if at, ok = v.Time(base()|headerBody, 4_000); !ok || at.UnixNano() != 1e18-1e9 {
		t.Errorf("1 s in front of the clock's moment is %d (%v)", at.UnixNano(), ok)
	}
	for _, ticks := range []uint64{0, 1 << 62} {
		if at, ok := v.Time(base(), ticks); ok {
			t.Errorf("%d ticks are %v", ticks, at)
		}
	}
}
