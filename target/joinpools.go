package target

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
)

var (
	_ Pooled       = (*joined)(nil)
	_ PoolAccounts = (*joined)(nil)
)

// PoolAccounts leaves out who may not be read here and may in another target.
func (j *joined) PoolAccounts(ctx context.Context) iter.Seq[PoolAccount] {
	return func(yield func(PoolAccount) bool) {
		for _, t := range j.all {
			p, ok := t.System().(PoolAccounts)
			if !ok {
				continue
			}
			for a := range p.PoolAccounts(ctx) {
				if a.Process.Err != nil && a.Process.Addr != 0 && j.at(a.Process.Addr) != t {
					continue
				}
				if !yield(a) {
					return
				}
			}
		}
	}
}

// pools are the targets' own views of their pools, or why one has none.
func (j *joined) pools() ([]Pooled, error) {
	var l []Pooled
	for _, t := range j.all {
		p, ok := t.System().(Pooled)
		if !ok {
			return nil, fmt.Errorf("%s does not tell of its pools", t.Describe())
		}
		l = append(l, p)
	}
	return l, nil
}

// TagUse is the sum of all accounts.
func (j *joined) TagUse(ctx context.Context, session bool) (*TagCounts, error) {
	l, err := j.pools()
	if err != nil {
		return nil, err
	}
	if session {
		return l[0].TagUse(ctx, true)
	}
	return TagsOf(ctx, j)
}

// PoolRanges are the ranges of all.
func (j *joined) PoolRanges(k PoolKind) (ranges []PoolRange, note string, err error) {
	l, err := j.pools()
	if err != nil {
		return nil, "", err
	}
	var notes []string
	for _, p := range l {
		r, n, err := p.PoolRanges(k)
		if err != nil {
			return nil, "", err
		}
		if ranges = append(ranges, r...); n != "" {
			notes = append(notes, n)
		}
	}
	return ranges, strings.Join(notes, "; "), nil
}

// RangeBlocks asks the target that the range is of.
func (j *joined) RangeBlocks(ctx context.Context, r PoolRange, match func([4]byte) bool) iter.Seq[Block] {
	if t := j.at(r.Start); t != nil {
		if p, ok := t.System().(Pooled); ok {
			return p.RangeBlocks(ctx, r, match)
		}
	}
	return func(func(Block) bool) {}
}

// BigTable are the tables of all, one behind the other.
func (j *joined) BigTable(k PoolKind) (start, end uint64, blocks iter.Seq[Block], err error) {
	l, err := j.pools()
	if err != nil {
		return 0, 0, nil, err
	}
	var all []iter.Seq[Block]
	for _, p := range l {
		s, e, b, err := p.BigTable(k)
		if err != nil {
			return 0, 0, nil, err
		}
		if s != 0 && (start == 0 || s < start) {
			start = s
		}
		end, all = max(end, e), append(all, b)
	}
	return start, end, func(yield func(Block) bool) {
		for _, b := range all {
			for v := range b {
				if !yield(v) {
					return
				}
			}
		}
	}, nil
}

// PoolPage asks the target that the address belongs to.
func (j *joined) PoolPage(addr uint64) (region string, blocks []Block, err error) {
	t := j.at(addr)
	if t == nil {
		return "", nil, &Absent{Addr: addr, Why: "none of the joined targets holds it"}
	}
	p, ok := t.System().(Pooled)
	if !ok {
		return "", nil, errors.New("the target that it is in does not tell of its pools")
	}
	return p.PoolPage(addr)
}
