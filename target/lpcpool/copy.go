package lpcpool

import (
	"iter"
	"maps"
	"slices"

	"github.com/seed-eedd8485/lpc/internal/pool"
)

// A Copy is the bytes of one extent, taken while its process ran.
type Copy struct {
	Index   uint32
	Bytes   []byte   // pool.ExtentSize; zeros where Data has no bit
	Data    uint64   // bit i: page i was read and is no hole
	Missing uint64   // bit i: page i could not be read
	Torn    []uint32 // offsets of the headers of blocks that did not keep still
}

// Copies copies the extents of a pool, the first one first, for a snapshot. A
// block that was allocated or freed while it was copied is copied again a few
// times and then marked; blocks are not copied at one moment.
func (v *View) Copies(src *Pool) iter.Seq[*Copy] {
	return func(yield func(*Copy) bool) {
		p := v.pools[src.Number]
		if p == nil || p.src != src || src.Process.Err != nil {
			return
		}
		// Extent 0 says how many there are; the others may be younger than it, so
		// that none it counts is left out.
		if e := p.extents[0]; e != nil && !yield(e.copy()) {
			return
		}
		_ = p.ordered() // grows
		for _, i := range slices.Sorted(maps.Keys(p.extents)) {
			if i != 0 && !yield(p.extents[i].copy()) {
				return
			}
		}
	}
}

func (e *extent) copy() *Copy {
	im := e.load()
	torn := map[uint32]bool{}
	for range retries {
		clear(torn)
		next := e.load()
		if next.tail != im.tail {
			copy(im.b, next.b[:extentHeader])
		}
		for _, off := range next.blocks {
			h := next.block(off)
			was, ok := parseBlock(im.b[off:], pool.ExtentSize-uint64(off))
			if ok && was == h {
				continue
			}
			torn[off] = true
			copy(im.b[off:off+h.size], next.b[off:off+h.size])
		}
		im.there, im.tail = next.there, next.tail
		if len(torn) == 0 {
			break
		}
	}
	c := &Copy{Index: e.index, Bytes: im.b, Missing: ^im.there, Torn: slices.Sorted(maps.Keys(torn))}
	for i := range uint64(pages) {
		page := im.b[i*pageSize : (i+1)*pageSize]
		if im.there&(1<<i) != 0 && (!zero(page) || !e.src.Hole(i*pageSize)) {
			c.Data |= 1 << i
		}
	}
	return c
}
