package ntdump

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/seed-eedd8485/lpc/ntdump/dumptest"
)

// Every state of a page, on every machine: read, or absent with its reason.
func TestPageStates(t *testing.T) {
	for _, p := range dumptest.Profiles {
		t.Run(p.Name, func(t *testing.T) {
			m := dumptest.New(p)
			content := func(s string) []byte { return bytes.Repeat([]byte(s), pageBytes/len(s)) }
			base := m.Alloc(pageBytes) &^ (pageBytes - 1)
			pool := base + 64*pageBytes
			m.SetVariable("MmPagedPoolStart", pool)
			at := func(i uint64) uint64 { return base + (16+i)*pageBytes }
			protoAt := pool + 0x2d1c0 // prototype entries stand in paged pool
			proto := func(i uint64, e uint64) uint64 {
				va := protoAt + i*uint64(m.EntryBytes())
				m.Number(va, e, m.EntryBytes())
				return m.ProtoEntry(va)
			}
			k := m.Kernel()
			valid := func(frame uint64) uint64 { return frame<<12 | 0x63 }
			m.Put(at(0), content("valid---"))
			m.Entry(k, at(1), m.Transition(m.Frame(content("transit-"))))
			m.Entry(k, at(2), m.PageFile(0x1234))
			m.Entry(k, at(3), m.DemandZero())
			m.Entry(k, at(4), 0)
			m.Entry(k, at(5), proto(0, valid(m.Frame(content("proto---")))))
			m.Entry(k, at(6), proto(1, m.Transition(m.Frame(content("prototra")))))
			m.Entry(k, at(7), proto(2, m.PageFile(7)))
			m.Entry(k, at(8), proto(3, m.ProtoEntry(protoAt))) // itself in a section
			m.Entry(k, at(9), proto(4, 0))
			m.Entry(k, at(10), m.ProtoEntry(pool+0x100000)) // the prototype entry is not there
			m.Entry(k, at(11), valid(0x7ffff))              // a page that the dump leaves out
			m.Entry(k, at(12), proto(5, m.DemandZero()))
			d := read(t, m.Dump(dumptest.BitmapFull))
			for i, c := range []struct {
				text   string
				reason Reason
				state  State // of the page's own entry
				in     bool  // transition
			}{
				{"valid---", 0, Valid, false},
				{"transit-", 0, InTransition, true},
				{"", PagedOut, InPageFile, false},
				{"", DemandZero, Zero, false},
				{"", NotMapped, Empty, false},
				{"proto---", 0, InPrototype, false},
				{"prototra", 0, InPrototype, true},
				{"", PagedOut, InPrototype, false},
				{"", Prototype, InPrototype, false},
				{"", Prototype, InPrototype, false},
				{"", Prototype, InPrototype, false},
				{"", NotInDump, Valid, false},
				{"", DemandZero, InPrototype, false},
			} {
				va := at(uint64(i))
				dst := bytes.Repeat([]byte{0xee}, 8)
				n, err := d.ReadMemory(va+16, dst)
				tr, terr := d.Translate(Space{}, va+16)
				if terr != nil {
					t.Fatal(terr)
				}
				steps := tr.Steps()
				last := steps[len(steps)-1]
				if last.Level == "Proto" {
					last = steps[len(steps)-2]
				}
				if last.Level != "PTE" || last.State != c.state || tr.Transition != c.in {
					t.Errorf("page %d: steps %+v, transition %v", i, steps, tr.Transition)
				}
				if c.reason == 0 {
					if err != nil || string(dst) != c.text {
						t.Errorf("page %d: %q, %v, want %q", i, dst[:n], err, c.text)
					}
					continue
				}
				var a *Absent
				if n != 0 || !errors.As(err, &a) || a.Reason != c.reason || a.Addr != va+16 || !bytes.Equal(dst, bytes.Repeat([]byte{0xee}, 8)) {
					t.Errorf("page %d: %d bytes %q, %v, want reason %v", i, n, dst, err, c.reason)
				}
			}
			// A read over the edge gives what is there.
			dst := make([]byte, 16)
			n, err := d.ReadMemory(at(2)-8, dst)
			if n != 8 || string(dst[:8]) != "transit-" || err == nil || !strings.Contains(err.Error(), "paged out") {
				t.Errorf("over the edge: %d bytes %q, %v", n, dst, err)
			}
			n, err = d.ReadMemory(at(1)-8, dst)
			if n != 16 || err != nil || string(dst) != "valid---transit-" {
				t.Errorf("across two pages: %d bytes %q, %v", n, dst, err)
			}
		})
	}
}

