package elfcore

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-eedd8485/lpc/internal/needs"
	"github.com/seed-eedd8485/lpc/internal/pool"
	"github.com/seed-eedd8485/lpc/internal/pool/pooltest"
	"github.com/seed-eedd8485/lpc/target"
	"github.com/seed-eedd8485/lpc/target/live"
	"github.com/seed-eedd8485/lpc/target/lpcpool"
)

var le = binary.LittleEndian

// image is a core file to be written: what a test says it is.
type image struct {
	machine elf.Machine
	typ     elf.Type
	notes   []byte
	loads   []load
	xnum    bool // the number of program headers stands in a section header
}

type load struct {
	addr uint64
	b    []byte
	size uint64 // in memory; 0: len(b)
	read bool   // the process could only read it
}

const poolAt = 0x7f0000000000

func note(typ uint32, b []byte) []byte {
	n := le.AppendUint32(nil, 5)
	n = le.AppendUint32(n, uint32(len(b)))
	n = append(le.AppendUint32(n, typ), "CORE\x00\x00\x00\x00"...)
	n = append(n, b...)
	return append(n, make([]byte, -len(b)&3)...)
}

func psinfo(pid uint32, name string) []byte {
	b := make([]byte, 136)
	le.PutUint32(b[24:], pid)
	copy(b[40:56], name)
	return note(noteProcess, b)
}

func status(signal uint16) []byte {
	b := make([]byte, 336)
	le.PutUint16(b[12:], signal)
	return note(noteStatus, b)
}

func files(starts ...uint64) []byte {
	b := le.AppendUint64(nil, uint64(len(starts)+1))
	b = le.AppendUint64(b, 4096)
	for _, s := range append([]uint64{0x400000}, starts...) {
		b = le.AppendUint64(le.AppendUint64(le.AppendUint64(b, s), s+pool.ExtentSize), 0)
	}
	b = append(b, "/bin/x\x00"...)
	for range starts {
		b = append(b, pool.Link+"\x00"...)
	}
	return note(noteFiles, b)
}

// extents are those of the test's own pool: two of them.
func extents(t testing.TB) [][]byte {
	t.Helper()
	pooltest.Grown(t)
	l, err := live.Open(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	var out [][]byte
	for c := range l.Copies(l.Pools()[0]) {
		out = append(out, c.Bytes)
	}
	return out
}

// sample is a core of the test's own process.
func sample(t testing.TB) *image {
	i := &image{machine: elf.EM_X86_64, typ: elf.ET_CORE}
	var starts []uint64
	for n, b := range extents(t) {
		at := uint64(poolAt + n*pool.ExtentSize)
		starts = append(starts, at)
		i.loads = append(i.loads, load{addr: at, b: b})
	}
	i.notes = slices.Concat(psinfo(uint32(os.Getpid()), "tester"), status(6), status(0), files(starts...))
	return i
}

func (i *image) bytes() []byte {
	n := len(i.loads) + 1
	b := make([]byte, 64+56*n)
	copy(b, elf.ELFMAG)
	b[4], b[5], b[6] = 2, 1, 1
	le.PutUint16(b[16:], uint16(i.typ))
	le.PutUint16(b[18:], uint16(i.machine))
	le.PutUint64(b[32:], 64)
	le.PutUint16(b[54:], 56)
	le.PutUint16(b[56:], uint16(n))
	header := func(k int, typ elf.ProgType, off, addr, filed, size uint64) {
		h := b[64+56*k:]
		le.PutUint32(h, uint32(typ))
		for j, v := range []uint64{off, addr, 0, filed, size, 4096} {
			le.PutUint64(h[8+8*j:], v)
		}
	}
	header(0, elf.PT_NOTE, uint64(len(b)), 0, uint64(len(i.notes)), 0)
	b = append(b, i.notes...)
	for k, l := range i.loads {
		b = append(b, make([]byte, -len(b)&4095)...)
		header(k+1, elf.PT_LOAD, uint64(len(b)), l.addr, uint64(len(l.b)), max(l.size, uint64(len(l.b))))
		le.PutUint32(b[64+56*(k+1)+4:], uint32(elf.PF_R|elf.PF_W))
		if l.read {
			le.PutUint32(b[64+56*(k+1)+4:], uint32(elf.PF_R))
		}
		b = append(b, l.b...)
	}
	if i.xnum {
		le.PutUint16(b[56:], 0xffff)
		le.PutUint64(b[40:], uint64(len(b)))
		s := make([]byte, 64)
		le.PutUint32(s[44:], uint32(n))
		b = append(b, s...)
	}
	return b
}

func open(t testing.TB, b []byte) (*Target, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "core")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := Open(path)
	if err == nil {
		t.Cleanup(func() { _ = c.Close() })
	}
	return c, err
}

