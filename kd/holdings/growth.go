package holdings

import (
	"cmp"
	"slices"
	"time"

	"github.com/seed-eedd8485/lpc/target"
)

// A Change is what became of a holding between two looks.
type Change struct {
	Holder
	Image        string
	Before, Now  Holding // zero: it had nothing
	New          bool    // the process was started since
	Gone         bool    // the process has ended
	Allocs       uint64  // of the process with that tag, since; of a system whose pools belong to no process, of that tag
	Frees        uint64  // likewise
	CountedSince bool    // Allocs and Frees are known; else they are 0
}

// Bytes is by how many bytes it grew.
func (c Change) Bytes() int64 { return int64(c.Now.Bytes - c.Before.Bytes) }

// Blocks is by how many blocks it grew.
func (c Change) Blocks() int64 { return int64(c.Now.Blocks - c.Before.Blocks) }

// A Growth is the difference of two Reports.
type Growth struct {
	Since   time.Duration // between them; 0: not known
	Changes []Change      // what changed, most growth in bytes first
}

// PerHour is a number for the time between the looks as one for an hour; ok is false
// where the time is not known.
func (g *Growth) PerHour(n int64) (perHour float64, ok bool) {
	if g.Since <= 0 {
		return 0, false
	}
	return float64(n) * float64(time.Hour) / float64(g.Since), true
}

// Grown is what became more in all: of the changes that grow.
func (g *Growth) Grown() (blocks, bytes int64) {
	for _, c := range g.Changes {
		if c.Bytes() > 0 {
			blocks, bytes = blocks+c.Blocks(), bytes+c.Bytes()
		}
	}
	return blocks, bytes
}

// Compare says what changed from one look to a later one.
func Compare(before, now *Report) *Growth {
	g := &Growth{}
	if !before.Taken.IsZero() && !now.Taken.IsZero() {
		g.Since = now.Taken.Sub(before.Taken)
	}
	list := map[Holder]*Change{}
	at := func(h Holding) *Change {
		c := list[h.Holder]
		if c == nil {
			c = &Change{Holder: h.Holder, Image: h.Image}
			list[h.Holder] = c
		}
		return c
	}
	for _, h := range before.Holdings {
		at(h).Before = h
	}
	for _, h := range now.Holdings {
		at(h).Now = h
	}
	was, is := before.counts(), now.counts()
	for _, c := range list {
		if c.Bytes() == 0 && c.Blocks() == 0 {
			continue
		}
		k := countKey{c.Process, c.Started, c.Tag}
		seen := countKey{c.Process, c.Started, [4]byte{}}
		_, there := was[seen]
		_, here := is[seen]
		if c.Process != 0 {
			c.New, c.Gone = !there, !here
		} else if !there { // one of the looks did not count what was freed
			here = false
		}
		if x, y := was[k], is[k]; here && y.Allocs >= x.Allocs && y.Frees >= x.Frees { // less: the first look is the later one
			c.Allocs, c.Frees, c.CountedSince = y.Allocs-x.Allocs, y.Frees-x.Frees, true
		}
		g.Changes = append(g.Changes, *c)
	}
	slices.SortFunc(g.Changes, func(a, b Change) int {
		return cmp.Or(cmp.Compare(b.Bytes(), a.Bytes()), compare(a.Holder, b.Holder))
	})
	return g
}

type countKey struct {
	process uint32
	started uint64
	tag     [4]byte
}

// counts are the allocations and frees by process and tag; the zero tag tells that the
// process was seen at all.
func (r *Report) counts() map[countKey]target.PoolCount {
	m := map[countKey]target.PoolCount{}
	for _, a := range r.Accounts {
		if a.Process.Err != nil {
			continue
		}
		m[countKey{a.Process.ID, a.Started, [4]byte{}}] = target.PoolCount{}
		for _, t := range a.Tags {
			m[countKey{a.Process.ID, a.Started, t.Tag}] = t.Small.Plus(t.Large)
		}
	}
	return m
}