// Large pages: 4 MB without PAE, 2 MB with it, 2 MB and 1 GB on x64.
func TestLargePages(t *testing.T) {
	for _, c := range []struct {
		p     dumptest.Profile
		va    uint64
		pages uint64
	}{
		{dumptest.XP, 0x80400000, 1024},
		{dumptest.XPPAE, 0x80600000, 512},
		{dumptest.X64, 0xfffff80010200000, 512},
		{dumptest.Win10, 0xffffdd8040000000, 512 * 512},
	} {
		t.Run(fmt.Sprintf("%s %d MB", c.p.Name, c.pages/256), func(t *testing.T) {
			m := dumptest.New(c.p)
			frame := c.pages * 3
			m.Large(c.va, frame, c.pages)
			last := c.va + c.pages*pageBytes - 8
			m.Put(c.va, []byte("first---"))
			m.Put(last, []byte("the last"))
			d := read(t, m.Dump(dumptest.BitmapKernel))
			for at, want := range map[uint64]string{c.va: "first---", last: "the last"} {
				dst := make([]byte, 8)
				if _, err := d.ReadMemory(at, dst); err != nil || string(dst) != want {
					t.Errorf("%#x: %q, %v", at, dst, err)
				}
				tr, err := d.Translate(Space{}, at)
				if err != nil || tr.PageSize != c.pages*pageBytes || tr.Physical != frame*pageBytes+at-c.va {
					t.Errorf("%#x: %+v, %v", at, tr, err)
				}
			}
			// The middle of the page is not in the dump: that is said, not zero.
			var a *Absent
			if _, err := d.ReadMemory(c.va+c.pages*pageBytes/2, make([]byte, 1)); !errors.As(err, &a) || a.Reason != NotInDump {
				t.Errorf("the middle: %v", err)
			}
			if n, err := d.ReadMemory(c.va+pageBytes-4, make([]byte, 8)); n != 4 || !errors.As(err, &a) || a.Addr != c.va+pageBytes {
				t.Errorf("over the first small page: %d bytes, %v", n, err)
			}
		})
	}
}

// PSE-36: a large page of a machine without PAE may lie above 4 GB.
func TestPSE36(t *testing.T) {
	if got := pagingX86.largeBase(0x00c00000|3<<13|largeBit|validBit, 22); got != 3<<32|0x00c00000 {
		t.Errorf("got %#x", got)
	}
}

func TestCanonical(t *testing.T) {
	for _, c := range []struct {
		m    *paging
		va   uint64
		want uint64
		ok   bool
	}{
		{pagingX64, 0x00007fffffffffff, 0x00007fffffffffff, true},
		{pagingX64, 0x0000800000000000, 0, false},
		{pagingX64, 0xffff7fffffffffff, 0, false},
		{pagingX64, 0xffff800000000000, 0x0000800000000000, true},
		{pagingX64, 0xffffffffffffffff, 0x0000ffffffffffff, true},
		{pagingX86, 0xffffffff, 0xffffffff, true},
		{pagingX86, 0xffffffff80001000, 0x80001000, true}, // as KDBG has it
		{pagingX86, 0xffffffff70001000, 0, false},
		{pagingX86, 0x100000000, 0, false},
		{pagingPAE, 0xffffffffffffffff, 0xffffffff, true},
	} {
		got, ok := c.m.fold(c.va)
		if ok != c.ok || ok && got != c.want {
			t.Errorf("%s %#x: %#x %v, want %#x %v", c.m.name, c.va, got, ok, c.want, c.ok)
		}
	}
	// The last byte of the addresses, and none behind it.
	m := dumptest.New(dumptest.XP)
	m.Put(0xfffff000, bytes.Repeat([]byte{7}, pageBytes))
	d := read(t, m.Dump(dumptest.Full))
	var a *Absent
	if n, err := d.ReadMemory(0xfffffffe, make([]byte, 4)); n != 2 || !errors.As(err, &a) || a.Reason != NotCanonical {
		t.Errorf("over the end: %d bytes, %v", n, err)
	}
}

