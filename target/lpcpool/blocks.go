package lpcpool

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/seed-eedd8485/lpc/internal/pool"
	"github.com/seed-eedd8485/lpc/target"
)

// found is a block of a pool as the walk sees it.
type found struct {
	p    *poolState
	im   *image
	off  uint32 // in the extent
	base uint64 // the extent's offset in the pool
	head blockHead
	prev uint64
	err  error // of a range without whole headers: only p and addr are set
}

func (f *found) addr() uint64 { return f.p.address(f.base + uint64(f.off)) }
func (f *found) body() uint64 { return f.addr() + blockHeader }

// bytes are the body's first n bytes as they were when the walk passed, nil when
// the body is shorter.
func (f *found) bytes(n int) []byte {
	if n > int(f.head.size)-blockHeader {
		return nil
	}
	return f.im.b[f.off+blockHeader:][:n]
}

// walk yields every block of the pool in order, and what is not readable as
// blocks. It reads each extent once. What it yields is good until the next.
func (p *poolState) walk() iter.Seq[*found] {
	return func(yield func(*found) bool) {
		im := &image{}
		for _, e := range p.ordered() {
			im = e.imageInto(im)
			base := uint64(e.index) * pool.ExtentSize
			if !im.whole && !yield(&found{p: p, base: base, err: im.headError()}) {
				return
			}
			if !p.walkImage(im, base, yield) {
				return
			}
		}
		if err := p.lost(); err != nil {
			yield(&found{p: p, err: err})
		}
	}
}

// lost says what the walk could not see: extents that are missing, a process that
// went away.
func (p *poolState) lost() error {
	if n := p.extentCount(); p.missing(n) > 0 {
		return fmt.Errorf("%d of the %d extents of the pool of process %d are missing", p.missing(n), n, p.src.Process.ID)
	}
	if p.src.Gone != nil {
		return p.src.Gone()
	}
	return nil
}

// missing counts the extents below n that are not there.
func (p *poolState) missing(n uint32) (k int) {
	for i := range n {
		if p.extents[i] == nil {
			k++
		}
	}
	return k
}

func (p *poolState) walkImage(im *image, base uint64, yield func(*found) bool) bool {
	gaps, prev, f := im.gaps, uint64(0), new(found)
	tell := func(end uint32) bool { // the gaps in front of end
		for ; len(gaps) > 0 && gaps[0].start < end; gaps = gaps[1:] {
			if !yield(&found{p: p, base: base, off: gaps[0].start, err: im.gapError(gaps[0])}) {
				return false
			}
			prev = 0
		}
		return true
	}
	for _, off := range im.blocks {
		if !tell(off) {
			return false
		}
		*f = found{p: p, im: im, off: off, base: base, head: im.block(off), prev: prev}
		if !yield(f) {
			return false
		}
		prev = uint64(f.head.size)
	}
	return tell(pool.ExtentSize)
}

// headError is for an extent without a whole header.
func (im *image) headError() error {
	if im.there&1 == 0 {
		return fmt.Errorf("the extent's header cannot be read: %s", im.why)
	}
	return errors.New("the extent's header is damaged: its blocks were found by their magic number")
}

func (im *image) gapError(g gap) error {
	page := g.start / pageSize
	if im.there&(1<<page) == 0 {
		return fmt.Errorf("%#x bytes cannot be read: %s", g.end-g.start, im.why)
	}
	return fmt.Errorf("%#x bytes without a whole block header: they begin with % x, expected magic %#x", g.end-g.start, im.b[g.start:g.start+8], uint32(pool.BlockMagic))
}

// tagged yields the allocated blocks with a tag, and what could not be read.
func (p *poolState) tagged(tag pool.Tag) iter.Seq[*found] {
	return func(yield func(*found) bool) {
		for f := range p.walk() {
			if f.err != nil || f.head.state == pool.BlockAllocated && f.head.tag == tag {
				if !yield(f) {
					return
				}
			}
		}
	}
}

// Blocks is target.System's. A range that cannot be read as blocks is yielded with
// Err, whatever the tag.
func (v *View) Blocks(tag string) iter.Seq[target.Block] {
	return func(yield func(target.Block) bool) {
		for p := range v.of(0) {
			if p.src.Process.Err != nil {
				if !yield(target.Block{Process: p.address(headerBody), Err: p.src.Process.Err}) {
					return
				}
				continue
			}
			paged := p.paged()
			match := func(t [4]byte) bool { return tag == "" || string(t[:]) == tag }
			if !p.scan(context.Background(), match, func(f *found) bool { return yield(f.block(paged)) }) {
				return
			}
		}
	}
}

func (f *found) block(paged bool) target.Block {
	b := target.Block{Addr: f.addr(), Process: f.p.address(headerBody), Paged: paged, Err: f.err}
	if f.err != nil {
		return b
	}
	b.Body, b.Size, b.Previous = f.body(), uint64(f.head.size), f.prev
	b.Tag, b.Allocated, b.Owner = f.head.tag, f.head.state == pool.BlockAllocated, f.head.owner
	return b
}
