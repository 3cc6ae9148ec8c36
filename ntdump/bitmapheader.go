package ntdump

import (
	"fmt"
	"io"

	"github.com/seed-eedd8485/lpc/bin"
)

// bitmapHeader is what the second header of a bitmap dump says, in any layout.
type bitmapHeader struct {
	layout string // names it in messages
	off    int64  // of the bitmap
	first  uint64 // offset of the first page
	bits   uint64
	held   uint64 // pages that are present
}

// Layouts of the second header. The first is that of 64-bit dumps since Windows 8
// (reference 3.3); the other two are those of kernel dumps of earlier writers,
// which are taken only when every self-check agrees, since no published document
// gives them.
var (
	bitmap64  = layout64{"bitmap header", header64Bytes}
	summary64 = layout32{"64-bit summary header", header64Bytes, 0x28}
	summary32 = layout32{"32-bit summary header", header32Bytes, 0x20}
)

// layout64 has u64 fields: +20 first page, +28 pages, +30 bits, +38 the bitmap.
type layout64 struct {
	kind string
	at   int64
}

func (l layout64) read(r *bin.Reader) bitmapHeader {
	h := bitmapHeader{layout: l.kind, off: l.at + 0x38}
	r.Seek("FirstPage", l.at+0x20)
	h.first, h.held, h.bits = r.U64("FirstPage"), r.U64("Pages"), r.U64("BitmapSize")
	return h
}

// layout32 has u32 fields: +c first page, +10 bits, +14 pages, +18 the size in
// bits once more, then a pointer of the writer, then the bitmap.
type layout32 struct {
	kind   string
	at     int64
	bitmap int64 // offset of the bitmap from at
}

func (l layout32) read(r *bin.Reader) bitmapHeader {
	h := bitmapHeader{layout: l.kind, off: l.at + l.bitmap}
	r.Seek("HeaderSize", l.at+0xc)
	h.first, h.bits, h.held = uint64(r.U32("HeaderSize")), uint64(r.U32("BitmapSize")), uint64(r.U32("Pages"))
	if again := uint64(r.U32("SizeOfBitMap")); again != h.bits {
		h.bits = 0 // refused below
	}
	return h
}

// newBitmap reads the second header of the dump in src and makes its map. Layouts
// are tried in order; the first that passes its self-checks is taken.
func newBitmap(src io.ReaderAt, size int64, h *Header) (*bitmap, error) {
	r := bin.New("bitmap header", src, size)
	at, tries := int64(header64Bytes), []interface {
		read(*bin.Reader) bitmapHeader
	}{bitmap64, summary64}
	if h.Bits == 32 {
		at, tries = header32Bytes, tries[:0]
		tries = append(tries, summary32)
	} else if h.Type != Summary {
		tries = tries[:1]
	}
	r.Seek("signature", at)
	sig := r.Bytes("signature", 8, 8)
	if err := r.Err(); err != nil {
		return nil, err
	}
	if s := string(sig); s != "SDMPDUMP" && s != "FDMPDUMP" {
		return nil, fmt.Errorf("reading bitmap header at offset %#x: it starts with %q, expected SDMPDUMP or FDMPDUMP", at, sig)
	}
	var first error
	for _, t := range tries {
		b := t.read(r)
		if err := r.Err(); err != nil {
			return nil, err
		}
		m, err := b.check(src, size, len(tries) > 1 || h.Bits == 32)
		if err == nil {
			return m, nil
		}
		err = fmt.Errorf("reading %s at offset %#x: %w", b.layout, at, err)
		if first != nil {
			err = fmt.Errorf("%w; and %w", first, err)
		}
		first = err
	}
	return nil, first
}

// maxCountedBits is the largest bitmap that is counted when the dump is opened:
// 16 MiB of bits, 512 GB of memory.
const maxCountedBits = 16 << 20 * 8

// check holds the header's numbers against each other and against the file. With
// strict, the bits must be as many as the pages.
func (b bitmapHeader) check(src io.ReaderAt, size int64, strict bool) (*bitmap, error) {
	switch {
	case b.bits == 0 || b.bits > maxPFN:
		return nil, fmt.Errorf("a bitmap of %#x bits, expected 1 to %#x", b.bits, uint64(maxPFN))
	case b.held > b.bits:
		return nil, fmt.Errorf("%#x pages in a bitmap of %#x bits", b.held, b.bits)
	case b.first > uint64(1<<62) || b.first < uint64(b.off)+(b.bits+7)/8:
		return nil, fmt.Errorf("the first page stands at offset %#x, expected it behind the bitmap, at %#x or later", b.first, uint64(b.off)+(b.bits+7)/8)
	case int64(b.first) > size:
		return nil, fmt.Errorf("the file ends at %#x within the bitmap of pages, whose end is %#x", size, b.first)
	}
	m := &bitmap{src: src, off: b.off, nbits: b.bits, first: int64(b.first), held: b.held}
	if b.bits > maxCountedBits && !strict {
		return m, nil
	}
	n, err := m.count()
	if err != nil {
		return nil, err
	}
	if n != b.held {
		return nil, fmt.Errorf("%#x bits are set, expected as many as pages, %#x", n, b.held)
	}
	return m, nil
}
