package load

import (
	"context"

	"github.com/seed-eedd8485/lpc/internal/bench/latency"
)

// connects measures a connection from Dial to the reply of its first call, as
// some systems return from Dial before the server knows. Closing is not timed.
type connects struct {
	env
	took latency.Histogram
}

func (j *connects) Prepare(ctx context.Context) error {
	_, err := j.grow(j.spec.WarmUp, func(int) error { return j.one(ctx) })
	return err
}

func (j *connects) one(ctx context.Context) error {
	start := j.clock.Now()
	c, err := j.dial(ctx)
	if err != nil {
		return err
	}
	if err := newExchange(c, j.spec.Bytes, j.spec.Reply).call(ctx); err != nil {
		_ = c.Close()
		return err
	}
	j.took.Add(latency.Since(start, j.clock.Now()))
	return c.Close()
}

func (j *connects) Measure(ctx context.Context) (r Result, err error) {
	j.took.Reset()
	m := startMeter()
	one := func() error { return j.one(ctx) }
	if err := j.turns(j.spec.Measure, one, one); err != nil {
		return r, err
	}
	r.Calls = j.took.Count()
	m.stop(&r)
	r.MeanUS = j.clock.Micros(j.took.Mean())
	r.P50US = j.clock.Micros(j.took.Quantile(0.5))
	r.P99US = j.clock.Micros(j.took.Quantile(0.99))
	r.AllocsDeadline = -1
	return r, nil
}

func (j *connects) Close() error { return nil }
