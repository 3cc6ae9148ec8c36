package ntpool

import (
	"context"
	"encoding/binary"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/seed-eedd8485/lpc/ntdump"
	"github.com/seed-eedd8485/lpc/ntdump/dumptest"
)

// gigabytes of nonpaged pool in the dump of BenchmarkScan.
const gigabytes = 4

// BenchmarkScan searches 4 GB of nonpaged pool of a dump for a tag, and reads the same
// pages plainly in the same run: x/read is how many times longer the search takes.
// "together": the pool's pages follow each other in physical memory; "scattered": none
// stands behind its neighbour, as on a machine that ran for long. The file needs 4 GB
// in the temporary directory.
func BenchmarkScan(b *testing.B) {
	for _, scattered := range []bool{false, true} {
		name := "together"
		if scattered {
			name = "scattered"
		}
		b.Run(name, func(b *testing.B) { benchmarkScan(b, scattered) })
	}
}

func benchmarkScan(b *testing.B, scattered bool) {
	path, want := writeLarge(b, gigabytes<<30/pageBytes, scattered)
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
	var scan, read time.Duration
	b.SetBytes(gigabytes << 30)
	for b.Loop() {
		start := time.Now()
		found := 0
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
		scan += time.Since(start)
		if found != want {
			b.Fatalf("%d blocks, want %d", found, want)
		}
		b.StopTimer()
		start = time.Now()
		plain(b, path)
		read += time.Since(start)
		b.StartTimer()
	}
	n := float64(b.N) * gigabytes * (1 << 30) / 1e9
	b.ReportMetric(n/scan.Seconds(), "scanGB/s")
	b.ReportMetric(n/read.Seconds(), "readGB/s")
	b.ReportMetric(scan.Seconds()/read.Seconds(), "x/read")
}

// plain reads the pool's pages, the last of the file, as read(2) gives them.
func plain(b *testing.B, path string) {
	f, err := os.Open(path)
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		b.Fatal(err)
	}
	buf := make([]byte, piece)
	for off := st.Size() - gigabytes<<30; off < st.Size(); off += piece {
		if _, err := f.ReadAt(buf, off); err != nil {
			b.Fatal(err)
		}
	}
}

// writeLarge writes a dump of a machine of 64 bits with pages of blocks of 208 bytes, of
// which one in a thousand pages has the tag Leak.
func writeLarge(t testing.TB, pages uint64, scattered bool) (path string, leaks int) {
	t.Helper()
	const first = 0x100000 // number of the first physical page
	start := uint64(0xfffffadfa0000000) - pages*pageBytes
	m := dumptest.New(dumptest.X64)
	m.AddModule(dumptest.Module{Name: "ntoskrnl.exe", Size: 0x200000})
	m.SetVariable("MmNonPagedPoolStart", start)
	m.SetVariable("MmNonPagedPoolEnd", start+pages*pageBytes)
	place := func(i uint64) uint64 { return i }
	if scattered {
		order := rand.New(rand.NewPCG(3, 4)).Perm(int(pages))
		place = func(i uint64) uint64 { return uint64(order[i]) }
	}
	for i := range pages {
		m.Entry(m.Kernel(), start+i*pageBytes, (first+place(i))*pageBytes|0x63)
	}
	path = filepath.Join(t.TempDir(), "MEMORY.DMP")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	usual, leak := pageOf("File"), pageOf("Leak")
	err = m.WriteBitmap(f, dumptest.Run{Base: first, Count: pages}, func(i uint64, page []byte) {
		from := usual
		if i%1000 == 0 {
			from = leak
			leaks += pageBytes / 208
		}
		copy(page, from)
		binary.LittleEndian.PutUint64(page[24:], i)
	})
	if err != nil {
		t.Fatal(err)
	}
	return path, leaks
}

// pageOf is a page of blocks of 208 bytes, its rest free.
func pageOf(tag string) []byte {
	page := make([]byte, pageBytes)
	previous := 0
	for off := 0; off < pageBytes; {
		size, kind := 208, byte(1)
		if off+size > pageBytes {
			size, kind = pageBytes-off, 0
		}
		copy(page[off:], []byte{byte(previous / 16), 0, byte(size / 16), kind})
		copy(page[off+4:], tag)
		previous, off = size, off+size
	}
	return page
}

// The same dump, small: what the benchmark searches is found.
func TestLargeDump(t *testing.T) {
	for _, scattered := range []bool{false, true} {
		path, want := writeLarge(t, 3000, scattered)
		d, err := ntdump.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		got, gaps := collect(t, reader(t, d), NonPaged, func(tag [4]byte) bool { return string(tag[:]) == "Leak" })
		if len(got) != want || len(gaps) > 0 {
			t.Errorf("scattered %v: %d blocks, want %d; %q", scattered, len(got), want, gaps)
		}
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	}
}
