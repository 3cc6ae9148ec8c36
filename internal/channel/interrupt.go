package channel

import (
	"context"
	"errors"
	"sync/atomic"
	"time"
)

// ErrInterrupted: a wait was broken off. Its slot is still the caller's, its request
// still under way: Wait again, or Abandon it.
var ErrInterrupted = errors.New("wait interrupted")

// An Interrupt is the context of waits that can be broken off and taken up again. Who
// breaks one off sets it and then calls Caller.Interrupt, so that a sleeper looks.
type Interrupt struct{ set atomic.Bool }

// Set breaks the waits off, now and until Clear.
func (i *Interrupt) Set() { i.set.Store(true) }

// Clear lets waits go on.
func (i *Interrupt) Clear() { i.set.Store(false) }

// Err is ErrInterrupted while it is set.
func (i *Interrupt) Err() error {
	if i.set.Load() {
		return ErrInterrupted
	}
	return nil
}

// Done is nil: it is Caller.Interrupt that wakes.
func (*Interrupt) Done() <-chan struct{} { return nil }

// Deadline tells that there is none.
func (*Interrupt) Deadline() (time.Time, bool) { return time.Time{}, false }

// Value is nil.
func (*Interrupt) Value(any) any { return nil }

var _ context.Context = (*Interrupt)(nil)

// Interrupt has whoever waits for slot s look at its context.
func (c *Caller) Interrupt(s int) {
	c.mu.Lock()
	wt := c.waiterOf(s)
	leads := wt != nil && wt == c.leader
	if wt != nil && !leads {
		wt.signal()
	}
	c.mu.Unlock()
	if leads {
		c.kick()
	}
}

// Pending tells whether slot s still waits for its reply. Its holder waits, or waits for
// who asks.
func (c *Caller) Pending(s int) bool {
	return atomic.LoadUint64(&c.slot(s).Word) == c.own(s).gen<<genShift|stWaiting
}

// Abandon gives up the call in slot s, whose wait was interrupted. nil: its reply has
// come, and stands in the slot; with an error the slot is not the caller's any more.
func (c *Caller) Abandon(s int) error {
	w, want := &c.slot(s).Word, c.own(s).gen<<genShift|stWaiting
	if atomic.LoadUint64(w) != want {
		return c.settle(s, want, nil)
	}
	return c.abandon(abandoned, s, w, want, nil)
}

// abandoned is the context of a call that was given up.
var abandoned = func() context.Context {
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(ErrInterrupted)
	return ctx
}()
