package ntpool

import (
	"context"
	"sync"
)

// The pages of a window are looked at by several goroutines: the caller's, and others
// for as long as the window is read. Each takes places from the window's start on, and
// keeps what it finds.

const (
	maxCrew   = 4            // more do not get more out of the memory
	fewForTwo = 2 * maxPlace // pages that one goroutine reads before another is there
)

// queue is the work that is left of a window.
type queue struct {
	ctx context.Context
	max int // blocks that may be kept

	mu   sync.Mutex // guards what follows
	w    []place
	kept int
	full bool  // more were found than may be kept
	err  error // the first one
}

// take gives out places, of which the taker kept more blocks than before; none: it ends.
func (q *queue) take(kept int) []place {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.kept += kept; q.kept > q.max {
		q.full = true
	}
	if q.full || q.err != nil {
		return nil
	}
	if q.err = q.ctx.Err(); q.err != nil {
		return nil
	}
	n := 0
	for pages := uint64(0); n < len(q.w) && pages < maxPlace; n++ {
		pages += q.w[n].pages()
	}
	var w []place
	w, q.w = q.w[:n], q.w[n:]
	return w
}

// end makes take give out nothing more.
func (q *queue) end(err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.err == nil {
		q.err = err
	}
	q.w = nil
}

// work looks at places until there are no more.
func (c *cutter) work(q *queue) {
	for had := 0; ; {
		w := q.take(len(c.kept) - had)
		if len(w) == 0 {
			return
		}
		had = len(c.kept)
		if err := c.sweep.Run(func() error { return c.places(w) }); err != nil {
			q.end(err)
			return
		}
	}
}

// helper is another goroutine than the caller's. What match panics with there comes to
// the caller.
type helper struct {
	well  bool
	panic any
}

func (h *helper) help(c *cutter, q *queue) {
	defer func() {
		if !h.well {
			h.panic = recover()
			q.end(nil)
		}
	}()
	c.work(q)
	h.well = true
}

// together reads places in their order. full says that they hold more blocks than are
// kept, and that what was found is not all.
func (s *scan) together(ctx context.Context, w []place, pages int) (full bool, err error) {
	q := queue{ctx: ctx, w: w, max: s.r.kept}
	if pages <= fewPages {
		q.max = pages * pageBytes
	}
	n := len(s.crew)
	if pages < fewForTwo {
		n = 1
	}
	for i, c := range s.crew {
		if c == nil && i < n {
			c = &cutter{r: s.r, rg: s.rg, big: s.big, match: s.match, ask: &s.ask, sweep: s.r.d.Sweep()}
			s.crew[i] = c
		}
		if c != nil {
			c.kept, c.gaps = c.kept[:0], gaps{}
		}
	}
	helpers := make([]helper, n-1)
	func() {
		var wg sync.WaitGroup
		for i := range helpers {
			wg.Go(func() { helpers[i].help(s.crew[i+1], &q) })
		}
		defer wg.Wait()
		defer q.end(nil) // match may panic here too
		s.crew[0].work(&q)
	}()
	for i := range helpers {
		if !helpers[i].well {
			panic(helpers[i].panic)
		}
	}
	return q.full, q.err
}
