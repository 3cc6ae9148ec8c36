package ntpool

import (
	"cmp"
	"context"
	"slices"

	"github.com/seed-eedd8485/lpc/ntdump"
)

// Pages that follow each other in a pool lie anywhere in physical memory, and a dump has
// them in physical order. One by one each would be a read of its own, of a file that is
// read best from its start to its end. So pages wait in a window, are read in the order
// of the file, and their blocks are put into the pool's order again.

// place is a run of pages that waits.
type place struct {
	at      uint64 // physical; the low bits are the number of pages
	virtual uint64
}

func (p place) physical() uint64    { return p.at &^ (pageBytes - 1) }
func (p place) pages() uint64       { return p.at & (pageBytes - 1) }
func (p place) skip(n uint64) place { return place{p.at + n*(pageBytes-1), p.virtual + n*pageBytes} }

// adjacent is how many pages of p and of those behind it follow each other in physical
// memory.
func adjacent(p place, behind []place) uint64 {
	n := p.pages()
	for _, q := range behind {
		if q.physical() != p.physical()+n*pageBytes {
			break
		}
		n += q.pages()
	}
	return n
}

const (
	// maxWindow is how many pages wait when few of their blocks are asked for (4 GB of
	// the pool; 16 MB of places at most, and as much to sort them), and when all are.
	maxWindow    = 1 << 20
	maxWindowAll = 1 << 12
	// What lies in memory in runs that long is read soon, and so shown soon: to wait for
	// more of it would save nothing.
	longRun  = 64 << 10 / pageBytes
	soon     = 1 << 14 // pages
	maxPlace = 1 << 8  // pages of a place: what a goroutine takes at once
	maxKept  = 1 << 18 // blocks of a window; one with more is read in halves
	fewPages = 16      // are not read in halves
)

// wait puts the pages of a stretch into the window.
func (s *scan) wait(ctx context.Context, st ntdump.Stretch) error {
	s.runs++
	for at := uint64(0); at < st.Size; {
		// No place reaches over the window's end, whose length is a bound of memory.
		n := min((st.Size-at)/pageBytes, maxPlace, uint64(s.most-s.pages))
		if len(s.window) == cap(s.window) && len(s.window) >= soon {
			s.window = slices.Grow(s.window, s.most-s.pages) // else a long window is copied many times
		}
		s.window = append(s.window, place{st.Physical + at | n, st.Virtual + at})
		s.pages += int(n)
		at += n * pageBytes
		if s.pages < s.most && (s.pages < soon || s.pages < s.runs*longRun) {
			continue
		}
		if err := s.flush(ctx); err != nil || s.done {
			return err
		}
	}
	return nil
}

// flush reads the window and empties it.
func (s *scan) flush(ctx context.Context) error {
	err := s.read(ctx, s.window, s.pages)
	s.window, s.pages, s.runs = s.window[:0], 0, 0
	return err
}

// read reads places, whose order it changes, and yields what was found in the order of
// the pool.
func (s *scan) read(ctx context.Context, w []place, pages int) error {
	if len(w) == 0 || s.done {
		return nil
	}
	s.order = inFileOrder(w, s.order)
	full, err := s.together(ctx, w, pages)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if full {
		// Too many to keep. The halves find its gaps again, so they are theirs to count.
		s.most = min(s.most, maxWindowAll)
		a, b := halves(w, uint64(pages)/2)
		if err := s.read(ctx, a, pages/2); err != nil {
			return err
		}
		return s.read(ctx, b, pages-pages/2)
	}
	s.kept = s.kept[:0]
	for _, c := range s.crew {
		if c == nil {
			continue
		}
		s.kept = append(s.kept, c.kept...)
		for why, g := range c.gaps {
			s.gaps.add(g.Addr, g.Pages, why)
		}
	}
	slices.SortFunc(s.kept, func(a, b Block) int { return cmp.Compare(a.Addr, b.Addr) })
	for _, b := range s.kept {
		if s.done = !s.yield(b, nil); s.done {
			return nil
		}
	}
	return err
}

// halves are the first n pages of places by virtual address, and the others.
func halves(w []place, n uint64) (a, b []place) {
	slices.SortFunc(w, func(a, b place) int { return cmp.Compare(a.virtual, b.virtual) })
	for i, p := range w {
		if k := p.pages(); k >= n {
			a = append(slices.Clone(w[:i]), place{p.physical() | n, p.virtual})
			if k > n {
				b = append(b, p.skip(n))
			}
			return a, append(b, w[i+1:]...)
		}
		n -= p.pages()
	}
	return w, nil
}
