package load

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/seed-eedd8485/lpc/internal/bench/latency"
	"github.com/seed-eedd8485/lpc/internal/bench/transport"
)

// BurstCallers is how many callers are at once in a burst.
const BurstCallers = 64

// The calls that every connection makes before it idles, and those of a burst.
const (
	idleSmall  = 64
	idleLarge  = 64 << 10
	burstCalls = 4 // of each caller
)

// Idler is the Job of idle connections. Prepare makes one and uses it as the
// others will be used, so that what a process needs once is there before
// memory is looked at; Measure makes Spec.Conns more; Burst lets many callers
// use some of those. The parent looks at the memory between.
type Idler struct {
	env
	warm  transport.Conn
	conns []transport.Conn
}

// NewIdler returns an Idler.
func NewIdler(clock latency.Clock, sys transport.System, addr string, spec Spec) *Idler {
	return &Idler{env: env{clock: clock, sys: sys, addr: addr, spec: spec}}
}

// Prepare makes the first connection.
func (j *Idler) Prepare(ctx context.Context) (err error) {
	j.conns = make([]transport.Conn, 0, j.spec.Conns)
	if j.warm, err = j.dial(ctx); err != nil {
		return err
	}
	if err := use(ctx, j.warm); err != nil {
		return err
	}
	return burst(ctx, j.warm)
}

// Measure makes the connections.
func (j *Idler) Measure(ctx context.Context) (r Result, err error) {
	for range j.spec.Conns {
		c, err := j.dial(ctx)
		if err != nil {
			return r, fmt.Errorf("connection %d of %d: %w", len(j.conns)+1, j.spec.Conns, err)
		}
		j.conns = append(j.conns, c)
		if err := use(ctx, c); err != nil {
			return r, err
		}
	}
	r.Calls = uint64(len(j.conns))
	return r, nil
}

// Burst lets 64 callers call on each of n connections, one after the other.
func (j *Idler) Burst(ctx context.Context, n int) error {
	for _, c := range j.conns[:min(n, len(j.conns))] {
		if err := burst(ctx, c); err != nil {
			return err
		}
	}
	return nil
}

// Close ends all connections.
func (j *Idler) Close() error {
	errs := []error{closeConn(j.warm)}
	for _, c := range j.conns {
		errs = append(errs, c.Close())
	}
	return errors.Join(errs...)
}

// buffers of the large call, one for the whole process.
var idleBuffers [2][idleLarge]byte

// use makes the two calls of an idle connection.
func use(ctx context.Context, c transport.Conn) error {
	if err := newExchange(c, idleSmall, idleSmall).call(ctx); err != nil {
		return err
	}
	x := exchange{conn: c, op: transport.OpEcho, req: idleBuffers[0][:], reply: idleBuffers[1][:]}
	return x.call(ctx)
}

// burst lets many callers call on c at once.
func burst(ctx context.Context, c transport.Conn) error {
	var wg sync.WaitGroup
	errs := make([]error, BurstCallers)
	for i := range errs {
		wg.Go(func() {
			x := newExchange(c, idleSmall, idleSmall)
			for range burstCalls {
				if errs[i] = x.call(ctx); errs[i] != nil {
					return
				}
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}
