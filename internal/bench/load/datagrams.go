package load

import (
	"context"
	"errors"

	"github.com/seed-eedd8485/lpc/internal/bench/latency"
	"github.com/seed-eedd8485/lpc/internal/bench/loops"
	"github.com/seed-eedd8485/lpc/internal/bench/transport"
)

// datagrams sends one way. The time runs until the server says that it has
// them all.
type datagrams struct {
	env
	conn  transport.Conn
	data  []byte
	x     *exchange
	had   uint64 // that the server had before
	batch int
}

// errTooMany is a server that counted more datagrams than were sent.
var errTooMany = errors.New("the server has more datagrams than were sent")

func (j *datagrams) Prepare(ctx context.Context) (err error) {
	if j.conn, err = j.dial(ctx); err != nil {
		return err
	}
	j.data = make([]byte, j.spec.Bytes)
	loops.Fill(j.data, byte(transport.OpEcho), 0)
	j.x = newExchange(j.conn, transport.HeaderBytes, transport.HeaderBytes)
	if j.had, err = j.x.ask(ctx, transport.OpCount); err != nil {
		return err
	}
	var sent uint64
	j.batch, err = j.grow(j.spec.WarmUp, func(n int) error {
		sent += uint64(n)
		return j.send(ctx, n)
	})
	if err != nil {
		return err
	}
	return j.settle(ctx, sent)
}

func (j *datagrams) send(ctx context.Context, n int) error {
	for range n {
		if err := j.conn.Send(ctx, j.data); err != nil {
			return err
		}
	}
	return nil
}

// settle asks until the server has sent more datagrams than before. A call
// does not overtake datagrams in any system here, but what it finds may still
// be in the hands of the server's workers.
func (j *datagrams) settle(ctx context.Context, sent uint64) error {
	for {
		n, err := j.x.ask(ctx, transport.OpCount)
		if err != nil {
			return err
		}
		if n-j.had > sent {
			return errTooMany
		}
		if n-j.had == sent {
			j.had = n
			return nil
		}
	}
}

func (j *datagrams) Measure(ctx context.Context) (r Result, err error) {
	m := startMeter()
	start, end := j.clock.Now(), j.clock.Ticks(j.spec.Measure)
	for r.Calls == 0 || latency.Since(start, j.clock.Now()) < end {
		if err := j.send(ctx, j.batch); err != nil {
			return r, err
		}
		r.Calls += uint64(j.batch)
	}
	if err := j.settle(ctx, r.Calls); err != nil {
		return r, err
	}
	took := j.clock.Micros(float64(latency.Since(start, j.clock.Now())))
	m.stop(&r)
	r.PerS = float64(r.Calls) / took * 1e6
	r.AllocsDeadline = -1
	return r, nil
}

func (j *datagrams) Close() error { return closeConn(j.conn) }
