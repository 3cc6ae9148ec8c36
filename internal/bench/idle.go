package bench

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/seed-eedd8485/lpc/internal/bench/load"
)

// idleFigures are those of the idle items, a connection each.
type idleFigures struct {
	conns          int
	server, client footprint // after the connections' two calls
	sample         int       // connections that saw the burst
	serverBurst    footprint // the same after a burst of callers
	clientBurst    footprint

	window   time.Duration // of the idle server
	cpuMS    float64       // that it used in the window
	sinceMS  float64       // that it used from its start to the end of the window
	cpuConns int
}

// both are the footprints of a pair.
type both struct{ server, client footprint }

// idleMemory measures idle connections, each system with processes of its own.
func (r *runner) idleMemory(ctx context.Context) error {
	for _, s := range r.systems {
		f, err := r.idleMemoryOf(ctx, s)
		if err != nil {
			return fmt.Errorf("%s: %w", idleMemory, err)
		}
		r.lines = append(r.lines, &line{item: itemNamed(idleMemory), placement: free, system: s, idle: f})
	}
	return nil
}

func (r *runner) idleMemoryOf(ctx context.Context, system string) (f *idleFigures, err error) {
	size := r.plan.sizes
	f = &idleFigures{conns: size.conns, sample: size.sample}
	p, err := r.openIdle(ctx, system, size.conns)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, r.closeIdle(ctx, p, err)) }()
	before, err := r.look(ctx, p)
	if err != nil {
		return nil, err
	}
	r.progress.say("%s  %s  %d connections", idleMemory, system, size.conns)
	if _, err := p.client.tell(ctx, order{Op: opMeasure}, idleTime); err != nil {
		return nil, err
	}
	idle, err := r.look(ctx, p)
	if err != nil {
		return nil, err
	}
	r.progress.say("%s  %s  burst on %d connections", idleMemory, system, size.sample)
	if _, err := p.client.tell(ctx, order{Op: opBurst, N: size.sample}, idleTime); err != nil {
		return nil, err
	}
	after, err := r.look(ctx, p)
	if err != nil {
		return nil, err
	}
	n, sample := float64(size.conns), float64(size.sample)
	f.server, f.client = idle.server.since(before.server, n), idle.client.since(before.client, n)
	f.serverBurst = f.server.plus(after.server.since(idle.server, sample))
	f.clientBurst = f.client.plus(after.client.since(idle.client, sample))
	return f, nil
}

// idleTime bounds an order about a thousand connections.
const idleTime = 2 * time.Minute

// openIdle starts a pair with its first connection.
func (r *runner) openIdle(ctx context.Context, system string, conns int) (*pair, error) {
	p, err := r.open(ctx, system, free)
	if err != nil {
		return nil, err
	}
	spec := load.Spec{Work: load.Idle, Conns: conns}
	if _, err := p.client.tell(ctx, order{Op: opPrepare, Spec: &spec}, idleTime); err != nil {
		return nil, errors.Join(err, p.abandon(err))
	}
	return p, nil
}

// closeIdle ends a pair with its connections, gently if nothing went wrong.
func (r *runner) closeIdle(ctx context.Context, p *pair, err error) error {
	if err != nil {
		return p.abandon(err)
	}
	if _, err := p.client.tell(ctx, order{Op: opClose}, idleTime); err != nil {
		return errors.Join(err, p.abandon(err))
	}
	return p.close(ctx)
}

// look lets a pair tidy up and be idle, and looks at its memory.
func (r *runner) look(ctx context.Context, p *pair) (b both, err error) {
	for _, child := range p.children() {
		if _, err := child.tell(ctx, order{Op: opSettle}, idleTime); err != nil {
			return b, err
		}
	}
	if err := wait(ctx, r.plan.sizes.pause); err != nil {
		return b, err
	}
	if b.server, err = footprintOf(p.server.cmd.Process.Pid); err != nil {
		return b, err
	}
	b.client, err = footprintOf(p.client.cmd.Process.Pid)
	return b, err
}

// idleCPU measures what idle servers use, all systems in the same seconds.
func (r *runner) idleCPU(ctx context.Context) (err error) {
	size := r.plan.sizes
	var pairs []*pair
	defer func() {
		for _, p := range pairs {
			err = errors.Join(err, r.closeIdle(ctx, p, err))
		}
		if err != nil {
			err = fmt.Errorf("%s: %w", idleCPU, err)
		}
	}()
	for _, s := range r.systems {
		p, err := r.openIdle(ctx, s, size.cpuConns)
		if err != nil {
			return err
		}
		pairs = append(pairs, p)
		if _, err := p.client.tell(ctx, order{Op: opMeasure}, idleTime); err != nil {
			return err
		}
		if _, err := r.look(ctx, p); err != nil { // the tidying is the point
			return err
		}
	}
	r.progress.say("%s  %d connections  %v", idleCPU, size.cpuConns, size.cpuTime)
	before, err := cpuOfServers(pairs)
	if err != nil {
		return err
	}
	if err := wait(ctx, size.cpuTime); err != nil {
		return err
	}
	after, err := cpuOfServers(pairs)
	if err != nil {
		return err
	}
	for i, p := range pairs {
		r.lines = append(r.lines, &line{item: itemNamed(idleCPU), placement: free, system: p.system, idle: &idleFigures{
			cpuConns: size.cpuConns, window: size.cpuTime,
			cpuMS: (after[i] - before[i]) * 1e3, sinceMS: after[i] * 1e3,
		}})
	}
	return nil
}

func cpuOfServers(pairs []*pair) ([]float64, error) {
	all := make([]float64, len(pairs))
	for i, p := range pairs {
		var err error
		if all[i], err = cpuOf(p.server.cmd.Process.Pid); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// itemNamed returns the item of that name; the names are constants of this
// package.
func itemNamed(name string) item {
	for _, it := range items() {
		if it.name == name {
			return it
		}
	}
	panic("bench: no item " + name)
}
