package ntpool

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"maps"
	"runtime"
	"slices"
	"sync"

	"github.com/seed-eedd8485/lpc/ntdump"
)

// Gap is what of a range was not read as blocks.
type Gap struct {
	Addr  uint64 // of the first such page
	Pages uint64
	Why   string
}

// Error is a sentence.
func (g *Gap) Error() string {
	if g.Pages == 1 {
		return fmt.Sprintf("the page at %#x: %s", g.Addr, g.Why)
	}
	return fmt.Sprintf("%d pages, the first at %#x: %s", g.Pages, g.Addr, g.Why)
}

// Blocks are the blocks of a range, in order, without those of whole pages: all, or
// those whose tag match takes. Behind them comes a *Gap for each reason why pages
// could not be read as blocks, by address; pages that nothing maps are none. It may stop
// early; an error of the file, and the end of ctx, come last.
//
// The pages are looked at by as many goroutines as there are processors, up to four.
// None runs while the loop's body does, and none is left when the loop ends. match is
// called by one at a time, which need not be the caller's.
func (r *Reader) Blocks(ctx context.Context, rg Range, match func(tag [4]byte) bool) iter.Seq2[Block, error] {
	return func(yield func(Block, error) bool) {
		if r.err != nil {
			yield(Block{}, r.err)
			return
		}
		s := scan{r: r, rg: rg, match: match, yield: yield, most: r.window, gaps: gaps{}}
		if match == nil {
			s.most = r.windowAll
		}
		if rg.Kind != Special {
			s.big = r.bigIn(rg)
		}
		s.crew = make([]*cutter, min(runtime.GOMAXPROCS(0), maxCrew))
		defer s.close()
		for st, err := range r.d.Stretches(rg.Space, rg.Start, rg.End) {
			if err == nil {
				err = ctx.Err()
			}
			if err == nil {
				err = s.stretch(ctx, st)
			}
			if err != nil {
				yield(Block{}, err)
				return
			}
			if s.done {
				return
			}
		}
		if err := s.flush(ctx); err != nil {
			yield(Block{}, err)
			return
		}
		if s.done {
			return
		}
		for _, g := range slices.SortedFunc(maps.Values(s.gaps), func(a, b Gap) int {
			return cmp.Or(cmp.Compare(a.Addr, b.Addr), cmp.Compare(a.Why, b.Why))
		}) {
			if !yield(Block{}, &g) {
				return
			}
		}
	}
}

// scan is one walk of a range.
type scan struct {
	r     *Reader
	rg    Range
	match func([4]byte) bool
	yield func(Block, error) bool
	big   []Block // allocations of whole pages in the range, by address
	gaps  gaps
	done  bool

	window []place    // pages that wait to be read in the order of the file (window.go)
	pages  int        // of the window
	runs   int        // stretches that they came in
	most   int        // pages that may wait
	order  []place    // what places are sorted into
	crew   []*cutter  // each made when it is needed first
	ask    sync.Mutex // held for match
	kept   []Block
}

const whyChain = "its blocks do not close"

// gaps are pages that were not read as blocks, by the reason.
type gaps map[string]Gap

// maxReasons bounds the reasons that are told apart.
const maxReasons = 64

func (s gaps) add(at, pages uint64, why string) {
	if g, ok := s[why]; ok {
		s[why] = Gap{min(g.Addr, at), g.Pages + pages, why}
	} else if len(s) < maxReasons {
		s[why] = Gap{Addr: at, Pages: pages, Why: why}
	}
}

// stretch puts what is in memory of a stretch into the window.
func (s *scan) stretch(ctx context.Context, st ntdump.Stretch) error {
	switch st.Absent {
	case 0:
		return s.wait(ctx, st)
	case ntdump.NotMapped:
		return nil // no page of the pool was ever there
	}
	s.gaps.add(st.Virtual, st.Size/pageBytes, st.Absent.String())
	return nil
}

// close lets go of the crew's memory.
func (s *scan) close() {
	for _, c := range s.crew {
		if c != nil {
			c.sweep.Close()
		}
	}
}