// Runs are found wherever they stand, at each edge; damaged ones are refused.
func TestRuns(t *testing.T) {
	m, err := newRuns([]run{{base: 0x100, count: 2}, {base: 1, count: 3}, {base: 0x50}, {base: 0x10, count: 1}}, 0x1000)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		pfn  uint64
		off  int64
		more uint64
		next uint64
	}{
		{0, -1, 0, 1}, {1, 0x3000, 3, 1}, {3, 0x5000, 1, 3}, {4, -1, 0, 0x10}, {0xf, -1, 0, 0x10}, {0x10, 0x6000, 1, 0x10},
		{0x50, -1, 0, 0x100}, {0x100, 0x1000, 2, 0x100}, {0x101, 0x2000, 1, 0x101}, {0x102, -1, 0, 0}, {1 << 50, -1, 0, 0},
	} {
		off, more, ok, err := m.find(c.pfn)
		if err != nil || ok != (c.off >= 0) || ok && (off != c.off || more != c.more) {
			t.Errorf("page %#x: %#x, %d, %v, %v", c.pfn, off, more, ok, err)
		}
		next, ok, _ := m.next(c.pfn)
		if ok != (c.next != 0) || next != c.next {
			t.Errorf("from page %#x on: %#x, want %#x", c.pfn, next, c.next)
		}
	}
	if _, err := newRuns([]run{{base: 1, count: 2}, {base: 3, count: 1}}, 0); err != nil {
		t.Errorf("runs that touch: %v", err)
	}
	equal(t, "pages", m.pages(), 6)
	equal(t, "end", m.end(), 0x102)
	for _, c := range []struct {
		list []run
		want string
	}{
		{[]run{{base: 1, count: 2}, {base: 2, count: 1}}, "reading physical memory runs: page 0x2 stands in two runs, expected runs that do not overlap"},
		{[]run{{base: 1 << 40, count: 1}}, "reading physical memory runs: run 0 has 0x1 pages from page 0x10000000000 on, expected page numbers below 0x10000000000"},
		{[]run{{base: 1, count: 1<<64 - 1}}, "reading physical memory runs: run 0 has 0xffffffffffffffff pages from page 0x1 on, expected page numbers below 0x10000000000"},
		{[]run{{base: 0, count: 1 << 40}, {base: 0, count: 1 << 40}}, "reading physical memory runs: more than 0x10000000000 pages in 2 runs"},
	} {
		if _, err := newRuns(c.list, 0); err == nil || err.Error() != c.want {
			t.Errorf("%v: %v, want %s", c.list, err, c.want)
		}
	}
}

// The bitmap's ranks against a plain count, over block edges and a last byte that
// is used in part.
func TestBitmap(t *testing.T) {
	for _, bits := range []uint64{1, 7, 8, 9, blockBits - 1, blockBits, blockBits + 1, 65*blockBits + 3} {
		data := make([]byte, (bits+7)/8)
		for i := range data {
			switch {
			case i%1000 < 400:
				data[i] = byte(i * 37)
			case i%1000 < 500:
				data[i] = 0xff
			}
		}
		data[len(data)-1] |= 0xff // bits behind the last one do not count
		m := &bitmap{src: bytes.NewReader(data), nbits: bits, first: 0x5000}
		var set []uint64
		for i := range bits {
			if data[i/8]>>(i%8)&1 != 0 {
				set = append(set, i)
			}
		}
		n, err := m.count()
		if err != nil || n != uint64(len(set)) {
			t.Fatalf("%d bits: %d set, want %d, %v", bits, n, len(set), err)
		}
		for i := range bits + 2 {
			rank, found := slices.BinarySearch(set, i)
			off, more, ok, err := m.find(i)
			if err != nil || ok != found || ok && off != 0x5000+int64(rank)*pageBytes {
				t.Fatalf("%d bits, page %d: %#x, %v, %v, want rank %d, %v", bits, i, off, ok, err, rank, found)
			}
			if ok && (more < 1 || rank+int(more) > len(set) || set[rank+int(more)-1] != i+more-1) {
				t.Fatalf("%d bits, page %d: %d pages follow each other", bits, i, more)
			}
			next, ok, err := m.next(i)
			if err != nil || ok != (rank < len(set)) || ok && next != set[rank] {
				t.Fatalf("%d bits, from page %d on: %d, %v, %v", bits, i, next, ok, err)
			}
		}
	}
}

