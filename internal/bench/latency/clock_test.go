package latency

import (
	"math"
	"testing"
	"time"
)

// TestClockConverts checks the arithmetic both ways, for both kinds of clock.
func TestClockConverts(t *testing.T) {
	for _, c := range []Clock{{}, {TicksPerNS: 2.6}, {TicksPerNS: 0.025}} {
		ticks := c.Ticks(3 * time.Millisecond)
		if got := c.Micros(float64(ticks)); math.Abs(got-3000) > 0.1 {
			t.Errorf("%+v: 3 ms come back as %v µs", c, got)
		}
	}
	if Since(10, 7) != 0 || Since(7, 10) != 3 {
		t.Error("Since does not clamp stamps that are out of order")
	}
}

// TestClockAdvances waits on the monotonic clock until the counter has moved.
func TestClockAdvances(t *testing.T) {
	for _, c := range []Clock{{}, Calibrate(time.Millisecond)} {
		from := c.Now()
		for c.Now() == from {
		}
		if Since(from, c.Now()) == 0 {
			t.Errorf("%+v does not advance", c)
		}
	}
}
