package engine

import (
	"fmt"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/seed-eedd8485/lpc/internal/channel"
)

// The event of a waitable port is set while a message is there to be received. It is set
// by who rings and who queues, and cleared by the receiver that finds nothing left and has
// armed all channels. Threads wait for it by a channel: nothing is closed under one that
// waits. Who wants a descriptor for select, poll or epoll gets one of an eventfd of his own,
// which stays set when the port has gone.
type event struct {
	waitable bool // there is one; immutable once threads know the port

	// Guarded by the dispatcher's lock.
	set     bool
	gone    bool          // the port is
	changed chan struct{} // closed when the event is set, or gone; nil: nobody waits
	fd      int           // the eventfd, where hasFD: somebody has asked for one
	hasFD   bool
}

// Waitable tells whether a port has an event.
func Waitable(o Object) bool { return o.dispatcher().event.waitable }

// EventFD gives a descriptor that is readable while a message is there to be received from a
// waitable port, or the port is gone. It is the caller's to close, and no copy of it is
// written or read but by the engine.
func EventFD(o Object) (fd int, err error) {
	d := o.dispatcher()
	d.mu.Lock()
	defer d.mu.Unlock()
	e := &d.event
	if e.gone {
		return -1, ErrPortClosed
	}
	if !e.hasFD {
		if e.fd, err = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK); err != nil {
			return -1, fmt.Errorf("making an eventfd: %w", err)
		}
		e.hasFD = true
		if e.set {
			e.tell()
		}
	}
	if fd, err = unix.FcntlInt(uintptr(e.fd), unix.F_DUPFD_CLOEXEC, 0); err != nil {
		return -1, fmt.Errorf("duplicating an eventfd: %w", err)
	}
	return fd, nil
}

// tell makes the eventfd readable, where there is one, and untell not.
func (e *event) tell() {
	if e.hasFD {
		_, _ = unix.Write(e.fd, []byte{1, 0, 0, 0, 0, 0, 0, 0})
	}
}

func (e *event) untell() {
	if e.hasFD {
		var b [8]byte
		_, _ = unix.Read(e.fd, b[:])
	}
}

// wake has every thread that waits look again. d.mu is held.
func (e *event) wake() {
	e.tell()
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
	if d.event.hasFD {
		_ = unix.Close(d.event.fd) // what was given out stays
		d.event.hasFD = false
	}
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
	d.event.untell()
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
