package lpcpool

import (
	"context"

	"github.com/seed-eedd8485/lpc/internal/pool"
	"github.com/seed-eedd8485/lpc/section"
)

// A scan finds blocks by their tags. Where the source has the extent mapped, only the
// blocks' headers are looked at, where they stand: a copy of all the memory costs
// several times as much. What does not look right there is read again by a copy.

// Mapped is implemented by Bytes that may be mapped into this process.
type Mapped interface {
	Bytes
	// Mapped are the extent's first n bytes, nil where they cannot be had so: to read
	// those that were never written would change them. Their owner may write them at
	// any time. They are good until the source is closed.
	Mapped(n uint64) []byte
}

// A scanner's memory is used again for each extent.
type scanner struct {
	found []found
	image image
	sum   byte // of touch, so that its reads are wanted
}

// extent yields the blocks of an extent with tags that match takes (all when nil), and
// what could not be read as blocks. false: yield wants no more.
func (s *scanner) extent(p *poolState, e *extent, match func(tag [4]byte) bool, yield func(*found) bool) bool {
	base := uint64(e.index) * pool.ExtentSize
	if m, ok := e.src.(Mapped); ok && s.mapped(m, match) {
		for i := range s.found {
			f := &s.found[i]
			f.p, f.base = p, base
			if !yield(f) {
				return false
			}
		}
		return true
	}
	im := e.imageInto(&s.image)
	if !im.whole && !yield(&found{p: p, base: base, err: im.headError()}) {
		return false
	}
	return p.walkImage(im, base, func(f *found) bool {
		return f.err == nil && match != nil && !match(f.head.tag) || yield(f)
	})
}

// mapped looks through an extent where it stands. ok is false where not all of it is
// blocks; what was found does not count then.
func (s *scanner) mapped(m Mapped, match func(tag [4]byte) bool) (ok bool) {
	s.found = s.found[:0]
	err := section.Guard(func() {
		var head [extentHeader]byte
		if copy(head[:], m.Mapped(extentHeader)) < len(head) {
			return
		}
		h, whole := parseExtent(head[:])
		b := m.Mapped(h.tail)
		if !whole || uint64(len(b)) < h.tail {
			return
		}
		var block [blockHeader]byte
		prev, ahead := uint64(0), uint64(0)
		for off := uint64(extentHeader); off < h.tail; {
			if off >= ahead {
				ahead = min(off+touched, h.tail)
				s.touch(b[off:ahead])
			}
			copy(block[:], b[off:]) // its owner may write it meanwhile: nothing is read twice
			head, whole := parseBlock(block[:], h.tail-off)
			if !whole {
				return
			}
			if match == nil || match(head.tag) {
				s.found = append(s.found, found{off: uint32(off), head: head, prev: prev})
			}
			prev = uint64(head.size)
			off += prev
		}
		ok = true
	})
	return ok && err == nil
}

// touched are the bytes of a mapping that are fetched before the blocks in them are
// followed: each header tells where the next one is, so that they would be fetched one
// after the other, each for the full latency of the memory.
const touched = 32 << 10

const cacheLine = 64

// touch reads a byte of each cache line; the reads do not wait for each other.
func (s *scanner) touch(b []byte) {
	sum := byte(0)
	for i := 0; i < len(b); i += cacheLine {
		sum += b[i]
	}
	s.sum += sum
}

// scan yields the blocks of the pool whose tags match takes, and what could not be
// read as blocks. What it yields is good until the next.
func (p *poolState) scan(ctx context.Context, match func(tag [4]byte) bool, yield func(*found) bool) bool {
	var s scanner
	for _, e := range p.ordered() {
		if ctx.Err() != nil || !s.extent(p, e, match, yield) {
			return false
		}
	}
	if err := p.lost(); err != nil {
		return yield(&found{p: p, err: err})
	}
	return true
}
