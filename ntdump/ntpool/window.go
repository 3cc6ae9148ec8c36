package ntpool

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"github.com/seed-eedd8485/lpc/ntdump"
)

// Pages that follow each other in a pool lie anywhere in physical memory, and a dump has
// them in physical order. One by one each would be a read of its own, of a file that is
// read best from its start to its end. So pages wait in a window, are read in the order
// of the file, and their blocks are put into the pool's order again.

// place is a page that waits.
type place struct{ physical, virtual uint64 }

const (
	together = 64 << 10 // stretches of so many bytes are read as they come
	// maxWindow is how many pages wait when few of their blocks are asked for (4 GB of
	// the pool, 16 MB of places), and when all are.
	maxWindow    = 1 << 20
	maxWindowAll = 1 << 12
	maxKept      = 1 << 18 // blocks of a window; one with more is read in halves
	fewPages     = 16      // are not worth sorting
)

// wait puts the pages of a stretch into the window.
func (s *scan) wait(ctx context.Context, st ntdump.Stretch) error {
	for off := uint64(0); off < st.Size; off += pageBytes {
		s.window = append(s.window, place{st.Physical + off, st.Virtual + off})
	}
	most := s.r.window
	if s.match == nil {
		most = s.r.windowAll
	}
	if len(s.window) < most {
		return nil
	}
	return s.flush(ctx, s.window)
}

// flush reads the pages of a window, whose order it changes, and empties it.
func (s *scan) flush(ctx context.Context, w []place) error {
	s.window = s.window[:0]
	if len(w) == 0 || s.done {
		return nil
	}
	gaps, order := maps.Clone(s.gaps), s.order
	slices.SortFunc(w, func(a, b place) int { return cmp.Compare(a.physical, b.physical) })
	s.keep, s.kept = true, s.kept[:0]
	for from := 0; from < len(w); {
		n := 1
		for from+n < len(w) && n < piece/pageBytes && w[from+n].physical == w[from].physical+uint64(n)*pageBytes {
			n++
		}
		if err := s.places(ctx, w[from:from+n]); err != nil {
			s.keep = false
			return err
		}
		if from += n; len(s.kept) > s.r.kept && len(w) > fewPages {
			// Too many to keep. The halves find its gaps again, so they are theirs to count.
			s.keep, s.gaps, s.order = false, gaps, order
			slices.SortFunc(w, func(a, b place) int { return cmp.Compare(a.virtual, b.virtual) })
			if err := s.flush(ctx, w[:len(w)/2]); err != nil {
				return err
			}
			return s.flush(ctx, w[len(w)/2:])
		}
	}
	s.keep = false
	slices.SortFunc(s.kept, func(a, b Block) int { return cmp.Compare(a.Addr, b.Addr) })
	for _, b := range s.kept {
		if s.done = !s.yield(b, nil); s.done {
			return nil
		}
	}
	return nil
}

// places reads pages that follow each other in physical memory.
func (s *scan) places(ctx context.Context, w []place) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	for len(w) > 0 {
		b := s.r.buf[:len(w)*pageBytes]
		n, err := s.r.d.ReadPhysical(w[0].physical, b)
		a, absent := err.(*ntdump.Absent)
		if err != nil && !absent {
			return err
		}
		n /= pageBytes
		for i := range n {
			s.pages(w[i].virtual, b[i*pageBytes:(i+1)*pageBytes])
		}
		if w = w[n:]; len(w) > 0 {
			s.gap(w[0].virtual, 1, a.Reason.String())
			w = w[1:]
		}
	}
	return nil
}
