package channel

import (
	"context"
	"runtime"
	"sync/atomic"
)

// A spinner decides how long its owner polls before it parks. It polls only
// while the peer was last seen on another processor: with both on one, a spin
// keeps the peer from running. The budget follows what spinning brought: up on a
// hit that came late, down on a miss, and a probe now and then.
//
// All fields are this process's own. They are hints: several goroutines may
// write them, and any value is right.
type spinner struct {
	peer   atomic.Uint32 // the peer's processor as of its last message, plus one; 0: not known
	budget atomic.Uint32 // µs
	probe  atomic.Uint32 // waits since the budget fell to nothing
	off    atomic.Bool   // never spin: both ends share one processor
	stamp  uint64        // ticks of the spin for an entry that has found one, 0 otherwise; the receiver's
}

const (
	spinMost    = 300  // µs
	spinStart   = 100  // more than it takes to wake a peer on a halted processor
	spinNear    = 250  // a park that ended within this would have been a hit, or nearly
	spinUnknown = 2    // while the peer's processor is not known
	spinProbe   = 32   // one wait of so many probes, once the budget is nothing
	eager       = 2000 // looks without a pause: a peer that is awake answers within these
)

// init sets the start values. local: both ends are in this process.
func (s *spinner) init(local bool) {
	s.budget.Store(spinStart)
	s.off.Store(local && runtime.GOMAXPROCS(0) == 1)
}

// see notes the processor that the peer's last message came from. It is a store
// only when the number is new: the hot path reads it.
func (s *spinner) see(cpu uint32) {
	if s.peer.Load() != cpu {
		s.peer.Store(cpu)
	}
}

// untilWord polls a slot's word until it is not want any more, or the budget is
// used up, or c has other callers, which want the processor, or ctx has ended.
func (s *spinner) untilWord(ctx context.Context, w *uint64, want uint64, c *Caller, slot int, since *uint64) bool {
	limit, ok := s.limit()
	if !ok {
		return false
	}
	for range eager {
		if atomic.LoadUint64(w) != want {
			return true
		}
	}
	c.stamp(slot, since)
	return s.slowly(limit, func() bool { return atomic.LoadUint64(w) != want }, func() bool { return c.alone() && ctx.Err() == nil })
}

// untilEntry polls a ring entry until it is not old any more, and the near slot until
// the next request is there: seen.
func (s *spinner) untilEntry(p *uint32, old uint32, n near, keepOn func() bool) (found, seen bool) {
	limit, ok := s.limit()
	if !ok {
		return false, false
	}
	s.stamp = ticks()
	for range eager {
		if n.there() {
			return true, true
		}
		if atomic.LoadUint32(p) != old {
			return true, false
		}
	}
	s.stamp = 0
	found = s.slowly(limit, func() bool {
		seen = n.there()
		return seen || atomic.LoadUint32(p) != old
	}, keepOn)
	return found, seen
}

// until polls ready until it says yes, the budget is used up, or keepOn, asked now
// and then, says no.
func (s *spinner) until(ready, keepOn func() bool) bool {
	limit, ok := s.limit()
	return ok && s.slowly(limit, ready, keepOn)
}

func (s *spinner) slowly(limit uint32, ready, keepOn func() bool) bool {
	start := ticks()
	end := start + uint64(limit)*TicksPerMicrosecond()
	for i := 1; ; i++ {
		if ready() {
			s.hit(ticks()-start, limit)
			return true
		}
		pause()
		if i%8 == 0 {
			if now := ticks(); now > end {
				s.miss()
				return false
			}
			if i%64 == 0 && (!keepOn() || s.sharesCPU()) {
				return false
			}
		}
	}
}

// limit is how long to spin now, in µs, and whether to.
func (s *spinner) limit() (uint32, bool) {
	if s.off.Load() || s.sharesCPU() {
		return 0, false
	}
	if s.peer.Load() == 0 {
		return spinUnknown, true
	}
	b := s.budget.Load()
	if b == 0 {
		if s.probe.Add(1)%spinProbe != 0 {
			return 0, false
		}
		b = spinStart
	}
	return b, true
}

// sharesCPU: the peer was last seen where this thread is.
func (s *spinner) sharesCPU() bool {
	p := s.peer.Load()
	return p != 0 && p == CPU()
}

func (s *spinner) hit(took uint64, limit uint32) {
	us := uint32(took / TicksPerMicrosecond())
	switch b := s.budget.Load(); {
	case b == 0:
		s.budget.Store(spinStart)
	case us > limit/2 && b < spinMost:
		s.budget.Store(min(b*2, spinMost))
	}
}

// parked notes how long a wait took that ended in a park, spin included. Two ends
// that both park answer each other within the time that it takes to wake them: that
// is no reason to go on parking.
func (s *spinner) parked(took uint64) {
	us := uint32(took / TicksPerMicrosecond())
	if want := max(us*3/2, spinStart); us < spinNear && s.budget.Load() < want {
		s.budget.Store(min(want, spinMost))
	}
}

func (s *spinner) miss() {
	if s.peer.Load() != 0 { // else the spin was short for another reason
		s.budget.Store(s.budget.Load() / 2)
	}
}
