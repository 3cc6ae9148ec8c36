package ntpool

import (
	"context"
	"encoding/binary"
	"os"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/seed-eedd8485/lpc/ntdump"
)

// gigabytes of memory in the dump of BenchmarkScan.
const gigabytes = 4

// BenchmarkScan searches 4 GB of nonpaged pool of a dump for a tag, and reads the same
// pages plainly, with one goroutine, in the same run. How many times longer the search
// takes is told three times:
//
//	x/read    than read(2) of the pages in the order of the file, 256 KiB a call
//	x/mapped  than a look at every word of them in a new mapping, in the order of the file
//	x/pool    than the same, page by page in the order of the pool
//
// "together": the pool's pages follow each other in physical memory; "scattered": none
// stands behind its neighbour, as on a machine that ran for long; "sparse": so too, and
// of four pages of the dump three are of another use, so the pool has 1 GB. The file
// needs 4 GB in the temporary directory.
//
// On two processors (AMD EPYC, Linux 6.18, the file in memory, every other process
// stopped),
//
//	go test ./ntdump/ntpool -run xxx -bench 'Scan/(together|scattered)' -benchtime 2x
//
// told:
//
//	together    9.27 readGB/s  14.25 scanGB/s  1.19 x/mapped  1.15 x/pool  0.65 x/read
//	scattered   9.59 readGB/s  12.52 scanGB/s  1.44 x/mapped  0.31 x/pool  0.77 x/read
func BenchmarkScan(b *testing.B) {
	const pages = gigabytes << 30 / pageBytes
	b.Run("together", func(b *testing.B) { benchmarkScan(b, large{pages: pages}) })
	b.Run("scattered", func(b *testing.B) { benchmarkScan(b, large{pages: pages, scattered: true}) })
	b.Run("sparse", func(b *testing.B) { benchmarkScan(b, large{pages: pages / 4, scattered: true, others: 3}) })
}

func benchmarkScan(b *testing.B, m large) {
	path, want := writeLarge(b, m)
	d, err := ntdump.Open(path)
	if err != nil {
		b.Fatal(err)
	}
	defer d.Close()
	r := reader(b, d)
	ranges, _, err := r.Ranges(NonPaged)
	if err != nil {
		b.Fatal(err)
	}
	match := func(tag [4]byte) bool { return tag == [4]byte{'L', 'e', 'a', 'k'} }
	p := openPlain(b, path, d, ranges)
	took := map[string]time.Duration{}
	timed := func(name string, f func()) {
		start := time.Now()
		f()
		took[name] += time.Since(start)
	}
	b.SetBytes(int64(m.pages) * pageBytes)
	for b.Loop() {
		found := 0
		timed("scan", func() {
			for _, rg := range ranges {
				for x, err := range r.Blocks(context.Background(), rg, match) {
					if err != nil {
						b.Fatal(err)
					}
					if x.Allocated {
						found++
					}
				}
			}
		})
		if found != want {
			b.Fatalf("%d blocks, want %d", found, want)
		}
		b.StopTimer()
		timed("read", func() { p.read(b) })
		timed("mapped", func() { p.mapped(b, p.sorted) })
		timed("pool", func() { p.mapped(b, p.places) })
		b.StartTimer()
	}
	scan := took["scan"].Seconds()
	n := float64(b.N) * float64(m.pages) * pageBytes / 1e9
	b.ReportMetric(n/scan, "scanGB/s")
	b.ReportMetric(n/took["read"].Seconds(), "readGB/s")
	for name, t := range took {
		if name != "scan" && t > 0 {
			b.ReportMetric(scan/t.Seconds(), "x/"+name)
		}
	}
}

// plain reads the pages of a pool and does nothing with them: what a search of them is
// measured against. The dump is writeLarge's, whose physical pages are the last of the
// file, in order.
type plain struct {
	f      *os.File
	size   int64
	places []int64 // of the pool's pages in the file, in the pool's order
	sorted []int64 // in the file's
	sum    uint64
}

func openPlain(b *testing.B, path string, d *ntdump.Dump, ranges []Range) *plain {
	f, err := os.Open(path)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = f.Close() })
	st, err := f.Stat()
	if err != nil {
		b.Fatal(err)
	}
	p := &plain{f: f, size: st.Size()}
	last := uint64(0) // the end of physical memory
	for rg, err := range d.Physical() {
		if err != nil {
			b.Fatal(err)
		}
		last = rg.Addr + rg.Size
	}
	for _, rg := range ranges {
		for st, err := range d.Stretches(rg.Space, rg.Start, rg.End) {
			if err != nil {
				b.Fatal(err)
			}
			for at := uint64(0); at < st.Size; at += pageBytes {
				p.places = append(p.places, p.size-int64(last-st.Physical-at))
			}
		}
	}
	p.sorted = slices.Sorted(slices.Values(p.places))
	return p
}

// read reads them by calls, those that follow each other 256 KiB at a time.
func (p *plain) read(b *testing.B) {
	buf := make([]byte, 256<<10)
	for w := p.sorted; len(w) > 0; {
		n := 1
		for n < len(w) && n < len(buf)/pageBytes && w[n] == w[n-1]+pageBytes {
			n++
		}
		if _, err := p.f.ReadAt(buf[:n*pageBytes], w[0]); err != nil {
			b.Fatal(err)
		}
		w = w[n:]
	}
}

// mapped looks at every word of them, in the order given, in a mapping of its own.
func (p *plain) mapped(b *testing.B, places []int64) {
	data, unmap := mapPlain(b, p.f, p.size)
	defer unmap()
	sum := uint64(0)
	for _, at := range places {
		for page := data[at : at+pageBytes]; len(page) >= 32; page = page[32:] {
			sum += binary.LittleEndian.Uint64(page) + binary.LittleEndian.Uint64(page[8:]) +
				binary.LittleEndian.Uint64(page[16:]) + binary.LittleEndian.Uint64(page[24:])
		}
	}
	p.sum += sum
}

// mapPlain maps a file with no advice to the system.
func mapPlain(b *testing.B, f *os.File, size int64) (data []byte, unmap func()) {
	data, err := syscall.Mmap(int(f.Fd()), 0, int(size), syscall.PROT_READ, syscall.MAP_SHARED)
	if err != nil {
		b.Fatal(err)
	}
	return data, func() { _ = syscall.Munmap(data) }
}
