package channel

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
)

// A gate is a mutex whose waiters can be called off. They have their turns in the order in
// which they came.
type gate struct {
	// state is changed by compare-and-swap, and from gateQueued only by who holds mu. Who
	// finds it gateFree and makes it gateHeld has the gate, and may give it back the same
	// way; with gateQueued it passes to the first waiter.
	state atomic.Int32

	mu    sync.Mutex
	queue []chan struct{} // of the waiters; each is closed when its turn has come
}

// Values of gate.state.
const (
	gateFree   = 0
	gateHeld   = 1
	gateQueued = 2 // held, and somebody waits
)

// acquire waits for its turn until ctx or the connection ends. A context that has ended
// does not wait at all.
func (g *gate) acquire(ctx context.Context, c *Caller) error {
	if !g.state.CompareAndSwap(gateFree, gateHeld) {
		if err := g.wait(ctx, c); err != nil {
			return err
		}
	}
	if err := c.Err(); err != nil {
		g.release()
		return err
	}
	return nil
}

func (g *gate) wait(ctx context.Context, c *Caller) error {
	turn, err := g.enqueue(ctx)
	if turn == nil {
		return err
	}
	select {
	case <-turn:
		return nil
	case <-ctx.Done():
		err = context.Cause(ctx)
	case <-c.downCh:
		err = c.Err()
	}
	if !g.leave(turn) {
		g.release() // the turn had come
	}
	return err
}

// enqueue takes the gate, and gives nil, or a place in the queue.
func (g *gate) enqueue(ctx context.Context) (turn chan struct{}, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for {
		if g.state.CompareAndSwap(gateFree, gateHeld) {
			return nil, nil
		}
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if g.state.Load() == gateQueued || g.state.CompareAndSwap(gateHeld, gateQueued) {
			turn = make(chan struct{})
			g.queue = append(g.queue, turn)
			return turn, nil
		}
	}
}

// leave takes a waiter off the queue; false: it has the gate already.
func (g *gate) leave(turn chan struct{}) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	i := slices.Index(g.queue, turn)
	if i < 0 {
		return false
	}
	g.queue = slices.Delete(g.queue, i, i+1)
	if len(g.queue) == 0 {
		g.state.Store(gateHeld)
	}
	return true
}

func (g *gate) release() {
	if g.state.CompareAndSwap(gateHeld, gateFree) {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.queue) == 0 { // the last waiter has left meanwhile
		g.state.Store(gateFree)
		return
	}
	turn := g.queue[0]
	g.queue = slices.Delete(g.queue, 0, 1)
	if len(g.queue) == 0 {
		g.state.Store(gateHeld)
	}
	close(turn)
}
