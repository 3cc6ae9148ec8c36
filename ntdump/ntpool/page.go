package ntpool

import (
	"fmt"

	"github.com/seed-eedd8485/lpc/ntdump"
)

// Page are the blocks of the page that an address lies in, or the one allocation of
// whole pages that does. region is the pool that the address belongs to, as far as its
// place tells. Blocks up to where they stop to close come with an error that says
// where.
func (r *Reader) Page(addr uint64) (region Kind, known bool, blocks []Block, err error) {
	if r.err != nil {
		return 0, false, nil, r.err
	}
	var rg Range
	rg, known = r.of(addr)
	_ = r.readBig() // without the table every page is one of small blocks
	for _, b := range r.big {
		if addr-b.Addr < b.Size {
			return rg.Kind, known, []Block{b}, nil
		}
	}
	va := addr &^ (pageBytes - 1)
	page := make([]byte, pageBytes)
	if _, err := r.d.ReadVirtual(rg.Space, va, page); err != nil {
		return rg.Kind, known, nil, err
	}
	if rg.Kind == Special && known {
		c := cutter{r: r, rg: rg, gaps: gaps{}}
		if c.special(va, page); len(c.kept) == 0 {
			err = fmt.Errorf("the page at %#x has no header of special pool", va)
		}
		return rg.Kind, known, c.kept, err
	}
	var c chain
	closed := r.l.cut(page, &c)
	for _, at := range c.at[:c.n] {
		blocks = append(blocks, r.finish(r.l.block(page, int(at), va)))
	}
	if !closed {
		end := va
		if c.n > 0 {
			last := blocks[c.n-1]
			end = last.Addr + last.Size
		}
		err = fmt.Errorf("the page at %#x is no page of pool blocks: at %#x stands no header that fits the block before it", va, end)
	}
	return rg.Kind, known, blocks, err
}

// of is the pool that an address lies in.
func (r *Reader) of(addr uint64) (Range, bool) {
	for _, k := range []Kind{Paged, Special, NonPaged, Session} {
		list, _, err := r.Ranges(k)
		if err != nil {
			continue
		}
		for _, rg := range list {
			if addr >= rg.Start && addr < rg.End {
				return rg, !rg.Loose
			}
		}
	}
	return Range{Space: ntdump.Space{}}, false
}
