package kd

import (
	"context"
	"fmt"
	"iter"
	"strings"

	"github.com/seed-eedd8485/lpc/internal/escape"
	"github.com/seed-eedd8485/lpc/target"
)

var cmdFindfree = Command{
	Name: "!findfree", Args: "Size [Address Range]",
	Short: "Find memory of zeros: a place where .readmem hides nothing.",
	Long: `Size is in bytes, hexadecimal (200 is a sector). The range begins at a multiple of 16 and is memory that
the target has, all zero; absent memory is never taken for it, nor is scratch. Without a range, free
blocks of the pools are searched, then what is zero in allocated ones; of a disk, sector 0. $free is
then the address: .readmem boot.bin $free L200; ur $free.`,
}

func init() {
	cmdFindfree.Run = func(ctx context.Context, s *Session, o *Out, args []string) error {
		f, err := s.findFree(ctx, args)
		if err != nil {
			return err
		}
		o.Printf("%s L%x  %s\n", s.long(f.addr), f.size, f.where)
		return nil
	}
	cmdFindfree.JSON = func(ctx context.Context, s *Session, args []string) (any, error) {
		f, err := s.findFree(ctx, args)
		return struct {
			Address string `json:"address"`
			Bytes   uint64 `json:"bytes"`
			Where   string `json:"where"`
		}{fmt.Sprintf("%#x", f.addr), f.size, f.where}, err
	}
}

// freeRange is memory of zeros.
type freeRange struct {
	addr, size uint64
	where      string // in words
}

const findfreeUsage = "!findfree Size [Address Range]"

// findFree finds a range and remembers it as $free.
func (s *Session) findFree(ctx context.Context, args []string) (freeRange, error) {
	fail := func(err error) (freeRange, error) { return freeRange{}, fmt.Errorf("!findfree: %w", err) }
	if len(args) == 0 {
		return fail(fmt.Errorf("a size is expected; usage: %s", findfreeUsage))
	}
	size, err := number(strings.TrimLeft(args[0], "Ll"))
	if err != nil {
		return fail(err)
	}
	if size == 0 || size > maxUnits {
		return fail(fmt.Errorf("a size of %#x, expected 1 to %#x", size, maxUnits))
	}
	areas, err := s.areas(args[1:])
	if err != nil {
		return fail(err)
	}
	for a := range areas {
		addr, ok, err := s.zeros(ctx, a.addr, a.size, size)
		if err != nil {
			return fail(err)
		}
		if ok {
			s.free = addr
			return freeRange{addr, size, a.where}, nil
		}
	}
	if ctx.Err() != nil {
		return fail(context.Cause(ctx))
	}
	return fail(fmt.Errorf("no %#x bytes of zeros in a row were found; a range to search may be given", size))
}

// areas are where to look: the range in args, else what the target is known to have.
func (s *Session) areas(args []string) (iter.Seq[freeRange], error) {
	if len(args) > 0 {
		addr, n, err := s.span(args, 1, maxUnits)
		return one(freeRange{addr, n, "zeros"}), err
	}
	switch {
	case s.Target.Has(target.Pools) && s.Target.System() != nil:
		return s.poolAreas(), nil
	case s.Target.Has(target.Disk):
		return one(freeRange{bootAddress, bootBytes, "zeros in sector 0"}), nil
	}
	return nil, fmt.Errorf("this target does not say where it has memory; give a range: %s", findfreeUsage)
}

func one[T any](v T) iter.Seq[T] { return func(yield func(T) bool) { yield(v) } }

// poolAreas are the bodies of the pools' blocks: all free ones first.
func (s *Session) poolAreas() iter.Seq[freeRange] {
	return func(yield func(freeRange) bool) {
		for _, allocated := range []bool{false, true} {
			for b := range s.Target.System().Blocks("") {
				if b.Err != nil || b.Allocated != allocated || b.Body < b.Addr || b.Body-b.Addr > b.Size {
					continue
				}
				where := "zeros in a free block"
				if allocated {
					where = fmt.Sprintf("zeros in block %s at %s, which is in use", escape.Text(string(b.Tag[:])), s.long(b.Addr))
				}
				if !yield(freeRange{b.Body, min(b.Size-(b.Body-b.Addr), maxScratch), where}) {
					return
				}
			}
		}
	}
}

const (
	freeAlign = 16   // of the range found
	freeStep  = 64   // where memory begins again behind a gap
	freeChunk = 4096 // bytes read at once
)

// zeros finds size bytes of zeros in n bytes from addr on, at a multiple of
// freeAlign. It ends with the context.
func (s *Session) zeros(ctx context.Context, addr, n, size uint64) (uint64, bool, error) {
	end := addr + n
	if end < addr {
		end = ^uint64(0)
	}
	up := func(a, to uint64) uint64 { return (a + to - 1) &^ (to - 1) }
	start := up(addr, freeAlign) // of the run of zeros that ends at at
	buf := make([]byte, freeChunk)
	for at, next := start, uint64(0); at < end && end-start >= size; at = next {
		if ctx.Err() != nil {
			return 0, false, context.Cause(ctx)
		}
		want := buf[:min(freeChunk, end-at)]
		data, gap := s.scratch.at(at)
		if len(data) > 0 {
			next = up(at+uint64(len(data)), freeAlign)
			start = next
			if next <= at {
				break // behind the last address
			}
			continue
		}
		if gap > 0 {
			want = want[:min(uint64(len(want)), gap)]
		}
		got, _ := s.Target.ReadMemory(at, want)
		got = min(max(got, 0), len(want))
		for i, c := range want[:got] {
			if c != 0 {
				start = up(at+uint64(i)+1, freeAlign)
			} else if run := at + uint64(i) + 1; run > start && run-start >= size {
				return start, true, nil
			}
		}
		next = at + uint64(got)
		if got < len(want) {
			next = up(next+1, freeStep)
			start = next
		}
		if next <= at {
			break
		}
	}
	return 0, false, nil
}
