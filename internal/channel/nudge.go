package channel

import (
	"sync/atomic"
	"time"
)

// A receiver may run a handler itself, and then nobody takes what is published
// meanwhile. Who has published something looks after it: not taken after
// nudgeAfter, it rings the doorbell, and the engine at the other end replaces a
// receiver that sits in a handler. So one slow handler stalls nobody else.
const nudgeAfter = 20 * time.Microsecond

// nudge sees to it that the entry at ring position pos is looked after. At most one
// look per connection is under way: it looks at the last entry published, which
// stands for all before it.
func (c *Caller) nudge(pos uint32) {
	if c.nudging.Load() || c.taken(pos) || !c.nudging.CompareAndSwap(false, true) {
		return
	}
	if t := c.nudger.Load(); t != nil {
		t.Reset(nudgeAfter)
		return
	}
	c.nudger.Store(time.AfterFunc(nudgeAfter, c.lookAfter))
}

func (c *Caller) lookAfter() {
	c.nudging.Store(false)
	if c.down.Load() != nil || !c.enter() {
		return
	}
	defer c.exit()
	if !c.taken(c.tail.Load()-1) && atomic.LoadUint32(&c.receiver.State) == recvAwake {
		c.bell()
	}
}

// taken: the receiver has taken the entry at pos off the ring.
func (c *Caller) taken(pos uint32) bool { return int32(atomic.LoadUint32(&c.progress.Head)-pos) > 0 }
