package ntdump

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/seed-eedd8485/lpc/isf"
	nt "github.com/seed-eedd8485/lpc/ntdump"
	"github.com/seed-eedd8485/lpc/ntdump/ntpool"
	"github.com/seed-eedd8485/lpc/target"
)

var _ target.Pooled = (*Target)(nil)

// poolReader is made anew when .isf or a PDB changed the types.
type poolReader struct {
	r     *ntpool.Reader
	types isf.Types
}

func (t *Target) pools() (*ntpool.Reader, error) {
	if why := t.noPools(); why != "" {
		return nil, errors.New(why)
	}
	if types := t.d.Types(); t.pool.r == nil || t.pool.types != types {
		r, err := ntpool.New(t.d)
		if err != nil {
			return nil, err
		}
		t.pool = poolReader{r, types}
	}
	return t.pool.r, nil
}

// noPools says why no pool can be looked at.
func (t *Target) noPools() string {
	switch why := t.noMemory(); {
	case t.small():
		return "a triage dump holds no pools: it has one thread, its process and stack, and the list of modules"
	case why != "":
		return "no pools can be read: " + why
	case t.d.Types() == nil:
		return "no pools can be read: " + t.noTypes()
	}
	return ""
}

// poolKinds are the kinds of pools by the target's numbers.
var poolKinds = map[target.PoolKind]ntpool.Kind{
	target.NonPaged: ntpool.NonPaged, target.Paged: ntpool.Paged, target.SpecialPool: ntpool.Special, target.SessionPool: ntpool.Session,
}

// regions are the pools as !pool names them.
var regions = map[ntpool.Kind]string{
	ntpool.NonPaged: "Nonpaged pool", ntpool.Paged: "Paged pool", ntpool.Special: "Special pool", ntpool.Session: "Session pool",
}

// TagUse is target.Pooled's: the kernel's own count, else that of the blocks.
func (t *Target) TagUse(ctx context.Context, session bool) (*target.TagCounts, error) {
	r, err := t.pools()
	if err != nil {
		return nil, err
	}
	if session {
		return countBlocks(ctx, t, "the blocks of session pool, counted one by one", target.SessionPool)
	}
	c, err := r.Tracker()
	if errors.Is(err, ntpool.ErrNoTags) {
		return countBlocks(ctx, t, t.noTagging(), target.NonPaged, target.Paged)
	}
	if err != nil {
		return nil, err
	}
	out := &target.TagCounts{Frees: true, Notes: c.Notes, Tags: make([]target.TagUse, len(c.Tags))}
	for i, u := range c.Tags {
		out.Tags[i] = target.TagUse{Tag: u.Tag, NonPaged: target.PoolCount(u.NonPaged), Paged: target.PoolCount(u.Paged)}
	}
	return out, nil
}

// globalTagging is the bit of NtGlobalFlag that makes XP count by tag
// (FLG_POOL_ENABLE_TAGGING, reference 1.2).
const globalTagging = 0x400

// noTagging says that the kernel counted nothing, and what is counted instead.
func (t *Target) noTagging() string {
	how := "pool tagging is off on this machine"
	if t.d.Header().Build < 3790 {
		how += ": before Server 2003 it is on only where the global flag 400 (gflags /r +ptg) was set"
	}
	if at, ok := t.d.Symbol("NtGlobalFlag"); ok {
		if v, err := t.d.Number(nt.Space{}, at, 4); err == nil {
			how += fmt.Sprintf("; NtGlobalFlag is %08x", v)
			if v&globalTagging != 0 {
				how += ", which has it, and the table is empty nevertheless"
			}
		}
	}
	return how + ". The kernel kept no counts; the blocks themselves were counted"
}

// countBlocks counts what stands in pools.
func countBlocks(ctx context.Context, s target.Pooled, how string, kinds ...target.PoolKind) (*target.TagCounts, error) {
	c := target.NewCounter(how)
	for _, k := range kinds {
		ranges, note, err := s.PoolRanges(k)
		if err != nil {
			c.Note(fmt.Sprintf("%s pool was not counted: %v", k, err))
			continue
		}
		c.Note(note)
		if _, _, big, err := s.BigTable(k); err != nil {
			c.Note(fmt.Sprintf("large allocations of %s pool were not counted: %v", k, err))
		} else {
			c.Add(big)
		}
		for _, r := range ranges {
			c.Add(s.RangeBlocks(ctx, r, nil))
			if err := ctx.Err(); err != nil {
				return nil, context.Cause(ctx)
			}
		}
	}
	return c.Counts(), nil
}

