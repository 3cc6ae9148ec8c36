package target

import (
	"context"
	"iter"
)

// PoolKind is one of the pools of a system.
type PoolKind uint8

// Kinds, with the numbers that !poolfind takes.
const (
	NonPaged    PoolKind = 0
	Paged       PoolKind = 1
	SpecialPool PoolKind = 2
	SessionPool PoolKind = 4
)

// String is the pool's name as WinDbg writes it.
func (k PoolKind) String() string {
	switch k {
	case NonPaged:
		return "NonPaged"
	case Paged:
		return "Paged"
	case SpecialPool:
		return "Special"
	case SessionPool:
		return "Session"
	}
	return "unknown"
}

// Pooled is a System that knows more of its pools than their blocks one after the
// other: counts that it kept itself, ranges that can be searched by themselves. kd
// counts and searches Blocks of a System that is none.
type Pooled interface {
	// TagUse is what has each tag, as the system itself counted where it did.
	TagUse(ctx context.Context, session bool) (*TagCounts, error)
	// PoolRanges are the stretches of addresses of a pool, in the order in which
	// they are searched. note says what is not known of them, "" for nothing.
	PoolRanges(k PoolKind) (ranges []PoolRange, note string, err error)
	// RangeBlocks are the blocks of a range whose tag is one that match takes (all
	// when nil), in order; what could not be read as blocks is yielded with Err, not
	// page by page but for each reason.
	RangeBlocks(ctx context.Context, r PoolRange, match func(tag [4]byte) bool) iter.Seq[Block]
	// BigTable is where the table of allocations of whole pages stands, and those of
	// a pool. The error says why it is not known.
	BigTable(k PoolKind) (start, end uint64, blocks iter.Seq[Block], err error)
	// PoolPage are the blocks of the page or allocation that an address lies in, and
	// the pool that it belongs to ("" where that is not known). What was read comes
	// also with an error.
	PoolPage(addr uint64) (region string, blocks []Block, err error)
}

// PoolRange is a stretch of a pool: the addresses from Start up to End.
type PoolRange struct {
	Kind       PoolKind
	Start, End uint64
	// Process whose address space it is of, 0 where all share it.
	Process uint64
}

// TagCounts are the allocations of pools by tag.
type TagCounts struct {
	Tags []TagUse
	// How says where the numbers come from, for people; "" when it is the system's own
	// count, as expected.
	How string
	// Frees tells that allocations and frees were counted; else Allocs are the
	// blocks that stand there now, and Frees are 0.
	Frees bool
	Notes []string // what is missing in the numbers, a sentence each
	More  int      // sentences beyond those
}

// TagUse is what has one tag. Bit 7 of the tag's last byte (a protected tag) is
// clear.
type TagUse struct {
	Tag             [4]byte
	NonPaged, Paged PoolCount
}

// PoolCount counts allocations.
type PoolCount struct {
	Allocs, Frees uint64
	Bytes         uint64 // of those that were not freed
}

// Outstanding is the number of allocations that were not freed.
func (c PoolCount) Outstanding() uint64 { return c.Allocs - c.Frees }
