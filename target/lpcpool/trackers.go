package lpcpool

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"

	"github.com/seed-eedd8485/lpc/internal/pool"
	"github.com/seed-eedd8485/lpc/isf"
	"github.com/seed-eedd8485/lpc/target"
)

var _ target.PoolAccounts = (*View)(nil)

// PoolAccounts is target.PoolAccounts'.
func (v *View) PoolAccounts(ctx context.Context) iter.Seq[target.PoolAccount] {
	return func(yield func(target.PoolAccount) bool) {
		for p := range v.of(0) {
			if ctx.Err() != nil || !yield(p.account(ctx)) {
				return
			}
		}
	}
}

func (p *poolState) account(ctx context.Context) target.PoolAccount {
	a := target.PoolAccount{Process: p.process()}
	if p.src.Process.Err != nil {
		return a
	}
	h := p.header()
	for field, to := range map[string]*uint64{
		"StartTime": &a.Started, "Used": &a.Used, "Limit": &a.Limit, "Blocks": &a.Blocks,
		"Failures": &a.Failures, "FailureSize": &a.FailedSize,
	} {
		if n, ok := h.u64(field); ok {
			*to = n
		}
	}
	if tag, _ := h.field("FailureTag"); len(tag) == len(a.FailedTag) {
		a.FailedTag = [4]byte(tag)
	}
	a.FailedQuota, a.Paged = h.text("FailureQuota"), p.paged()
	tags := map[[4]byte]*target.TagAccount{}
	if err := p.trackers(h, tags); err != nil {
		a.Notes = append(a.Notes, fmt.Sprintf("process %d: %v; its blocks were counted, frees are not known", a.Process.ID, err))
		clear(tags)
		p.countBlocks(ctx, tags)
	}
	p.countSections(&a, tags)
	for _, t := range tags {
		a.Tags = append(a.Tags, *t)
	}
	slices.SortFunc(a.Tags, func(a, b target.TagAccount) int { return slices.Compare(a.Tag[:], b.Tag[:]) })
	return a
}

func of(tags map[[4]byte]*target.TagAccount, tag [4]byte) *target.TagAccount {
	t := tags[tag]
	if t == nil {
		t = &target.TagAccount{Tag: tag}
		tags[tag] = t
	}
	return t
}

// trackers reads the tables that the header leads to. A table is a block, so no chain
// is longer than there are blocks.
func (p *poolState) trackers(h record, tags map[[4]byte]*target.TagAccount) error {
	at, ok := h.u64("Trackers")
	if !ok || at == 0 {
		return errors.New("its pool keeps no trackers")
	}
	for range p.mostBlocks() {
		if at == 0 {
			return nil
		}
		off := at & offsetMask
		if at>>poolShift != uint64(p.src.Number) || off < headerBody {
			return fmt.Errorf("trackers are said to be at %#x, where no block of the pool begins", at)
		}
		if b, ok := p.blockAt(off - blockHeader); !ok || b.tag != pool.TagPool || b.state != pool.BlockAllocated {
			return fmt.Errorf("no block with tag %s at %#x, where trackers are said to be", pool.TagPool, at)
		}
		r := p.record("_LPC_POOL_TRACKER_TABLE", at)
		next, ok1 := r.u64("Next")
		count, ok2 := r.u64("Count")
		_, t := r.field("Entries")
		if !ok1 || !ok2 || !r.whole() || t == nil || t.Kind != isf.Array || t.Elem == nil || t.Elem.Kind != isf.Struct {
			return fmt.Errorf("the trackers at %#x are not described, or not there", at)
		}
		each, first := size(r.types, t.Elem), r.l.Field("Entries").Offset
		entry := record{types: r.types, l: r.types.Layout(t.Elem.Name)}
		for i := range int(min(count, uint64(t.Count))) {
			entry.b = r.b[first+i*each:][:each]
			entry.tracker(tags)
		}
		at = next
	}
	return errors.New("the chain of its trackers is longer than the pool has blocks")
}

// tracker adds what one entry counts.
func (r record) tracker(tags map[[4]byte]*target.TagAccount) {
	key, _ := r.field("Key")
	if len(key) != 4 || [4]byte(key) == ([4]byte{}) {
		return
	}
	n := func(field string) uint64 { v, _ := r.u64(field); return v }
	t := of(tags, [4]byte(key))
	t.Failures += n("Failures")
	t.Small = t.Small.Plus(target.PoolCount{Allocs: n("Allocs"), Frees: n("Frees"), Bytes: n("Bytes")})
	t.Large = t.Large.Plus(target.PoolCount{Allocs: n("LargeAllocs"), Frees: n("LargeFrees")})
}

// countBlocks counts what stands in a pool that keeps no trackers.
func (p *poolState) countBlocks(ctx context.Context, tags map[[4]byte]*target.TagAccount) {
	n := 0
	for f := range p.walk() {
		if n++; n%1024 == 0 && ctx.Err() != nil {
			return
		}
		if f.err == nil && f.head.state == pool.BlockAllocated {
			t := of(tags, f.head.tag)
			t.Small = t.Small.Plus(target.PoolCount{Allocs: 1, Bytes: uint64(f.head.size)})
		}
	}
}

// countSections adds the section memory that the process allocates in, and what the
// sections' records count of their tag.
func (p *poolState) countSections(a *target.PoolAccount, tags map[[4]byte]*target.TagAccount) {
	for s := range p.sections() {
		if s.Err != nil {
			a.Notes = append(a.Notes, fmt.Sprintf("process %d: section at %#x: %v", a.Process.ID, s.Addr, s.Err))
			continue
		}
		a.Granted += s.Size
		t := of(tags, s.Tag)
		t.Large.Allocs += s.allocs
		t.Large.Frees += s.frees
		if s.Allocated {
			a.InUse += s.Size
			t.Large.Bytes += s.Size
		}
	}
}

// TagUse is target.Pooled's: what the trackers of all processes count, and the section
// memory that they hold. A process without trackers (a library of old) is counted
// block by block, and a note says so.
func (v *View) TagUse(ctx context.Context, session bool) (*target.TagCounts, error) {
	if session {
		return nil, fmt.Errorf("processes on Linux have no %s pool", target.SessionPool)
	}
	return target.TagsOf(ctx, v)
}
