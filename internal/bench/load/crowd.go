package load

import (
	"context"
	"errors"
	"math"
	"sync"
	"time"

	"github.com/seed-eedd8485/lpc/internal/bench/latency"
	"github.com/seed-eedd8485/lpc/internal/bench/transport"
)

// crowd is many callers at once: on one connection if the system's connections
// take that, else on one each.
type crowd struct {
	env
	conns   []transport.Conn
	members []*member
}

// member is one caller of a crowd.
type member struct {
	x     *exchange
	took  latency.Histogram // of one call in sampled
	calls uint64
	last  uint64 // the stamp after its last call
	err   error
}

func (j *crowd) Prepare(ctx context.Context) error {
	for i := range j.spec.Callers {
		if i == 0 || !j.sys.Shared() {
			c, err := j.dial(ctx)
			if err != nil {
				return err
			}
			j.conns = append(j.conns, c)
		}
		c := j.conns[len(j.conns)-1]
		j.members = append(j.members, &member{x: newExchange(c, j.spec.Bytes, j.spec.Reply)})
	}
	_, _, err := j.together(ctx, j.spec.WarmUp)
	return err
}

// together lets all callers call for d. It returns the ticks from the start to
// the last reply, and what this process used between.
func (j *crowd) together(ctx context.Context, d time.Duration) (ticks uint64, used Result, err error) {
	var start, end uint64
	var ready, done sync.WaitGroup
	var calls uint64
	begin := make(chan struct{})
	for _, m := range j.members {
		m.took.Reset()
		m.calls = 0
		ready.Add(1)
		done.Go(func() {
			ready.Done()
			<-begin
			m.run(ctx, j.clock, end)
		})
	}
	ready.Wait()
	m := startMeter()
	start = j.clock.Now()
	end = start + j.clock.Ticks(d)
	close(begin)
	done.Wait()
	var errs []error
	for _, m := range j.members {
		ticks = max(ticks, latency.Since(start, m.last))
		calls += m.calls
		errs = append(errs, m.err)
	}
	used.Calls = calls
	m.stop(&used)
	return ticks, used, errors.Join(errs...)
}

// sampled: the time of one call in so many is taken. The histograms of 64 callers do
// not fit the cache, and would be a good part of what they measure.
const sampled = 8

// run calls until end, at least sampled times.
func (m *member) run(ctx context.Context, clock latency.Clock, end uint64) {
	for {
		for range sampled - 1 {
			if m.err = m.x.call(ctx); m.err != nil {
				return
			}
		}
		before := clock.Now()
		if m.err = m.x.call(ctx); m.err != nil {
			return
		}
		m.calls += sampled
		m.last = clock.Now()
		m.took.Add(latency.Since(before, m.last))
		if m.last >= end {
			return
		}
	}
}

func (j *crowd) Measure(ctx context.Context) (Result, error) {
	ticks, r, err := j.together(ctx, j.spec.Measure)
	if err != nil {
		return r, err
	}
	var all latency.Histogram
	r.Slowest = math.MaxUint64
	for _, m := range j.members {
		all.Merge(&m.took)
		r.Slowest = min(r.Slowest, m.calls)
		r.Fastest = max(r.Fastest, m.calls)
	}
	r.MeanUS = j.clock.Micros(all.Mean())
	r.P50US = j.clock.Micros(all.Quantile(0.5))
	r.P99US = j.clock.Micros(all.Quantile(0.99))
	r.P999US = j.clock.Micros(all.Quantile(0.999))
	r.PerS = float64(r.Calls) / j.clock.Micros(float64(ticks)) * 1e6
	r.AllocsDeadline = -1
	return r, nil
}

func (j *crowd) Close() error {
	var errs []error
	for _, c := range j.conns {
		errs = append(errs, c.Close())
	}
	return errors.Join(errs...)
}
