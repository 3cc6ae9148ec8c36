package channel

import (
	"sync/atomic"
	"time"
)

// A receiver may run a handler itself, and then nobody takes what is published
// meanwhile. Who has published something looks after it: not taken after
// nudgeAfter, and nothing else taken either, it rings the doorbell, and the engine
// at the other end replaces a receiver that sits in a handler. So one slow handler
// stalls nobody else.
const (
	nudgeAfter = 20 * time.Microsecond
	nudgeAgain = 200 * time.Microsecond // the next look; later ones come half as often each while nothing moves
	nudgeMost  = 10 * time.Millisecond  // a peer that is not scheduled must not find its socket full of bells
)

// nudge sees to it that the entry at ring position pos is looked after. At most one
// look per connection is under way: it goes on until the last entry published is
// taken, which stands for all before it.
func (c *Caller) nudge(pos uint32) {
	if c.nudging.Load() || c.taken(pos) || !c.nudging.CompareAndSwap(false, true) {
		return
	}
	c.nudgeWait.Store(int64(nudgeAgain))
	c.lookAt(nudgeAfter)
}

// lookAt has lookAfter run after d. Only who set nudging calls it.
func (c *Caller) lookAt(d time.Duration) {
	c.nudgeHead.Store(atomic.LoadUint32(&c.progress.Head))
	if t := c.nudger.Load(); t != nil {
		t.Reset(d)
		return
	}
	c.nudger.Store(time.AfterFunc(d, c.lookAfter))
}

func (c *Caller) lookAfter() {
	if c.down.Load() != nil || !c.enter() {
		return
	}
	defer c.exit()
	if c.taken(c.tail.Load() - 1) {
		c.nudging.Swap(false) // a full fence, see storeFence
		if pos := c.tail.Load() - 1; !c.taken(pos) {
			c.nudge(pos) // published meanwhile, by one who saw this look under way
		}
		return
	}
	if atomic.LoadUint32(&c.progress.Head) != c.nudgeHead.Load() {
		c.nudgeWait.Store(int64(nudgeAgain))
		c.lookAt(nudgeAgain)
		return
	}
	if atomic.LoadUint32(&c.receiver.State) == recvAwake {
		c.bell()
	}
	// Again, until it is taken: the receiver that comes may sit in the next handler.
	wait := time.Duration(c.nudgeWait.Load())
	c.nudgeWait.Store(int64(min(2*wait, nudgeMost)))
	c.lookAt(wait)
}

// taken: the receiver has taken the entry at pos off the ring.
func (c *Caller) taken(pos uint32) bool { return int32(atomic.LoadUint32(&c.progress.Head)-pos) > 0 }
