package channel

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed-eedd8485/lpc/internal/failpoint"
)

// yields: so often a caller that is not alone gives way to other goroutines
// between two looks at its slot before it parks. With fewer, many callers park that
// would have been answered at once, and are readied at a price (lpc bench --work
// callers).
const yields = 64

// A waiter is a parked caller. Its fields are guarded by Caller.mu.
type waiter struct {
	ch   chan struct{} // holds one signal: look again
	lead bool          // this waiter holds the lead token
	done bool          // taken off the parked set: its slot is decided
	gone atomic.Bool   // done, to be read without the lock
}

var waiters = sync.Pool{New: func() any { return &waiter{ch: make(chan struct{}, 1)} }}

func (w *waiter) signal() {
	select {
	case w.ch <- struct{}{}:
	default:
	}
}

// Wait waits for the reply to the request in slot s. nil: the reply stands in the
// slot, and the caller reads it and calls Release. With an error the slot is not
// the caller's any more: cleanup (nil allowed) runs when nobody can read the
// request's memory any longer. since is stamped with Ticks, for who looks on, once the
// wait is not over at once; it is this process's memory.
func (c *Caller) Wait(ctx context.Context, s int, alone bool, cleanup Releaser, since *uint64) error {
	w, want := &c.slot(s).Word, c.own(s).gen<<genShift|stWaiting
	if alone {
		if c.spinAlone(ctx, s, w, want, since) {
			return c.settle(s, want, cleanup)
		}
	} else {
		for i := range yields {
			if atomic.LoadUint64(w) != want {
				return c.settle(s, want, cleanup)
			}
			if i == stampAfter {
				c.stamp(s, since)
			}
			runtime.Gosched()
		}
	}
	if atomic.LoadUint64(since) == 0 {
		c.stamp(s, since)
	}
	return c.park(ctx, s, w, want, cleanup)
}

// stampAfter: so many yields before a wait is stamped; reading the clock takes as
// long as a tenth of a yield.
const stampAfter = 8

// stamp notes that a wait is not over at once.
func (c *Caller) stamp(s int, since *uint64) {
	atomic.StoreUint64(since, ticks())
	if c.Waits != nil {
		c.Waits(s)
	}
}

// spinAlone polls the slot of a lone caller. It is the hot path: no call but the
// pauses until a reply that takes longer than usual.
func (c *Caller) spinAlone(ctx context.Context, s int, w *uint64, want uint64, since *uint64) bool {
	return c.spin.untilWord(ctx, w, want, c, s, since)
}

// settle tells how a call whose word has changed ended.
func (c *Caller) settle(s int, want uint64, cleanup Releaser) error {
	got := atomic.LoadUint64(&c.slot(s).Word)
	if got == want&^stateMask|stDone {
		return nil
	}
	err := violation("slot %d holds %#x where the reply of generation %d was expected", s, got, want>>genShift)
	if cleanup != nil {
		cleanup.Release()
	}
	c.Release(s)
	c.Down(err)
	return err
}

// park waits in the parked set: as its leader where there is none, else behind it.
func (c *Caller) park(ctx context.Context, s int, w *uint64, want uint64, cleanup Releaser) error {
	wt := waiters.Get().(*waiter)
	wt.lead, wt.done = false, false
	wt.gone.Store(false)
	select {
	case <-wt.ch: // a signal left over from its last use
	default:
	}
	c.mu.Lock()
	c.own(s).parked = wt
	c.nparked++
	if !c.leading {
		c.leading, c.leader, wt.lead = true, wt, true
		c.resync()
	}
	for {
		if wt.lead {
			c.mu.Unlock()
			c.leadAndPass(ctx, wt, s, w, want)
			break
		}
		if wt.done || atomic.LoadUint64(w) != want || c.down.Load() != nil || ctx.Err() != nil {
			c.unpark(s, wt)
			c.mu.Unlock()
			break
		}
		c.mu.Unlock()
		c.nudge(c.own(s).pos)
		if done := ctx.Done(); done == nil {
			<-wt.ch // a select costs twice as much
		} else {
			select {
			case <-wt.ch:
			case <-done:
			}
		}
		if wt.gone.Load() {
			waiters.Put(wt)
			return c.conclude(ctx, s, w, want, cleanup)
		}
		c.mu.Lock()
	}
	waiters.Put(wt)
	return c.conclude(ctx, s, w, want, cleanup)
}

