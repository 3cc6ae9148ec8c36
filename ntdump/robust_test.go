package ntdump

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/seed-eedd8485/lpc/internal/needs"
	"github.com/seed-eedd8485/lpc/ntdump/dumptest"
)

// use reads everything of a dump that can be asked for. It may find nothing, but it
// must come back.
func use(t testing.TB, data []byte) {
	d, err := New(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		if d != nil || err.Error() == "" {
			t.Error("a dump with an error, or an error without words")
		}
		return
	}
	h := d.Header()
	_ = fmt.Sprint(h.Type, h.Machine, h.Time, h.Uptime, d.Notes(), d.ServicePackNumber(), d.CallStack())
	if d.Debugger() == nil {
		_ = d.ScanDebugger(t.Context())
	}
	ms, _ := d.Modules()
	us, _ := d.UnloadedModules()
	if len(ms) > maxModules || len(us) > maxUnloaded {
		t.Errorf("%d modules, %d unloaded", len(ms), len(us))
	}
	n := 0
	for p := range d.Processes() {
		n++
		for th := range d.Threads(p.Addr) {
			if n++; th.Stack.OK && th.Stack.Size() > maxStackBytes {
				t.Errorf("a stack of %d bytes", th.Stack.Size())
			}
		}
		var b [8]byte
		_, _ = d.ReadVirtual(p.Space(), 0x10000, b[:])
		if n > 1000 {
			break
		}
	}
	if at, ok := d.CurrentThread(); ok {
		_ = d.Thread(at)
	}
	if at, ok := d.CurrentProcess(); ok {
		_ = d.Process(at)
	}
	for i := range 2 {
		_, _ = d.ProcessorContext(i)
	}
	_, _ = d.Context(h.Context)
	_, _ = d.ContextAt(Space{}, h.BugCheck.Params[3])
	_, _ = d.TrapFrameAt(Space{}, h.BugCheck.Params[2])
	_, _ = d.ExceptionAt(Space{}, h.BugCheck.Params[2])
	_, _ = d.TaskStateAt(Space{}, h.BugCheck.Params[1])
	b := make([]byte, 64)
	for _, r := range d.Virtual() {
		_, _ = d.ReadMemory(r.Addr+r.Size-32, b)
	}
	n = 0
	for r, err := range d.Physical() {
		if n++; err != nil || n > 1000 {
			break
		}
		_, _ = d.ReadPhysical(r.Addr+r.Size-32, b)
	}
}

// samples are dumps of every kind, small.
func samples(t testing.TB) [][]byte {
	var out [][]byte
	for _, p := range dumptest.Profiles {
		w := newWorld(p)
		for _, kind := range []dumptest.Kind{dumptest.Full, dumptest.Summary, dumptest.BitmapFull, dumptest.Triage} {
			out = append(out, w.Dump(kind))
		}
	}
	if data, err := os.ReadFile(filepath.Join("..", "..", "shared", "data", "triage_x64.dmp")); err == nil {
		out = append(out, data)
	}
	return out
}

// Every prefix of the headers, every one that ends at a page or one byte beside it,
// and steps of 4093 behind: nothing panics, nothing hangs. With LPC_LONG every
// prefix of the first 64 KiB.
func TestPrefixes(t *testing.T) {
	for i, data := range samples(t) {
		var cuts []int
		dense := header32Bytes + 0x90 // both headers
		if data[4] == 'D' && data[6] == '6' {
			dense = header64Bytes + 0x90
		}
		stride := 1
		if os.Getenv("LPC_LONG") != "" {
			dense = 64 << 10
		} else if raceEnabled {
			stride = 13
		}
		for p := 0; p < dense; p += stride {
			cuts = append(cuts, p)
		}
		for p := 0x1000; p <= 64<<10; p += 0x1000 {
			cuts = append(cuts, p-1, p, p+1)
		}
		step := 4093
		if raceEnabled {
			step *= 8
		}
		for p := 64 << 10; p < len(data); p += step {
			cuts = append(cuts, p)
		}
		for _, c := range cuts {
			if c >= 0 && c <= len(data) {
				use(t, data[:c])
			}
		}
		if t.Failed() {
			t.Fatalf("sample %d", i)
		}
	}
}

