package load

import (
	"context"
	"time"

	"github.com/seed-eedd8485/lpc/internal/bench/latency"
	"github.com/seed-eedd8485/lpc/internal/bench/transport"
)

// calls is one caller, copying.
type calls struct {
	env
	conn  transport.Conn
	x     *exchange
	batch int // calls a batch
	took  latency.Histogram
	raw   []uint64 // a Batcher's stamps, before they go into took
}

func (j *calls) Prepare(ctx context.Context) (err error) {
	if j.conn, err = j.dial(ctx); err != nil {
		return err
	}
	j.x = newExchange(j.conn, j.spec.Bytes, j.spec.Reply)
	if j.spec.Work == Wait {
		j.x.op = transport.OpLate
	}
	if b, ok := j.conn.(transport.Batcher); ok {
		j.raw = make([]uint64, maxBatch)
		if err := j.apart(b); err != nil {
			return err
		}
	}
	j.batch, err = j.grow(j.spec.WarmUp, func(n int) error { return j.plain(ctx, n) })
	return err
}

// apart warms up two spinning ends until each has a CPU, or for a while: the
// kernel may have started them on the same one.
func (j *calls) apart(b transport.Batcher) error {
	const few, quick, while = 64, 5 * time.Microsecond, 300 * time.Millisecond
	for start := j.clock.Now(); latency.Since(start, j.clock.Now()) < j.clock.Ticks(while); {
		from := j.clock.Now()
		if err := b.Batch(few); err != nil {
			return err
		}
		if latency.Since(from, j.clock.Now()) < j.clock.Ticks(few*quick) {
			return nil
		}
	}
	return nil
}

// plain makes n calls and takes no stamps.
func (j *calls) plain(ctx context.Context, n int) error {
	if b, ok := j.conn.(transport.Batcher); ok {
		return b.Batch(n)
	}
	for range n {
		if err := j.x.call(ctx); err != nil {
			return err
		}
	}
	return nil
}

// stamped makes n calls with a stamp after each: the whole of a turn is its
// time.
func (j *calls) stamped(ctx context.Context, n int) error {
	if b, ok := j.conn.(transport.Batcher); ok {
		err := b.BatchStamped(j.raw[:n])
		for _, d := range j.raw[:n] {
			j.took.Add(d)
		}
		return err
	}
	last := j.clock.Now()
	for range n {
		if err := j.x.call(ctx); err != nil {
			return err
		}
		now := j.clock.Now()
		j.took.Add(latency.Since(last, now))
		last = now
	}
	return nil
}

func (j *calls) Measure(ctx context.Context) (r Result, err error) {
	var plainTicks, plainCalls uint64
	j.took.Reset()
	m := startMeter()
	err = j.turns(j.spec.Measure, func() error {
		from := j.clock.Now()
		err := j.plain(ctx, j.batch)
		plainTicks += latency.Since(from, j.clock.Now())
		plainCalls += uint64(j.batch)
		return err
	}, func() error { return j.stamped(ctx, j.batch) })
	if err != nil {
		return r, err
	}
	r.Calls = plainCalls + j.took.Count()
	m.stop(&r)
	r.MeanUS = j.clock.Micros(float64(plainTicks) / float64(plainCalls))
	r.P50US = j.clock.Micros(j.took.Quantile(0.5))
	r.P99US = j.clock.Micros(j.took.Quantile(0.99))
	r.P999US = j.clock.Micros(j.took.Quantile(0.999))
	r.PerS = 1e6 / r.MeanUS
	r.AllocsDeadline, err = j.allocsDeadline(ctx)
	return r, err
}

// allocsDeadline counts the mallocs of calls under one cancellable context
// with a deadline that does not come.
func (j *calls) allocsDeadline(ctx context.Context) (float64, error) {
	if !j.spec.Deadline {
		return -1, nil
	}
	limited, cancel := context.WithTimeout(ctx, time.Hour)
	defer cancel()
	if err := j.plain(limited, 1); err != nil { // what is made once a context is not the call's
		return 0, err
	}
	before := mallocs()
	n := max(4*j.batch, 200)
	if err := j.plain(limited, n); err != nil {
		return 0, err
	}
	return per(mallocs()-before, uint64(n)), nil
}

func (j *calls) Close() error { return closeConn(j.conn) }

func closeConn(c transport.Conn) error {
	if c == nil {
		return nil
	}
	return c.Close()
}
