package leak

import (
	"cmp"
	"context"
	"math/rand/v2"
	"slices"

	"github.com/seed-eedd8485/lpc/target"
)

// Blocks is what a walk over the blocks counted.
type Blocks struct {
	Count, Bytes uint64
	Paged        uint64 // of Count
	Sizes        []Size // most bytes first
	Billed       []Bill // most blocks first
	Lowest       uint64 // addresses of blocks
	Highest      uint64
	Errors       []string // what could not be read
	sample       []target.Block
}

// Size counts the blocks of one size.
type Size struct{ Size, Count uint64 }

// Bill counts the blocks that are charged to a process.
type Bill struct{ Process, Count, Bytes uint64 }

// Bounds of a look.
const (
	maxSample = 512
	maxSizes  = 1 << 14 // block sizes that are told apart
	maxBills  = 1 << 14
	maxErrors = 20
)

// count walks the blocks. Each of them comes into the sample with the same chance,
// whatever their number (Vitter's algorithm R); the same dump gives the same sample.
func count(ctx context.Context, in *Input) (b Blocks, err error) {
	sizes, bills := map[uint64]uint64{}, map[uint64]*Bill{}
	chance := rand.New(rand.NewPCG(1, 2))
	for x := range in.Blocks {
		if b.Count%1024 == 0 && ctx.Err() != nil {
			return b, context.Cause(ctx)
		}
		if x.Err != nil {
			if len(b.Errors) < maxErrors {
				b.Errors = append(b.Errors, x.Err.Error())
			}
			continue
		}
		if !x.Allocated {
			continue
		}
		if len(b.sample) < maxSample {
			b.sample = append(b.sample, x)
		} else if i := chance.Uint64N(b.Count + 1); i < maxSample {
			b.sample[i] = x
		}
		if b.Count == 0 || x.Addr < b.Lowest {
			b.Lowest = x.Addr
		}
		b.Highest = max(b.Highest, x.Addr)
		b.Count, b.Bytes = b.Count+1, b.Bytes+x.Size
		if x.Paged {
			b.Paged++
		}
		if _, known := sizes[x.Size]; known || len(sizes) < maxSizes {
			sizes[x.Size]++
		}
		if x.Quota && x.Owner != 0 {
			bill := bills[x.Owner]
			if bill == nil && len(bills) < maxBills {
				bill = &Bill{Process: x.Owner}
				bills[x.Owner] = bill
			}
			if bill != nil {
				bill.Count, bill.Bytes = bill.Count+1, bill.Bytes+x.Size
			}
		}
	}
	slices.SortFunc(b.sample, func(x, y target.Block) int { return cmp.Compare(x.Addr, y.Addr) })
	for s, n := range sizes {
		b.Sizes = append(b.Sizes, Size{s, n})
	}
	slices.SortFunc(b.Sizes, func(x, y Size) int {
		return cmp.Or(cmp.Compare(y.Size*y.Count, x.Size*x.Count), cmp.Compare(x.Size, y.Size))
	})
	for _, x := range bills {
		b.Billed = append(b.Billed, *x)
	}
	slices.SortFunc(b.Billed, func(x, y Bill) int {
		return cmp.Or(cmp.Compare(y.Count, x.Count), cmp.Compare(x.Process, y.Process))
	})
	return b, nil
}
