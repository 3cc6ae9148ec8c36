package ntdump

import (
	"encoding/binary"
	"fmt"
	"iter"
)

// ReadPhysical fills dst with the physical memory at pa on. It returns how many
// bytes from the start are there; fewer than len(dst) come with an error, an
// *Absent for a byte that the dump does not hold. dst behind n is unchanged.
func (d *Dump) ReadPhysical(pa uint64, dst []byte) (n int, err error) {
	for n < len(dst) {
		at := pa + uint64(n)
		if d.phys == nil || at < pa {
			return n, &Absent{at, true, NotInDump}
		}
		off, more, ok, err := d.phys.find(at / pageBytes)
		if err != nil {
			return n, err
		}
		if !ok {
			return n, &Absent{at, true, NotInDump}
		}
		in := at % pageBytes
		// more is below 2^40 pages, so the product fits.
		part := min(uint64(len(dst)-n), more*pageBytes-in)
		got, err := d.readFile(off+int64(in), dst[n:n+int(part)])
		n += got
		if err != nil {
			return n, err
		}
		if uint64(got) < part {
			return n, &Absent{at + uint64(got), true, CutShort}
		}
	}
	return n, nil
}

// readFile reads what the file has at off; fewer bytes than asked for come without
// an error at the file's end.
func (d *Dump) readFile(off int64, dst []byte) (int, error) {
	if off >= d.size {
		return 0, nil
	}
	want := int(min(int64(len(dst)), d.size-off))
	n, err := d.src.ReadAt(dst[:want], off)
	if n < want {
		return n, fmt.Errorf("reading %d bytes of the dump file at offset %#x: %w", want, off, noEOF(err))
	}
	return n, nil
}

// Range is a stretch of memory: Size bytes at Addr.
type Range struct {
	Addr, Size uint64
}

// Physical walks the physical memory that the dump holds, in order, in stretches
// of whole pages. A stretch may be followed by its direct neighbour. It may stop
// early; it ends at the first error, which it yields.
func (d *Dump) Physical() iter.Seq2[Range, error] {
	return func(yield func(Range, error) bool) {
		if d.phys == nil {
			return
		}
		pfn := uint64(0)
		for {
			first, ok, err := d.phys.next(pfn)
			if err != nil {
				yield(Range{}, err)
				return
			}
			if !ok {
				return
			}
			_, more, _, err := d.phys.find(first)
			if err != nil {
				yield(Range{}, err)
				return
			}
			if !yield(Range{first * pageBytes, more * pageBytes}, nil) {
				return
			}
			pfn = first + max(more, 1)
		}
	}
}

// Pages is the number of physical pages that the dump says it holds.
func (d *Dump) Pages() uint64 {
	if d.phys == nil {
		return 0
	}
	return d.phys.pages()
}

// physWord reads an entry of 4 or 8 bytes of a page table.
func (d *Dump) physWord(pa uint64, size int) (uint64, error) {
	var b [8]byte
	if _, err := d.ReadPhysical(pa, b[:size]); err != nil {
		return 0, err
	}
	return binary.LittleEndian.Uint64(b[:]), nil
}
