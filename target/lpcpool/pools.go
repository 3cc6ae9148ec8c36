package lpcpool

import (
	"context"
	"fmt"
	"iter"

	"github.com/seed-eedd8485/lpc/internal/pool"
	"github.com/seed-eedd8485/lpc/target"
)

var _ target.Pooled = (*View)(nil)

// kind is which of NT's pools a process's pool counts as.
func (p *poolState) kind() target.PoolKind {
	if p.paged() {
		return target.Paged
	}
	return target.NonPaged
}

// PoolRanges is target.Pooled's: each process's pool is a range.
func (v *View) PoolRanges(k target.PoolKind) (ranges []target.PoolRange, note string, err error) {
	if k != target.Paged && k != target.NonPaged {
		return nil, "", fmt.Errorf("processes on Linux have no %s pool", k)
	}
	denied := 0
	for p := range v.of(0) {
		if p.src.Process.Err != nil {
			denied++
			continue
		}
		if p.kind() != k {
			continue
		}
		n := uint64(0)
		for _, e := range p.ordered() {
			n = uint64(e.index) + 1
		}
		ranges = append(ranges, target.PoolRange{Kind: k, Start: p.address(0), End: p.address(n * pool.ExtentSize), Process: p.address(headerBody)})
	}
	if denied > 0 {
		note = fmt.Sprintf("processes that may not be read: %d", denied)
	}
	return ranges, note, nil
}

// RangeBlocks is target.Pooled's.
func (v *View) RangeBlocks(ctx context.Context, r target.PoolRange, match func(tag [4]byte) bool) iter.Seq[target.Block] {
	return func(yield func(target.Block) bool) {
		p := v.pools[uint32(r.Start>>poolShift)]
		if p == nil || r.End <= r.Start {
			return
		}
		if err := p.src.Process.Err; err != nil {
			yield(target.Block{Process: p.address(headerBody), Err: err})
			return
		}
		paged := p.paged()
		p.scan(ctx, match, func(f *found) bool {
			a := f.addr()
			return a < r.Start || a >= r.End || yield(f.block(paged))
		})
	}
}

// BigTable is target.Pooled's: sections stand outside the pools, each has a record in
// its process's. A block's address is that of its record; Body is 0, since no pool
// holds the memory. Only the end that allocates in a section counts it; a section that
// is granted and free is yielded as a free block.
func (v *View) BigTable(k target.PoolKind) (start, end uint64, blocks iter.Seq[target.Block], err error) {
	if k != target.Paged {
		return 0, 0, func(func(target.Block) bool) {}, nil // section memory is not locked
	}
	for b := range v.sections() {
		if b.Err == nil {
			if start == 0 || b.Addr < start {
				start = b.Addr
			}
			end = max(end, b.Addr+1)
		}
	}
	return start, end, v.sections(), nil
}

// sections are the sections that the processes allocate in.
func (v *View) sections() iter.Seq[target.Block] {
	return func(yield func(target.Block) bool) {
		for p := range v.of(0) {
			if p.src.Process.Err != nil {
				if !yield(target.Block{Process: p.address(headerBody), Big: true, Err: p.src.Process.Err}) {
					return
				}
				continue
			}
			for s := range p.sections() {
				if !yield(s.Block) {
					return
				}
			}
		}
	}
}

// A sectionBlock is a section with what its record counts of its tag.
type sectionBlock struct {
	target.Block
	allocs, frees uint64
}

// sections are the sections that the process allocates in.
func (p *poolState) sections() iter.Seq[sectionBlock] {
	return func(yield func(sectionBlock) bool) {
		rec := p.layout("_LPC_SECTION")
		for f := range p.tagged(pool.TagSection) {
			s := sectionBlock{Block: target.Block{Process: p.address(headerBody), Big: true, Paged: true, Addr: f.addr(), Err: f.err}}
			if f.err == nil {
				r := rec.of(f)
				if mine, ok := r.u64("Mine"); !ok || !r.whole() {
					s.Err = errNotDescribed
				} else if mine != 1 {
					continue
				}
				s.Addr = f.body()
				r.section(&s.Block)
				var counts bool
				s.allocs, counts = r.u64("Allocs")
				s.frees, _ = r.u64("Frees")
				if !counts && s.Allocated {
					s.allocs = 1
				}
			}
			if !yield(s) {
				return
			}
		}
	}
}

// section is what a section's record says of it as a block.
func (r record) section(b *target.Block) {
	b.Size, _ = r.u64("Size")
	b.Owner, _ = r.u64("Port")
	n, _ := r.u64("Blocks")
	b.Allocated = n != 0
	if tag, _ := r.field("UserTag"); len(tag) == len(b.Tag) {
		b.Tag = [4]byte(tag)
	}
	if b.Tag == ([4]byte{}) {
		b.Tag = pool.TagSection // nobody has allocated in it, or with a library of old
	}
}

// PoolPage is target.Pooled's. Blocks of ours lie across pages: those that reach into
// the page are its.
func (v *View) PoolPage(addr uint64) (region string, blocks []target.Block, err error) {
	p := v.pools[uint32(addr>>poolShift)]
	if p == nil {
		return "", nil, &target.Absent{Addr: addr, Why: noPool(addr)}
	}
	if err := p.src.Process.Err; err != nil {
		return "", nil, &target.Absent{Addr: addr, Why: err.Error()}
	}
	e, why := p.extent(addr & offsetMask / pool.ExtentSize)
	if e == nil {
		return "", nil, &target.Absent{Addr: addr, Why: why}
	}
	region = fmt.Sprintf("%s pool of process %d", p.kind(), p.src.Process.ID)
	im := e.image()
	off := addr & offsetMask % pool.ExtentSize
	page, base := off&^(pageSize-1), uint64(e.index)*pool.ExtentSize
	paged := p.paged()
	p.walkImage(im, base, func(f *found) bool {
		at := uint64(f.off)
		if at >= page+pageSize {
			return false
		}
		if at+uint64(f.head.size) > page && f.err == nil {
			blocks = append(blocks, f.block(paged))
		}
		return true
	})
	for _, g := range im.gaps {
		if uint64(g.start) <= off && off < uint64(g.end) {
			return region, blocks, im.gapError(g)
		}
	}
	if off >= im.tail {
		return region, blocks, &target.Absent{Addr: addr, Why: neverUsed}
	}
	return region, blocks, nil
}