// said is what a target says of blocks and ports.
func said(s target.System) (l []string) {
	for b := range s.Blocks("") {
		l = append(l, fmt.Sprintf("%+v", b))
	}
	for p := range s.Processes() {
		l = append(l, fmt.Sprintf("%#x %d %s %v", p.Addr, p.ID, p.Image, p.Err))
	}
	return l
}

func TestOpen(t *testing.T) {
	i := sample(t)
	l, err := live.Open(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	want := said(l)
	for name, change := range map[string]func(i *image){
		"as it is":     func(*image) {},
		"arm64":        func(i *image) { i.machine = elf.EM_AARCH64 },
		"many headers": func(i *image) { i.xnum = true },
		"no names":     func(i *image) { i.notes = psinfo(uint32(os.Getpid()), "tester") },
		"another's notes": func(i *image) {
			other := func(note []byte) []byte { return bytes.Replace(note, []byte("CORE"), []byte("GNU\x00"), 1) }
			i.notes = slices.Concat(i.notes, other(psinfo(99, "other")), other(files(0x10000000)))
		},
		"notes that end early": func(i *image) { i.notes = append(i.notes, 1, 0, 0) },
		"one segment": func(i *image) {
			i.notes = psinfo(uint32(os.Getpid()), "tester")
			i.loads = []load{{addr: poolAt, b: slices.Concat(i.loads[0].b, i.loads[1].b)}}
		},
		"split segment": func(i *image) {
			b := i.loads[0].b
			i.loads = append(i.loads, load{addr: poolAt + 8192, b: b[8192:]})
			i.loads[0].b = b[:8192]
		},
		"a debugger in it had pools mapped": func(i *image) {
			// Its own pool once more, in front of the other mapping, and one that lies where
			// its next extent would.
			i.loads = append(i.loads, load{addr: poolAt - 8*pool.ExtentSize, b: i.loads[0].b, read: true}, load{addr: poolAt + 2*pool.ExtentSize, b: make([]byte, 4096), size: pool.ExtentSize, read: true})
			i.notes = slices.Concat(psinfo(uint32(os.Getpid()), "tester"), status(6), status(0),
				files(poolAt-8*pool.ExtentSize, poolAt, poolAt+pool.ExtentSize, poolAt+2*pool.ExtentSize))
		},
		"damaged header of extent 1": nil,
	} {
		i := *i
		i.loads = slices.Clone(i.loads)
		if change != nil {
			change(&i)
		} else {
			i.loads[1].b = bytes.Clone(i.loads[1].b)
			clear(i.loads[1].b[:64])
		}
		c, err := open(t, i.bytes())
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := said(c); change != nil && !slices.Equal(got, want) {
			t.Errorf("%s: it says\n%s\nwant\n%s", name, strings.Join(got, "\n"), strings.Join(want, "\n"))
		} else if change == nil && len(got) != len(want)+1 {
			t.Errorf("%s: it says\n%s\nwant one line more than\n%s", name, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		if !Format.Match(i.bytes()) {
			t.Errorf("%s: it is not recognised", name)
		}
	}
	c, err := open(t, i.bytes())
	if err != nil {
		t.Fatal(err)
	}
	if want := fmt.Sprintf("of process %d (tester), x86_64, ended by signal 6 (aborted), file written ", os.Getpid()); !strings.Contains(c.Describe(), want) {
		t.Errorf("it describes itself as %q, want %q", c.Describe(), want)
	}
}

// TestNoPool: why there is nothing to see is one sentence.
func TestNoPool(t *testing.T) {
	for name, c := range map[string]struct {
		change func(i *image)
		want   string
	}{
		"no use of lpc": {func(i *image) { i.notes, i.loads = slices.Concat(psinfo(7, "cat"), files()), nil }, "process 7 (cat) has no pool in it: it did not use lpc"},
		"filtered": {func(i *image) {
			for k := range i.loads {
				i.loads[k].b, i.loads[k].size = nil, pool.ExtentSize
			}
		}, "bit 1 (shared anonymous memory) of /proc/PID/coredump_filter was not set"},
		"not mapped":  {func(i *image) { i.loads = nil }, "the core holds nothing of it: the core has no such memory"},
		"no core":     {func(i *image) { i.typ = elf.ET_EXEC }, "of type ET_EXEC, expected a core"},
		"other":       {func(i *image) { i.machine = elf.EM_386 }, "a core of EM_386, expected x86-64 or arm64"},
		"notes alone": {func(i *image) { i.notes, i.loads = []byte{1, 2, 3}, nil }, "its notes cannot be read"},
	} {
		i := sample(t)
		c.change(i)
		_, err := open(t, i.bytes())
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	b := sample(t).bytes()
	for at, want := range map[int]string{0: "expected an ELF file's", 4: "of class 3, expected 1 or 2 (32 or 64 bits)", 5: "of data format 0, expected 1 (little-endian)", 54: "program headers have 57 bytes"} {
		c := bytes.Clone(b)
		c[at] ^= 1
		if _, err := open(t, c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("byte %d changed: %v, want %q", at, err, want)
		}
	}
}

// TestCutShort: what is left of a core is shown, what is not is said.
func TestCutShort(t *testing.T) {
	i := sample(t)
	b := i.bytes()
	want := said(mustOpen(t, b))
	for n := 0; n < len(b); n += 1 + len(b)/60 {
		c, err := open(t, b[:n])
		if err != nil {
			continue
		}
		for _, line := range said(c) {
			if strings.Contains(line, "Err:<nil>") && !slices.Contains(want, line) {
				t.Fatalf("%d of %d bytes: it says what the whole core does not: %s", n, len(b), line)
			}
		}
	}
	c := mustOpen(t, b[:len(b)-pool.ExtentSize])
	n, err := c.ReadMemory(uint64(os.Getpid())<<40|pool.ExtentSize, make([]byte, 8))
	if n != 0 || err == nil || !strings.HasSuffix(err.Error(), cutShort) {
		t.Errorf("the lost extent: %d bytes, %v", n, err)
	}
}

func mustOpen(t testing.TB, b []byte) *Target {
	t.Helper()
	c, err := open(t, b)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestSparse: a core with a hole of 8 GB is opened by reading a few pages of it.
func TestSparse(t *testing.T) {
	i := sample(t)
	b := i.bytes()
	const hole = 8 << 30
	// The first extent stands far behind the rest.
	off := le.Uint64(b[64+56+8:])
	le.PutUint64(b[64+56+8:], off+hole)
	path := filepath.Join(t.TempDir(), "core")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	if _, err := f.WriteAt(b, 0); err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt(i.loads[0].b, int64(off)+hole); err != nil {
		needs.Missing(t, "needs a file system with sparse files of 8 GiB at %s: %v", path, err)
	}
	c := &core{}
	counted := &counting{f: f}
	if c, err = parse(counted, hole+int64(len(b))); err != nil {
		t.Fatal(err)
	}
	facts := c.facts()
	bases := c.bases(facts)
	pools := c.pools(bases, facts.pid)
	if len(pools) != 1 || len(pools[facts.pid]) != 2 {
		t.Errorf("pools %v", pools)
	}
	if counted.n > 1<<20 {
		t.Errorf("%d bytes were read to open it", counted.n)
	}
	v := lpcpool.New([]*lpcpool.Pool{{Number: facts.pid, Extents: pools[facts.pid], Process: target.Process{ID: facts.pid, Image: facts.command}}})
	if got, want := said(v), said(mustOpen(t, i.bytes())); !slices.Equal(got, want) {
		t.Errorf("it says\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

type counting struct {
	f *os.File
	n int
}

func (c *counting) ReadAt(b []byte, off int64) (int, error) {
	c.n += len(b)
	return c.f.ReadAt(b, off)
}

func FuzzOpen(f *testing.F) {
	i := sample(f)
	i.loads[0].b, i.loads[1].b = i.loads[0].b[:0x8000], i.loads[1].b[:0x1000]
	f.Add(i.bytes())
	i.xnum = true
	f.Add(i.bytes())
	f.Add(i.bytes()[:400])
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := parse(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			return
		}
		facts := c.facts()
		bases := c.bases(facts)
		_ = c.held(bases, facts)
		for n, p := range c.pools(bases, facts.pid) {
			v := lpcpool.New([]*lpcpool.Pool{{Number: n, Extents: p}})
			for b := range v.Blocks("") {
				_, _, _ = v.ReadRecord(b.Body, make([]byte, 64))
			}
		}
	})
}
