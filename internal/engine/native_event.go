package engine

import (
	"sync/atomic"

	"golang.org/x/sys/unix"

	"github.com/seed-eedd8485/lpc/internal/channel"
)

// The event of a waitable port is an eventfd: readable while a message is there to be
// received. It is set by who rings and who queues, and cleared by the receiver that
// finds nothing left and has armed all channels.

// EventFD is the descriptor of a waitable port's event, -1 for other ports. It stays the
// port's.
func EventFD(o Object) int { return o.dispatcher().event }

// makeEvent makes the event.
func (d *dispatcher) makeEvent() error {
	fd, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err == nil {
		d.event = fd
	}
	return err
}

// closeEvent takes the event away: the port is gone.
func (d *dispatcher) closeEvent() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.event >= 0 {
		_ = unix.Close(d.event)
		d.event = -1
	}
}

// signal sets the event. d.mu is held.
func (d *dispatcher) signal() {
	if d.event >= 0 {
		_, _ = unix.Write(d.event, []byte{1, 0, 0, 0, 0, 0, 0, 0})
	}
}

// Ready tells whether a message is there to be received, once the event says so: it is
// also set by what was not one.
func Ready(o Object) bool { return o.dispatcher().settleEvent() }

// settleEvent clears the event when nothing is left to receive, and tells if something is.
func (d *dispatcher) settleEvent() bool {
	if d.event < 0 {
		return false
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	ro := d.role
	if ro != nil && !atomic.CompareAndSwapUint32(&ro.state, inHandler, notInline) {
		return false // another thread receives, and will
	}
	var b [8]byte
	_, _ = unix.Read(d.event, b[:])
	d.warm() // what only rang may hold nothing
	if d.armLocked() && d.queueLen == 0 {
		return false
	}
	d.role = ro
	d.signal()
	if ro != nil {
		d.leaves(ro, channel.Ticks())
	}
	return true
}
