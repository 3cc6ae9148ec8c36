package latency

import (
	"math"
	"time"
)

// Clock converts ticks of [Now] to time. The zero Clock reads the monotonic
// clock, one tick a nanosecond.
type Clock struct {
	// TicksPerNS is the rate of the processor's counter, 0 for the
	// monotonic clock.
	TicksPerNS float64
}

// base is the zero of the monotonic clock's ticks.
var base = time.Now()

// Now returns the present in ticks. Two stamps may be compared within one
// machine; a later one may be smaller by a few ticks if the thread changed
// CPUs, so use [Since].
func (c Clock) Now() uint64 {
	if c.TicksPerNS != 0 {
		return counter()
	}
	return uint64(time.Since(base))
}

// Since returns the ticks between two stamps, 0 if they are out of order.
func Since(from, to uint64) uint64 {
	if to < from {
		return 0
	}
	return to - from
}

// Micros converts ticks to microseconds.
func (c Clock) Micros(ticks float64) float64 {
	if c.TicksPerNS != 0 {
		return ticks / c.TicksPerNS / 1e3
	}
	return ticks / 1e3
}

// Ticks converts a duration to ticks.
func (c Clock) Ticks(d time.Duration) uint64 {
	if c.TicksPerNS != 0 {
		return uint64(float64(d) * c.TicksPerNS)
	}
	return uint64(d)
}

// Calibrate measures the processor's counter against the monotonic clock for
// about 2*window and returns a Clock for it. It returns the zero Clock where
// there is no counter, or where the two windows disagree by more than 1 %.
func Calibrate(window time.Duration) Clock {
	if !haveCounter {
		return Clock{}
	}
	c0, t0 := together()
	time.Sleep(window)
	c1, t1 := together()
	time.Sleep(window)
	c2, t2 := together()
	first := float64(c1-c0) / float64(t1-t0)
	second := float64(c2-c1) / float64(t2-t1)
	if !(first > 0) || math.Abs(first-second) > first/100 {
		return Clock{}
	}
	return Clock{TicksPerNS: float64(c2-c0) / float64(t2-t0)}
}

// together reads both clocks at one instant: the tightest of some tries, so
// that a preemption between the two reads does not count.
func together() (ticks uint64, ns time.Duration) {
	best := uint64(math.MaxUint64)
	for range 64 {
		before := counter()
		now := time.Since(base)
		after := counter()
		if width := after - before; width < best {
			best, ticks, ns = width, before+width/2, now
		}
	}
	return ticks, ns
}
