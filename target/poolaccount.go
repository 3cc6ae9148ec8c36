package target

import (
	"context"
	"iter"
	"slices"
)

// PoolAccounts is a System whose processes have a pool each, which keeps accounts of
// what it gave and what it refused.
type PoolAccounts interface {
	// PoolAccounts are the accounts of all processes, by pid. A process that may not be
	// read is yielded with Process.Err set.
	PoolAccounts(ctx context.Context) iter.Seq[PoolAccount]
}

// PoolAccount is what the pool of one process says of itself.
type PoolAccount struct {
	Process Process
	Started uint64 // when the process was started, clock ticks after boot, 0: not known
	Paged   bool   // it is not locked in memory
	Used    uint64 // bytes in allocated blocks
	Limit   uint64 // bytes that may be allocated, 0: not known
	Blocks  uint64 // allocated

	// Allocations that failed, and the last of them.
	Failures    uint64
	FailedSize  uint64 // bytes asked for
	FailedTag   [4]byte
	FailedQuota string // whose fault it was: "pool limit"

	// Sections that the process allocates in. What it granted to others counts there.
	Granted uint64 // bytes of them
	InUse   uint64 // bytes of those that are allocated

	Tags  []TagAccount // by tag
	Notes []string     // what is missing in the numbers, a sentence each
}

// TagAccount is what one tag has had of one process. Bit 7 of a tag is as it was given.
type TagAccount struct {
	Tag      [4]byte
	Small    PoolCount // blocks of the pool
	Large    PoolCount // sections
	Failures uint64    // allocations that failed
}

// Plus is the sum of two counts.
func (c PoolCount) Plus(d PoolCount) PoolCount {
	return PoolCount{Allocs: c.Allocs + d.Allocs, Frees: c.Frees + d.Frees, Bytes: c.Bytes + d.Bytes}
}

// TagsOf adds the accounts of all processes up, by tag.
func TagsOf(ctx context.Context, p PoolAccounts) (*TagCounts, error) {
	use := map[[4]byte]*TagUse{}
	c := &TagCounts{Frees: true}
	for a := range p.PoolAccounts(ctx) {
		if a.Process.Err != nil {
			c.Notes = append(c.Notes, a.Process.Err.Error())
		}
		c.Notes = append(c.Notes, a.Notes...)
		for _, t := range a.Tags {
			u := use[t.Tag]
			if u == nil {
				u = &TagUse{Tag: t.Tag}
				use[t.Tag] = u
			}
			small := &u.NonPaged
			if a.Paged {
				small = &u.Paged
			}
			*small = small.Plus(t.Small)
			u.Paged = u.Paged.Plus(t.Large) // section memory is not locked
		}
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	for _, u := range use {
		c.Tags = append(c.Tags, *u)
	}
	slices.SortFunc(c.Tags, func(a, b TagUse) int { return slices.Compare(a.Tag[:], b.Tag[:]) })
	return c, nil
}
