package channel

import "sync/atomic"

// The drain role. One of the parked callers of a connection leads: it sleeps for
// all of them, and readies the owner of each slot that was answered. The reply
// ring tells it which; the ring is a hint only and may overrun, after which the
// leader looks at the slot of everybody parked. To lead is a token apart from
// being done: who leaves with it passes it on, whatever else it came with.

// resync makes the hints start now: what was answered before stands in the slots,
// and whoever is parked is looked at once. c.mu is held.
func (c *Caller) resync() {
	c.hintHead = atomic.LoadUint32(&c.replies.Tail) // before the scan: later hints are read from the ring
	c.scan()
}

// hinted: the ring holds something that the leader has not read.
func (c *Caller) hinted() bool { return atomic.LoadUint32(&c.replies.Tail) != c.hintHead }

// stuckMost: a hint that was announced and is not written after so many looks is
// passed over as if the ring had overrun. A peer that is merely slow loses
// nothing by it, since the slots are looked at.
const stuckMost = 1024

// drain reads the reply ring and readies the owners of answered slots. It returns
// how many. Only the leader calls it.
func (c *Caller) drain() int {
	if !c.hinted() {
		return 0
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	tail := atomic.LoadUint32(&c.replies.Tail)
	if tail-c.hintHead > hintSize {
		c.hintHead = tail
		return c.scan() // overrun: hints are lost, slots are not
	}
	n := 0
	for ; c.hintHead != tail; c.hintHead++ {
		h := atomic.LoadUint32(&c.hints[c.hintHead%hintSize])
		if d := int16(h>>16) - int16(c.hintHead/hintSize); d != 0 {
			if c.stuck++; d < 0 && c.stuck < stuckMost {
				break // announced, not written yet: its writer will wake us
			}
			c.hintHead = atomic.LoadUint32(&c.replies.Tail)
			n += c.scan()
			break
		}
		c.stuck = 0
		if i := int(h & 0xffff); i < c.area.nslots {
			n += c.ready(i)
		}
	}
	return n
}

// scan readies every parked caller whose slot is answered. c.mu is held.
func (c *Caller) scan() int {
	n := 0
	for i := range c.area.nslots {
		n += c.ready(i)
	}
	return n
}

// ready takes the caller of slot i off the parked set and wakes it, if it is
// parked, does not lead, and its slot is answered. c.mu is held.
func (c *Caller) ready(i int) int {
	wt := c.waiterOf(i)
	if wt == nil || wt.lead || atomic.LoadUint64(&c.slot(i).Word) == c.own(i).gen<<genShift|stWaiting {
		return 0
	}
	c.own(i).parked = nil
	c.nparked--
	wt.done = true
	wt.gone.Store(true)
	wt.signal()
	return 1
}

// waiterOf is who is parked for slot i. c.mu is held.
func (c *Caller) waiterOf(i int) *waiter {
	if ch := c.chunks[i/chunkSlots].Load(); ch != nil {
		return ch[i%chunkSlots].parked
	}
	return nil
}

// unpark takes a caller off the parked set and passes the lead if it has it. c.mu
// is held.
func (c *Caller) unpark(s int, wt *waiter) {
	if !wt.done {
		c.own(s).parked = nil
		c.nparked--
	}
	if wt.lead {
		wt.lead = false
		c.passLead(s)
	}
}

// passLead gives the lead to the next parked caller behind slot s, or to nobody.
// c.mu is held.
func (c *Caller) passLead(s int) {
	c.leader, c.leading = nil, false
	if c.nparked == 0 {
		return
	}
	for k := 1; k <= maxSlots; k++ {
		if wt := c.waiterOf((s + k) % maxSlots); wt != nil {
			c.leader, c.leading, wt.lead = wt, true, true
			wt.signal()
			return
		}
	}
}