// Random corruptions, from a few bytes to a whole stretch, in headers more often
// than elsewhere.
func TestCorruptions(t *testing.T) {
	all := samples(t)
	total := 10000
	if testing.Short() || raceEnabled {
		total = 1000
	}
	rng := rand.New(rand.NewPCG(1, 2))
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for i := range total {
		data := slices.Clone(all[i%len(all)])
		for range 1 + rng.IntN(8) {
			at := rng.IntN(len(data))
			switch rng.IntN(4) {
			case 0:
				at = rng.IntN(min(len(data), 0x2100))
			case 1:
				at = rng.IntN(min(len(data), 0x4000)) &^ 3
			}
			n := 1 << rng.IntN(6)
			for j := at; j < min(at+n, len(data)); j++ {
				switch rng.IntN(3) {
				case 0:
					data[j] = byte(rng.Uint32())
				case 1:
					data[j] = 0xff
				case 2:
					data[j] ^= 1 << rng.IntN(8)
				}
			}
		}
		use(t, data)
		if t.Failed() {
			t.Fatalf("corruption %d", i)
		}
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	// What is allocated in all tells whether a damaged number decided a size: on
	// average a dump costs less than its own copy and 4 MiB.
	if each := int64(after.TotalAlloc-before.TotalAlloc) / int64(total); each > 8<<20 {
		t.Errorf("%d bytes are allocated for a dump on average, expected under 8 MiB", each)
	}
}

// A dump of 16 GB, nearly all of it a hole, opens at once: nothing is read but its
// headers. The limit is on bytes read and allocated, since time is the machine's.
func TestSparse(t *testing.T) {
	const pages = 16 << 30 / pageBytes
	m := dumptest.New(dumptest.Win10)
	path := filepath.Join(t.TempDir(), "sparse.dmp")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.Write(m.HeaderWithRuns([]dumptest.Run{{Base: 1, Count: 1000}, {Base: 0x1000, Count: pages - 1000}})); err != nil {
		t.Fatal(err)
	}
	if err := f.Truncate(0x2000 + pages*pageBytes); err != nil {
		needs.Missing(t, "needs a file system with sparse files of 16 GiB at %s: %v", path, err)
	}
	src := &counting{r: f}
	start := time.Now()
	d, err := New(src, 0x2000+pages*pageBytes)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("opened in %v, %d bytes read", time.Since(start), src.n)
	if src.n > 1<<20 {
		t.Errorf("%d bytes are read to open a dump of 16 GB", src.n)
	}
	equal(t, "pages", d.Pages(), pages)
	b := make([]byte, 16)
	if n, err := d.ReadPhysical((0x1000+pages-1000)*pageBytes-16, b); n != 16 || err != nil {
		t.Errorf("the last bytes: %d, %v", n, err)
	}
	if n, err := d.ReadPhysical((0x1000+pages-1000)*pageBytes-15, b); n != 15 || err == nil {
		t.Errorf("over the end: %d, %v", n, err)
	}
	// Mapped, through Open.
	o := open(t, path)
	equal(t, "pages of the mapped one", o.Pages(), pages)
	if n, err := o.ReadPhysical(0x1000*pageBytes, b); n != 16 || err != nil {
		t.Errorf("mapped: %d, %v", n, err)
	}
}

type counting struct {
	r *os.File
	n int64
}

func (c *counting) ReadAt(p []byte, off int64) (int, error) {
	c.n += int64(len(p))
	return c.r.ReadAt(p, off)
}

func FuzzDump(f *testing.F) {
	for _, p := range dumptest.Profiles {
		w := dumptest.New(p)
		f.Add(w.Dump(dumptest.Triage), uint32(0), uint32(0))
		f.Add(w.Dump(dumptest.Full)[:0x2100], uint32(0x64), uint32(1))
		f.Add(w.Dump(dumptest.BitmapFull)[:0x2100], uint32(0x2020), uint32(7))
	}
	f.Fuzz(func(t *testing.T, data []byte, at, v uint32) {
		if int64(at)+4 <= int64(len(data)) {
			data[at], data[at+1], data[at+2], data[at+3] = byte(v), byte(v>>8), byte(v>>16), byte(v>>24)
		}
		use(t, data)
	})
}

// FuzzTables puts bytes into a page table of a sound dump.
func FuzzTables(f *testing.F) {
	type sample struct {
		data []byte
		dtb  int
	}
	var all []sample
	for _, p := range dumptest.Profiles {
		m := newWorld(p)
		data := m.Dump(dumptest.Full)
		d := read(f, data)
		off, _, _, err := d.phys.find(m.Kernel().DTB / pageBytes)
		if err != nil {
			f.Fatal(err)
		}
		all = append(all, sample{data, int(off)})
	}
	f.Add(uint8(0), uint16(0x804), []byte{0xff, 0xff, 0xff, 0xff}, uint64(0x81000000))
	f.Add(uint8(3), uint16(0xf80), []byte{0x80}, uint64(0xfffff80001000000))
	f.Fuzz(func(t *testing.T, which uint8, at uint16, b []byte, va uint64) {
		s := all[int(which)%len(all)]
		data := slices.Clone(s.data)
		copy(data[s.dtb+int(at)%0x4000:], b)
		d, err := New(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			return
		}
		tr, err := d.Translate(Space{}, va)
		if err != nil || tr.Absent == nil && tr.PageSize == 0 {
			t.Fatalf("%+v, %v", tr, err)
		}
		dst := make([]byte, 100)
		if n, err := d.ReadMemory(va, dst); n < len(dst) && err == nil {
			t.Fatalf("%d bytes without an error", n)
		}
		use(t, data)
	})
}

func FuzzDebugger(f *testing.F) {
	w := newWorld(dumptest.Win10)
	w.Dump(dumptest.Full)
	f.Add(w.Get(w.DebuggerData(), 0x380), true)
	f.Fuzz(func(t *testing.T, b []byte, wide bool) {
		bits := 32
		if wide {
			bits = 64
		}
		k, err := parseDebugger(b, bits)
		if err != nil {
			return
		}
		for off := range 0x400 {
			if _, ok := k.Value(Field(off)); ok && off+8 > k.Size() {
				t.Fatalf("a value at %#x of %#x bytes", off, k.Size())
			}
			k.Offset(Field16(off))
			k.Offset32(Field32(off))
		}
	})
}
