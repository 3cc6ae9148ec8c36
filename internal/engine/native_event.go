package engine

import (
	"sync/atomic"
	"time"

	"github.com/seed-eedd8485/lpc/internal/channel"
)

// The event of a waitable port is set while a message is there to be received. It is set
// by who rings and who queues, and cleared by the receiver that finds nothing left and has
// armed all channels. Only threads of this process wait for it, so it is no descriptor:
// nothing is closed under a thread that waits.
type event struct {
	waitable bool // there is one; immutable once threads know the port

	// Guarded by the dispatcher's lock.
	set     bool
	gone    bool          // the port is
	changed chan struct{} // closed when the event is set, or gone; nil: nobody waits
}

// Waitable tells whether a port has an event.
func Waitable(o Object) bool { return o.dispatcher().event.waitable }

// wake has every thread that waits look again. d.mu is held.
func (e *event) wake() {
	if e.changed != nil {
		close(e.changed)
		e.changed = nil
	}
}

// closeEvent ends the waits: the port is gone.
func (d *dispatcher) closeEvent() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.event.gone = true
	d.event.wake()
}

// signal sets the event. d.mu is held.
func (d *dispatcher) signal() {
	if d.event.waitable && !d.event.set {
		d.event.set = true
		d.event.wake()
	}
}

// Await waits for t until a message is there to be received from a waitable port: nil.
// ErrTimeout, ErrPortClosed and ErrExiting are what else may come first.
func (t *Thread) Await(o Object, limit Limit) error {
	if err := t.begin(); err != nil {
		return err
	}
	defer t.leave()
	d := o.dispatcher()
	var passed <-chan time.Time // nil: never
	if !limit.Poll && !limit.At.IsZero() {
		timer := time.NewTimer(limit.Left())
		defer timer.Stop()
		passed = timer.C
	}
	for {
		d.mu.Lock()
		ev := d.event
		if !ev.gone && !ev.set && ev.changed == nil {
			d.event.changed = make(chan struct{})
			ev = d.event
		}
		d.mu.Unlock()
		switch {
		case ev.gone:
			return ErrPortClosed
		case ev.set && d.settleEvent():
			return nil
		case limit.Passed():
			return ErrTimeout
		case ev.set:
			continue // by what was no message, or another thread receives it
		}
		select {
		case <-ev.changed:
		case <-passed:
		case <-t.ctx.Done():
			return ErrExiting
		}
	}
}

// settleEvent clears the event when nothing is left to receive, and tells if something is.
func (d *dispatcher) settleEvent() bool {
	if !d.event.waitable {
		return false
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.event.set = false
	if d.event.gone {
		return false
	}
	if d.queueLen > 0 {
		d.signal()
		return true
	}
	ro := d.role
	if ro != nil && !atomic.CompareAndSwapUint32(&ro.state, inHandler, notInline) {
		return false // another thread receives; it takes what is there, or arms all channels, or comes here
	}
	d.warm() // what only rang may hold nothing
	if d.armLocked() {
		return false
	}
	d.role = ro
	d.signal()
	if ro != nil {
		d.leaves(ro, channel.Ticks())
	}
	return true
}
