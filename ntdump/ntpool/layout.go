package ntpool

import (
	"encoding/binary"
	"fmt"
	"math/bits"

	"github.com/seed-eedd8485/lpc/isf"
	"github.com/seed-eedd8485/lpc/ntdump"
)

const pageBytes = 4096

// field is where a member of a header stands in its first word.
type field struct {
	shift uint
	mask  uint32
}

func (f field) of(word uint32) uint32 { return word >> f.shift & f.mask }

// layout is how a pool header is taken apart: PreviousSize, PoolIndex, BlockSize and
// PoolType share its first 32 bits on every machine, the tag follows.
type layout struct {
	header                    int // bytes, and the unit of the sizes
	previous, index, size, ty field
	tag                       int
	billed                    int  // of the charged process in the header; -1: it stands at the block's end
	ptr                       int  // bytes of a pointer
	evenPaged                 bool // until Vista even types are the paged ones
	quick                     quick
}

// quick is a header as every kernel that is known has it, for one load: PreviousSize
// ends the first word, the tag is the second.
type quick struct {
	ok             bool
	shift, size    uint64 // the first word shifted and masked is the size in bytes
	unit, previous uint64 // that shifted is the next header's PreviousSize, under this mask
}

func (l *layout) quicker() (q quick) {
	q.unit = uint64(bits.TrailingZeros(uint(l.header)))
	q.shift, q.size = uint64(l.size.shift)-q.unit, uint64(l.size.mask)<<q.unit
	q.previous = uint64(l.previous.mask)
	q.ok = l.tag == 4 && l.previous.shift == 0 && uint64(l.size.shift) >= q.unit
	return q
}

// newLayout asks a description for the header's members.
func newLayout(t isf.Types, build uint32) (*layout, error) {
	h := t.Layout("_POOL_HEADER")
	if h == nil {
		return nil, fmt.Errorf("_POOL_HEADER is not described in %s", t.Source())
	}
	l := &layout{header: h.Size, ptr: t.PointerSize(), billed: -1, evenPaged: build < vista}
	if l.header != 8 && l.header != 16 {
		return nil, fmt.Errorf("%s describes a pool header of %d bytes, expected 8 or 16", t.Source(), l.header)
	}
	for _, m := range []struct {
		name string
		to   *field
	}{{"PreviousSize", &l.previous}, {"PoolIndex", &l.index}, {"BlockSize", &l.size}, {"PoolType", &l.ty}} {
		f, err := isf.Find(t, h, m.name)
		if err != nil {
			return nil, err
		}
		bit, bits := 8*f.Offset, 8*f.Type.Size
		if f.Type.Kind == isf.Bits {
			bit, bits = bit+f.Type.BitPosition, f.Type.BitLength
		}
		if bit < 0 || bits < 1 || bits > 16 || bit+bits > 32 {
			return nil, fmt.Errorf("%s puts %s of a pool header at bits %d to %d, expected them in the first word", t.Source(), m.name, bit, bit+bits-1)
		}
		*m.to = field{uint(bit), 1<<bits - 1}
	}
	tag, err := isf.Find(t, h, "PoolTag")
	if err != nil {
		return nil, err
	}
	if l.tag = tag.Offset; l.tag < 0 || l.tag+4 > l.header {
		return nil, fmt.Errorf("%s puts the tag of a pool header at %#x, expected it within %d bytes", t.Source(), l.tag, l.header)
	}
	// On x86 the member shares its bytes with the tag; what is charged to a block of
	// a kernel that keeps tags stands at the block's end (reference 5.3).
	if f, err := isf.Find(t, h, "ProcessBilled"); err == nil && f.Offset >= l.tag+4 && f.Offset+l.ptr <= l.header {
		l.billed = f.Offset
	}
	l.quick = l.quicker()
	return l, nil
}

// Types of a block (reference 5.3a; from Vista on the parity is the other way round,
// as volatility's overlays for it have it).
const quotaBit = 8

func (l *layout) isPaged(ty uint32) bool { return (ty&1 == 0) == l.evenPaged }

// chain is where the blocks of a page begin.
type chain struct {
	at [pageBytes/8 + 1]uint16
	n  int
}

// cut finds the blocks of a page. It returns false where they do not close; those up
// to there are in c.
func (l *layout) cut(page []byte, c *chain) bool {
	page = page[:pageBytes]
	c.n = 0
	previous := uint32(0)
	for off := 0; off < pageBytes; {
		w := binary.LittleEndian.Uint32(page[off:])
		size := l.size.of(w)
		end := off + int(size)*l.header
		if l.previous.of(w) != previous || size == 0 || end > pageBytes {
			return false
		}
		c.at[c.n] = uint16(off)
		c.n++
		previous, off = size, end
	}
	return true
}

// block takes a header apart. b is what there is of the page.
func (l *layout) block(page []byte, off int, va uint64) Block {
	w := binary.LittleEndian.Uint32(page[off:])
	ty := l.ty.of(w)
	b := Block{
		Addr: va + uint64(off), Body: va + uint64(off+l.header),
		Size: uint64(l.size.of(w)) * uint64(l.header), Previous: uint64(l.previous.of(w)) * uint64(l.header),
		Index: l.index.of(w), Allocated: ty != 0, Paged: ty != 0 && l.isPaged(ty), Quota: ty&quotaBit != 0,
	}
	copy(b.Tag[:], page[off+l.tag:])
	b.Protected = b.Tag[3]&0x80 != 0
	b.Tag[3] &^= 0x80
	if b.Quota {
		at := off + l.billed
		if l.billed < 0 {
			at = off + int(b.Size) - l.ptr
		}
		if at > off && at+l.ptr <= len(page) {
			b.Billed = ntdump.Word(page[at:], l.ptr)
		}
	}
	return b
}