// conclude decides a call that has stopped waiting: exactly one of reply,
// abandoned and lost, by compare-and-swap on the slot's word. A reply that is
// there wins over a hang-up and over a deadline.
func (c *Caller) conclude(ctx context.Context, s int, w *uint64, want uint64, cleanup Releaser) error {
	if atomic.LoadUint64(w) != want {
		return c.settle(s, want, cleanup)
	}
	if c.down.Load() != nil {
		if !atomic.CompareAndSwapUint64(w, want, want&^stateMask|stLost) {
			return c.settle(s, want, cleanup)
		}
		if cleanup != nil {
			cleanup.Release()
		}
		c.Release(s)
		return c.Err()
	}
	switch ctx.Err() {
	case ErrInterrupted:
		return ErrInterrupted // the slot stays the caller's, which waits again later
	case nil: // the word was seen to change, and is as it was
		c.Down(violation("slot %d was answered and then was not", s))
		return c.conclude(ctx, s, w, want, cleanup)
	}
	return c.abandon(ctx, s, w, want, cleanup)
}

// abandon gives a call up, or finds that its reply has come.
func (c *Caller) abandon(ctx context.Context, s int, w *uint64, want uint64, cleanup Releaser) error {
	c.setCleanup(s, cleanup) // before the swap: the peer may give the slot back at once
	if !atomic.CompareAndSwapUint64(w, want, want&^stateMask|stAbandoned) {
		c.takeCleanup(s)
		return c.settle(s, want, cleanup)
	}
	c.hold(s)
	return context.Cause(ctx)
}

// leadAndPass leads until this caller's own call is decided, then passes the lead.
func (c *Caller) leadAndPass(ctx context.Context, wt *waiter, s int, w *uint64, want uint64) {
	var stop func() bool
	for idle := 0; ; idle++ {
		woken := c.drain()
		if atomic.LoadUint64(w) != want || c.down.Load() != nil || ctx.Err() != nil {
			break
		}
		if woken > 0 {
			idle = 0
		}
		if idle < yields && !c.alone() {
			runtime.Gosched() // those just readied want this thread
			continue
		}
		if c.spin.until(func() bool { return atomic.LoadUint64(w) != want || c.hinted() }, func() bool { return c.alone() && ctx.Err() == nil }) {
			if atomic.LoadUint64(w) == want {
				runtime.Gosched()
			}
			continue
		}
		c.nudge(c.own(s).pos)
		if stop == nil && ctx.Done() != nil {
			stop = context.AfterFunc(ctx, c.kick)
		}
		c.sleep(ctx, wt, w, want)
		idle = 0
	}
	if stop != nil {
		stop()
	}
	c.mu.Lock()
	c.unpark(s, wt)
	c.mu.Unlock()
}

// sleep announces that the leader sleeps, looks again, and sleeps. Left out, the
// look would lose the reply that was published between the last drain and the
// announcement.
func (c *Caller) sleep(ctx context.Context, wt *waiter, w *uint64, want uint64) {
	if c.alone() {
		c.leave.parks(&c.spin, c.tail.Load())
	}
	failpoint.At(failpoint.CallerParks)
	how := uint32(sleepBell)
	if takeFutex() {
		how = sleepFutex
		defer giveFutex()
	}
	start := ticks()
	c.sleepSeq.Add(1)
	c.asleep.Store(true)
	storeFence(&c.caller.Sleep, how) // announce
	if atomic.LoadUint64(w) == want && !c.hinted() && c.down.Load() == nil && ctx.Err() == nil {
		if how == sleepFutex {
			futexWait(&c.caller.Sleep, sleepFutex, 0)
		} else {
			select {
			case <-wt.ch:
			case <-ctx.Done():
			case <-c.downCh:
			}
		}
	}
	c.asleep.Store(false)
	atomic.StoreUint32(&c.caller.Sleep, 0)
	c.spin.parked(ticks() - start)
}

// kick wakes the leader for a reason that the peer does not know of. The word
// that the leader sleeps on can be written by the peer, so one wake may be lost
// to a hostile one: kick comes back until the leader is awake.
func (c *Caller) kick() { c.kickSeq(c.sleepSeq.Load()) }

func (c *Caller) kickSeq(seq uint32) {
	if !c.enter() {
		return
	}
	defer c.exit()
	atomic.StoreUint32(&c.caller.Sleep, 0)
	futexWake(&c.caller.Sleep)
	c.mu.Lock()
	if c.leader != nil {
		c.leader.signal()
	}
	c.mu.Unlock()
	if c.asleep.Load() && c.sleepSeq.Load() == seq {
		time.AfterFunc(time.Millisecond, func() {
			if c.asleep.Load() && c.sleepSeq.Load() == seq {
				c.kickSeq(seq)
			}
		})
	}
}

// Bell is called when the peer rang: a leader that is parked in Go looks again.
func (c *Caller) Bell() {
	c.mu.Lock()
	if c.leader != nil {
		c.leader.signal()
	}
	c.mu.Unlock()
	c.grams.bell()
}

func (c *Caller) wakeAll() {
	c.mu.Lock()
	for s := range c.area.nslots {
		if wt := c.waiterOf(s); wt != nil {
			wt.signal()
		}
	}
	c.mu.Unlock()
	c.kick()
	c.kickRoom(c.grams.sleepSeq.Load())
}