// PoolRanges is target.Pooled's.
func (t *Target) PoolRanges(k target.PoolKind) ([]target.PoolRange, string, error) {
	r, err := t.pools()
	if err != nil {
		return nil, "", err
	}
	list, note, err := r.Ranges(poolKinds[k])
	out := make([]target.PoolRange, len(list))
	for i, rg := range list {
		out[i] = target.PoolRange{Kind: k, Start: rg.Start, End: rg.End}
	}
	return out, note, err
}

// RangeBlocks is target.Pooled's.
func (t *Target) RangeBlocks(ctx context.Context, rg target.PoolRange, match func([4]byte) bool) iter.Seq[target.Block] {
	return func(yield func(target.Block) bool) {
		r, err := t.pools()
		var list []ntpool.Range
		if err == nil {
			list, _, err = r.Ranges(poolKinds[rg.Kind])
		}
		if err != nil {
			yield(target.Block{Err: err})
			return
		}
		for _, x := range list { // the reader's own range has the space, and what pages may lie in it
			if x.Start > rg.Start || x.End < rg.End {
				continue
			}
			x.Start, x.End = rg.Start, rg.End
			for b, err := range r.Blocks(ctx, x, match) {
				if !yield(block(b, err)) {
					return
				}
			}
			return
		}
		yield(target.Block{Err: fmt.Errorf("%#x to %#x is no range of the pool", rg.Start, rg.End)})
	}
}

// block is a block as the target shows it.
func block(b ntpool.Block, err error) target.Block {
	if err != nil {
		var g *ntpool.Gap
		at := uint64(0)
		if errors.As(err, &g) {
			at = g.Addr
		}
		return target.Block{Addr: at, Err: err}
	}
	return target.Block{Addr: b.Addr, Body: b.Body, Size: b.Size, Previous: b.Previous, Tag: b.Tag, Allocated: b.Allocated,
		Paged: b.Paged, Protected: b.Protected, Quota: b.Quota, Big: b.Big, Owner: b.Billed}
}

// BigTable is target.Pooled's.
func (t *Target) BigTable(k target.PoolKind) (start, end uint64, blocks iter.Seq[target.Block], err error) {
	r, err := t.pools()
	if err != nil {
		return 0, 0, nil, err
	}
	start, end, list, err := r.Big(poolKinds[k])
	return start, end, func(yield func(target.Block) bool) {
		for _, b := range list {
			if !yield(block(b, nil)) {
				return
			}
		}
	}, err
}

// PoolPage is target.Pooled's.
func (t *Target) PoolPage(addr uint64) (region string, blocks []target.Block, err error) {
	r, err := t.pools()
	if err != nil {
		return "", nil, err
	}
	k, known, list, err := r.Page(addr)
	if known {
		region = regions[k]
	}
	for _, b := range list {
		blocks = append(blocks, block(b, nil))
	}
	return region, blocks, err
}

// Blocks is target.System's: those of nonpaged and paged pool, behind them what could
// not be read.
func (t *Target) Blocks(tag string) iter.Seq[target.Block] {
	return func(yield func(target.Block) bool) {
		var match func([4]byte) bool
		if tag != "" {
			match = func(b [4]byte) bool { return string(b[:]) == tag }
		}
		for _, k := range []target.PoolKind{target.NonPaged, target.Paged} {
			ranges, _, err := t.PoolRanges(k)
			if err != nil && !yield(target.Block{Err: fmt.Errorf("%s pool: %w", k, err)}) {
				return
			}
			if _, _, big, err := t.BigTable(k); err == nil {
				for b := range big {
					if (match == nil || match(b.Tag)) && !yield(b) {
						return
					}
				}
			}
			for _, r := range ranges {
				for b := range t.RangeBlocks(context.Background(), r, match) {
					if !yield(b) {
						return
					}
				}
			}
		}
	}
}
