package channel

import (
	"sync/atomic"
	"time"
)

// A receiver that runs a handler itself says so (recvBusy, with the time). Who
// has published something behind it and finds it there for busyMost rings the
// doorbell: the receiver is replaced, and one slow handler stalls nobody else.
const busyMost = 20 // µs

// nudge looks after an entry at ring position pos: not taken, the receiver busy.
func (c *Caller) nudge(pos uint32) {
	if atomic.LoadUint32(&c.receiver.State) != recvBusy || c.taken(pos) {
		return
	}
	if ticks()-atomic.LoadUint64(&c.receiver.Since) < busyMost*TicksPerMicrosecond() {
		c.nudgeLater(pos)
		return
	}
	if atomic.CompareAndSwapUint32(&c.receiver.State, recvBusy, recvAwake) {
		c.bell()
	}
}

// taken: the receiver has taken the entry at pos off the ring.
func (c *Caller) taken(pos uint32) bool { return int32(atomic.LoadUint32(&c.progress.Head)-pos) > 0 }

// nudgeLater looks again after busyMost; at most one look per connection waits.
func (c *Caller) nudgeLater(pos uint32) {
	if !c.nudging.CompareAndSwap(false, true) {
		return
	}
	time.AfterFunc(busyMost*time.Microsecond, func() {
		c.nudging.Store(false)
		if c.down.Load() != nil || !c.enter() {
			return
		}
		defer c.exit()
		c.nudge(c.tail.Load() - 1) // the last one published stands for all before it
	})
}
