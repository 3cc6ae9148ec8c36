package records

import (
	"time"

	"github.com/seed-eedd8485/lpc/target"
)

// A clock turns a process's ticks into times: two points of a line, so that the
// target is asked once a process and not once a record.
type clock struct {
	ticks   uint64
	at      time.Time
	perTick float64 // ns
	ok      bool
}

// clockSpan is the distance of the two points: minutes for a counter of 3 GHz, days
// for one of 25 MHz.
const clockSpan = 1 << 42

func (w *World) clock(process, ticks uint64) clock {
	if c, known := w.clocks[process]; known {
		return c
	}
	c := clock{ticks: ticks}
	c.at, c.ok = target.Time(w.T, process, ticks)
	if later, ok := target.Time(w.T, process, ticks+clockSpan); ok && c.ok {
		c.perTick = float64(later.Sub(c.at)) / clockSpan
		w.clocks[process] = c
	}
	return c
}

// Age is how long ago that many ticks of a process were; negative when not known.
func (w *World) Age(process, ticks uint64) time.Duration {
	if ticks == 0 || w.Now.IsZero() {
		return -1
	}
	c := w.clock(process, ticks)
	if !c.ok {
		return -1
	}
	ns := float64(w.Now.Sub(c.at)) - float64(int64(ticks-c.ticks))*c.perTick
	if ns > 1e18 || ns < -1e18 {
		return -1 // no time of anybody's
	}
	return max(time.Duration(ns), 0)
}