// Runs of bits, over the borders of words.
func TestOnes(t *testing.T) {
	b := make([]byte, 24)
	set := func(from, to int) {
		for i := from; i < to; i++ {
			b[i/8] |= 1 << (i % 8)
		}
	}
	set(0, 1)
	set(5, 64)
	set(70, 192)
	for _, c := range [][2]uint64{{0, 1}, {1, 0}, {5, 59}, {63, 1}, {64, 0}, {70, 122}, {127, 65}, {128, 64}, {191, 1}} {
		equal(t, fmt.Sprintf("from bit %d", c[0]), ones(b, c[0]), c[1])
	}
}

// Second headers that contradict themselves or the file are refused.
func TestBitmapHeader(t *testing.T) {
	for _, c := range []struct {
		p     dumptest.Profile
		kind  dumptest.Kind
		spoil func(b []byte)
		want  string
	}{
		{dumptest.Win10, dumptest.BitmapFull, func(b []byte) { b[0] = 'X' }, `reading bitmap header at offset 0x2000: it starts with "XDMPDUMP", expected SDMPDUMP or FDMPDUMP`},
		{dumptest.Win10, dumptest.BitmapFull, func(b []byte) { clear(b[0x30:0x38]) }, "a bitmap of 0x0 bits, expected 1 to 0x10000000000"},
		{dumptest.Win10, dumptest.BitmapFull, func(b []byte) { b[0x35] = 2 }, "a bitmap of 0x2"},
		{dumptest.Win10, dumptest.BitmapFull, func(b []byte) { b[0x2f] = 1 }, "pages in a bitmap of"},
		{dumptest.Win10, dumptest.BitmapFull, func(b []byte) { b[0x38] ^= 1 }, "bits are set, expected as many as pages"},
		{dumptest.Win10, dumptest.BitmapFull, func(b []byte) { binary.LittleEndian.PutUint64(b[0x20:], 0x2038) }, "the first page stands at offset 0x2038, expected it behind the bitmap"},
		{dumptest.Win10, dumptest.BitmapFull, func(b []byte) { b[0x27] = 0xff }, "expected it behind the bitmap"},
		{dumptest.Win10, dumptest.BitmapFull, func(b []byte) { binary.LittleEndian.PutUint64(b[0x20:], 1<<40) }, "within the bitmap of pages"},
		{dumptest.XP, dumptest.Summary, func(b []byte) { b[0x18]++ }, "reading 32-bit summary header at offset 0x1000: a bitmap of 0x0 bits"},
		{dumptest.XP, dumptest.Summary, func(b []byte) { b[0x14]++ }, "bits are set, expected as many as pages"},
		{dumptest.X64, dumptest.Summary, func(b []byte) { b[0x28]++ }, "and reading 64-bit summary header at offset 0x2000"},
	} {
		m := dumptest.New(c.p)
		m.Alloc(pageBytes)
		data := m.Dump(c.kind)
		c.spoil(data[c.p.Bits*128:])
		_, err := New(bytes.NewReader(data), int64(len(data)))
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("got %v, want %s", err, c.want)
		}
	}
}

// A kernel dump of an earlier 64-bit writer, with the header of 32-bit fields, is
// taken where every number agrees.
func TestSummary64Old(t *testing.T) {
	w := newWorld(dumptest.X64)
	data := w.Dump(dumptest.Summary)
	le := binary.LittleEndian
	s := data[0x2000:]
	first, pages, bits := le.Uint64(s[0x20:]), le.Uint64(s[0x28:]), le.Uint64(s[0x30:])
	old := make([]byte, 0x28)
	copy(old, "SDMPDUMP")
	le.PutUint32(old[0x0c:], uint32(first-0x10))
	le.PutUint32(old[0x10:], uint32(bits))
	le.PutUint32(old[0x14:], uint32(pages))
	le.PutUint32(old[0x18:], uint32(bits))
	whole := slices.Concat(data[:0x2000], old, data[0x2038:])
	testProcesses(t, read(t, whole), w)
}
