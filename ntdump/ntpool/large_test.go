package ntpool

import (
	"encoding/binary"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/seed-eedd8485/lpc/ntdump"
	"github.com/seed-eedd8485/lpc/ntdump/dumptest"
)

// large is a dump of a machine of 64 bits with pages of blocks of 208 bytes, of which one
// in a thousand pages has the tag Leak.
type large struct {
	pages     uint64
	scattered bool
	others    uint64 // pages of no pool behind each in physical memory
}

// firstPage is the number of the first physical page.
const firstPage = 0x100000

func writeLarge(t testing.TB, l large) (path string, leaks int) {
	t.Helper()
	each := l.others + 1
	start := uint64(0xfffffadfa0000000) - l.pages*pageBytes
	m := dumptest.New(dumptest.X64)
	m.AddModule(dumptest.Module{Name: "ntoskrnl.exe", Size: 0x200000})
	m.SetVariable("MmNonPagedPoolStart", start)
	m.SetVariable("MmNonPagedPoolEnd", start+l.pages*pageBytes)
	place := func(i uint64) uint64 { return i }
	if l.scattered {
		order := rand.New(rand.NewPCG(3, 4)).Perm(int(l.pages))
		place = func(i uint64) uint64 { return uint64(order[i]) }
	}
	for i := range l.pages {
		m.Entry(m.Kernel(), start+i*pageBytes, (firstPage+place(i)*each)*pageBytes|0x63)
	}
	path = filepath.Join(t.TempDir(), "MEMORY.DMP")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	usual, leak := pageOf("File"), pageOf("Leak")
	err = m.WriteBitmap(f, dumptest.Run{Base: firstPage, Count: l.pages * each}, func(i uint64, page []byte) {
		if i%each != 0 {
			clear(page)
			return
		}
		from := usual
		if i/each%1000 == 0 {
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
	for _, l := range []large{{pages: 3000}, {pages: 3000, scattered: true}, {pages: 3000, scattered: true, others: 3}} {
		path, want := writeLarge(t, l)
		d, err := ntdump.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		got, gaps := collect(t, reader(t, d), NonPaged, func(tag [4]byte) bool { return string(tag[:]) == "Leak" })
		if len(got) != want || len(gaps) > 0 {
			t.Errorf("%+v: %d blocks, want %d; %q", l, len(got), want, gaps)
		}
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	}
}
