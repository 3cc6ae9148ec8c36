package channel

import "time"

// enter keeps the memory from going while a timer or a kick works on it; false:
// it is gone. Who holds a slot or the gate needs no enter.
func (c *Caller) enter() bool {
	c.users.Add(1)
	if c.gone.Load() {
		c.users.Add(-1)
		return false
	}
	return true
}

func (c *Caller) exit() { c.users.Add(-1) }

// Use tells what f does, which may touch the channel's memory; false: that is going.
func (c *Caller) Use(f func() bool) bool {
	if !c.enter() {
		return false
	}
	defer c.exit()
	return f()
}

// Quiesce waits until nobody of this process uses the calling end any more, after
// Down. Callers leave at once when the connection is down, so this takes as long
// as they take to copy their replies; it is asked again with growing pauses.
func (c *Caller) Quiesce() {
	pause := 10 * time.Microsecond
	for c.inUse() {
		time.Sleep(pause)
		pause = min(pause*2, 10*time.Millisecond)
	}
	c.gone.Swap(true) // a full fence, see storeFence
	for c.users.Load() != 0 {
		time.Sleep(pause)
	}
}

func (c *Caller) inUse() bool {
	for w := range c.busy {
		if c.busy[w].Load()&^c.held[w].Load() != 0 {
			return true
		}
	}
	return c.grams.lock.state.Load() != gateFree
}

// Cleanup runs what was put off until the peer gave slots back: the peer is gone.
// Quiesce has returned.
func (c *Caller) Cleanup() {
	c.mu.Lock()
	fs := c.cleanups
	c.cleanups = nil
	c.mu.Unlock()
	for _, f := range fs {
		f.Release()
	}
}

// Trim gives the pages back that only free slots and cells stand in, except the
// first of the channel. The slots are taken while it works, so that no caller
// writes into a page that goes.
func (c *Caller) Trim() {
	if !c.enter() {
		return
	}
	defer c.exit()
	if c.grams.lock.state.CompareAndSwap(gateFree, gateHeld) {
		if c.room(); c.grams.sent == c.grams.seen && c.grams.sent != 0 {
			_ = c.sec.Discard(c.area.cells, c.area.ncells*slotStride)
		}
		c.grams.lock.release()
	}
	first := 0
	if c.area == &clientToServer {
		first = firstPageSlots
	}
	var took [maxSlots / 64]uint64
	all := true
	for s := first; s < c.area.nslots && all; s++ {
		bit := uint64(1) << (s % 64)
		if all = c.busy[s/64].Or(bit)&bit == 0; all {
			took[s/64] |= bit
		}
	}
	if all {
		from := c.area.slots + first*slotStride
		_ = c.sec.Discard(from, c.area.slots+c.area.nslots*slotStride-from)
	}
	for w := range took {
		c.busy[w].And(^took[w])
	}
	if c.starving.Load() > 0 {
		select {
		case c.freed <- struct{}{}:
		default:
		}
	}
}
