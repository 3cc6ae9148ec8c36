package ntdump

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime/metrics"
	"slices"
	"testing"
	"time"

	"github.com/seed-eedd8485/lpc/internal/needs"
	"github.com/seed-eedd8485/lpc/internal/proctest"
	"github.com/seed-eedd8485/lpc/ntdump/dumptest"
)

// use reads everything of a dump that can be asked for. It may find nothing, but it
// must come back.
func use(t testing.TB, data []byte) { useSource(t, bytes.NewReader(data), int64(len(data))) }

func useSource(t testing.TB, src io.ReaderAt, size int64) {
	d, err := New(src, size)
	if err != nil {
		if d != nil || err.Error() == "" {
			t.Error("a dump with an error, or an error without words")
		}
		return
	}
	h := d.Header()
	_ = fmt.Sprint(h.Type, h.Machine, h.Time, h.Uptime, d.Notes(), d.ServicePackNumber(), d.CallStack(), d.BackingStore(0))
	for _, selector := range []uint64{0x28, 0xffff} {
		_, _ = d.TaskSegment(1, selector)
	}
	_, _ = d.InterruptedTask(h.BugCheck.Params[1])
	_, _, _, _ = d.DPCStack(h.BugCheck.Params[1])
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
			_, _, _ = d.UserStack(th)
			if n++; th.Stack.OK && th.Stack.Size() > maxStackBytes {
				t.Errorf("a stack of %d bytes", th.Stack.Size())
			}
		}
		if list, err := d.UserModules(p.Addr); len(list) > 2*maxModules || err != nil && err.Error() == "" {
			t.Errorf("%d modules of a process, %v", len(list), err)
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

// A sample is a dump, and the offsets at which its structures begin and end.
type sample struct {
	name  string
	data  []byte
	marks []int
}

// samples are written dumps for every reader.
func samples(t testing.TB) []sample {
	var out []sample
	add := func(m *dumptest.Machine, name string, kind dumptest.Kind) {
		out = append(out, sample{fmt.Sprintf("%s, kind %d", name, kind), m.Dump(kind), slices.Clone(m.Boundaries())})
	}
	for _, p := range dumptest.Profiles {
		w := newWorld(p)
		add(w.Machine, p.Name, dumptest.Full)
		add(w.Machine, p.Name, dumptest.Summary)
		if p.Bits == 64 { // 32 bits have one layout for all kinds with a bitmap
			add(w.Machine, p.Name, dumptest.Automatic)
		}
		add(w.Machine, p.Name, dumptest.Triage)
	}
	for _, p := range dumptest.Small {
		m, _ := smallWorld(p)
		add(m, p.Name, dumptest.Triage)
	}
	return out
}

// realSamples are the real dumps that are at hand.
func realSamples(t testing.TB) []sample {
	var out []sample
	files, err := filepath.Glob(filepath.Join(filepath.Dir(needs.File(t, "triage_x64.dmp")), "*.dmp"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		h := read(t, data).small
		if h == nil {
			continue
		}
		marks := []int{int(h.at), int(h.at) + 0x80, int(h.size)}
		for _, at := range []int64{h.valid, h.context, h.exception, h.unloaded, h.prcb, h.process, h.thread, h.stack, h.stack + h.stackSize, h.drivers, h.strings, h.strings + h.stringsSize, h.dataPageOff, h.debugger, h.debugger + h.debuggerSize, h.blocks, h.blocks + 16*int64(h.blockCount)} {
			marks = append(marks, int(at))
		}
		out = append(out, sample{filepath.Base(file), data, marks})
	}
	return out
}

// A meter counts what is read, and ends a use that reads more than any dump can be
// worth: that stands for the 2 seconds that it may take, since time is the machine's.
type meter struct {
	r    io.ReaderAt
	n    int64
	over bool
}

const maxRead = 256 << 20

func (m *meter) ReadAt(p []byte, off int64) (int, error) {
	if m.n += int64(len(p)); m.n > maxRead {
		m.over = true
		return 0, errors.New("read too much")
	}
	return m.r.ReadAt(p, off)
}

// bounded uses a dump and holds what it read and allocated against the bounds.
func bounded(t *testing.T, data []byte) (took time.Duration) {
	t.Helper()
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(sample)
	before, start := sample[0].Value.Uint64(), time.Now()
	m := &meter{r: bytes.NewReader(data)}
	useSource(t, m, int64(len(data)))
	took = time.Since(start)
	metrics.Read(sample)
	if m.over {
		t.Errorf("more than %d MiB are read", maxRead>>20)
	}
	// A damaged number that decides a size shows here. What was allocated is counted
	// when a span is full, so a little of the uses before belongs to this one.
	if all := sample[0].Value.Uint64() - before; all > 64<<20 {
		t.Errorf("%d bytes are allocated", all)
	}
	return took
}

// Every prefix of the headers, every one that ends where a structure or a page does
// or one byte beside it, and steps of 4093 behind: nothing panics, nothing reads or
// allocates without bounds. With LPC_LONG (make dumps) every prefix of the first 64 KiB
// and every page; without it pages to there.
func TestPrefixes(t *testing.T) { prefixes(t, samples(t)) }

// TestRealPrefixes is the same for the real dumps.
func TestRealPrefixes(t *testing.T) { prefixes(t, realSamples(t)) }

func prefixes(t *testing.T, list []sample) {
	long := os.Getenv("LPC_LONG") != ""
	proctest.Watchdog(t, map[bool]time.Duration{false: 8 * time.Minute, true: 19 * time.Minute}[long])
	var slowest time.Duration
	for _, s := range list {
		start := time.Now()
		dense := header32Bytes + 0x90 // both headers
		if s.data[4] == 'D' && s.data[6] == '6' {
			dense = header64Bytes + 0x90
		}
		stride, step := 1, 4093
		switch {
		case long:
			dense = 64 << 10
		case raceEnabled:
			stride, step = 13, 8*4093
		}
		cuts := map[int]bool{}
		for p := 0; p < dense; p += stride {
			cuts[p] = true
		}
		beside := func(p int) { cuts[p-1], cuts[p], cuts[p+1] = true, true, true }
		for _, p := range s.marks {
			beside(p)
		}
		for p := pageBytes; p <= len(s.data) && (long || p <= 64<<10); p += pageBytes {
			beside(p)
		}
		for p := 64 << 10; p < len(s.data); p += step {
			cuts[p] = true
		}
		for _, c := range slices.Sorted(maps.Keys(cuts)) {
			if c < 0 || c > len(s.data) {
				continue
			}
			slowest = max(slowest, bounded(t, s.data[:c]))
			if t.Failed() {
				t.Fatalf("%s, %d bytes of %d", s.name, c, len(s.data))
			}
		}
		t.Logf("%s: %d prefixes of %d bytes in %v", s.name, len(cuts), len(s.data), time.Since(start))
	}
	t.Logf("the slowest took %v", slowest)
}

// 10,000 random corruptions, from a few bytes to a whole stretch, in headers more
// often than elsewhere.
func TestCorruptions(t *testing.T) { corruptions(t, samples(t), 10000) }

// TestRealCorruptions is the same for the real dumps.
func TestRealCorruptions(t *testing.T) { corruptions(t, realSamples(t), 2000) }

func corruptions(t *testing.T, all []sample, total int) {
	proctest.Watchdog(t, 8*time.Minute)
	if testing.Short() || raceEnabled {
		total /= 10
	}
	var slowest time.Duration
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range total {
		s := all[i%len(all)]
		data := slices.Clone(s.data)
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
		slowest = max(slowest, bounded(t, data))
		if t.Failed() {
			t.Fatalf("corruption %d of %s", i, s.name)
		}
	}
	t.Logf("the slowest took %v", slowest)
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

// A bitmap dump of 64 GB opens as well: its bitmap is counted, 2 MiB of it.
func TestSparseBitmap(t *testing.T) {
	const pages = 64 << 30 / pageBytes
	m := dumptest.New(dumptest.Win10)
	head := m.Dump(dumptest.HeaderOnly)
	binary.LittleEndian.PutUint32(head[0xf98:], uint32(dumptest.BitmapFull))
	second := make([]byte, 0x38)
	copy(second, "FDMPDUMP")
	const first = 0x2038 + pages/8
	for off, v := range map[int]uint64{0x20: first, 0x28: pages, 0x30: pages} {
		binary.LittleEndian.PutUint64(second[off:], v)
	}
	path := filepath.Join(t.TempDir(), "sparse.dmp")
	data := append(append(head, second...), bytes.Repeat([]byte{0xff}, pages/8)...)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, first+pages*pageBytes); err != nil {
		needs.Missing(t, "needs a file system with sparse files of 64 GiB at %s: %v", path, err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	src := &counting{r: f}
	start := time.Now()
	d, err := New(src, first+pages*pageBytes)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("opened in %v, %d bytes read", time.Since(start), src.n)
	if src.n > 4<<20 {
		t.Errorf("%d bytes are read to open a dump of 64 GB", src.n)
	}
	b := make([]byte, 16)
	if n, err := d.ReadPhysical(pages*pageBytes-16, b); n != 16 || err != nil {
		t.Errorf("the last bytes: %d, %v", n, err)
	}
	if o := open(t, path); o.Pages() != pages {
		t.Errorf("mapped: %d pages", o.Pages())
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
	for _, p := range dumptest.Small {
		m, _ := smallWorld(p)
		f.Add(m.Dump(dumptest.Triage), uint32(0x2058), uint32(0xffffffff))
	}
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
	type tables struct {
		data []byte
		dtb  int
	}
	var all []tables
	for _, p := range dumptest.Profiles {
		m := newWorld(p)
		data := m.Dump(dumptest.Full)
		d := read(f, data)
		off, _, _, err := d.phys.find(m.Kernel().DTB / pageBytes)
		if err != nil {
			f.Fatal(err)
		}
		all = append(all, tables{data, int(off)})
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
