package engine

import (
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/seed-eedd8485/lpc/internal/channel"
	"github.com/seed-eedd8485/lpc/internal/pool"
	"github.com/seed-eedd8485/lpc/wire"
)

// rungManual is ringLocked of a manual port: c has something to receive, or has ended.
// d.mu is held.
func (d *dispatcher) rungManual(c *Conn) {
	d.signal()
	switch {
	case d.role == nil:
		d.summon(c)
	case atomic.LoadUint32(&d.role.state) == inHandler:
		d.takeOver(c)
	case d.sleepsOn != nil:
		d.kick(d.sleepCount)
	}
}

// summon gives the free role to a thread that waits in Receive, or to the pump where
// there is none and c should not wait for one. d.mu is held.
func (d *dispatcher) summon(c *Conn) {
	switch {
	case len(d.idle) > 0:
		d.giveRole()
	case d.urgent(c):
		d.role = &role{}
		go d.pump(d.role)
	}
}

// urgent: somebody waits for what c may bring and is not in Receive: a thread that waits
// for an answer through c may be called back, and a connection that has ended is let go.
func (d *dispatcher) urgent(c *Conn) bool { return c.ending || !c.out.Idle() }

// takeOver gives the role of a thread that is away with a message for slowHandler to
// another; one that has just left is looked at again. d.mu is held.
func (d *dispatcher) takeOver(c *Conn) {
	if len(d.idle) == 0 && !d.urgent(c) {
		return
	}
	ro := d.role
	in := (channel.Ticks() - atomic.LoadUint64(&ro.began)) / channel.TicksPerMicrosecond()
	if in >= slowHandler {
		if atomic.CompareAndSwapUint32(&ro.state, inHandler, replaced) {
			d.role = nil
			d.summon(c)
		}
		return
	}
	d.lookLater(slowHandler - in)
}

// lookLater looks in so many µs whether a thread that is away with a message keeps
// somebody waiting. d.mu is held.
func (d *dispatcher) lookLater(in uint64) {
	if d.looking {
		return
	}
	d.looking = true
	time.AfterFunc(time.Duration(in)*time.Microsecond, func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.looking = false
		if d.role == nil || atomic.LoadUint32(&d.role.state) != inHandler {
			return
		}
		for _, c := range slices.Concat(d.pending, d.hot) {
			if len(d.idle) > 0 || d.urgent(c) {
				d.takeOver(c)
				return
			}
		}
	})
}

// leaves lets go of the role: the next Receive finds it. What rang while it was held, and
// was not looked at, is looked at soon all the same. d.mu is held.
func (d *dispatcher) leaves(ro *role, now uint64) {
	channel.StoreRelease64(&ro.began, now)
	channel.StoreRelease(&ro.state, inHandler)
	if d.waiting.Load() || d.ended > 0 {
		d.lookLater(slowHandler)
	}
}

// stir is called by a thread that waits for an answer through c and did not get it at
// once: what stands in c's ring, and rang before it waited, may be for it.
func (d *dispatcher) stir(c *Conn) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if c.hot {
		d.rungManual(c)
	}
}

// pump holds the role while nobody is in Receive and something urgent has come: it moves
// what stands in the rings to the queue, hands callbacks to who waits for them, and
// leaves.
func (d *dispatcher) pump(ro *role) {
	for {
		d.mu.Lock()
		d.warm()
		d.waiting.Store(d.queueLen > 0)
		d.mu.Unlock()
		for d.lookNative(ro, nil) != nil {
		}
		d.mu.Lock()
		switch {
		case len(d.pending) > 0:
		case len(d.idle) > 0:
			d.ready(ro)
			d.mu.Unlock()
			return
		case d.armLocked():
			if d.over {
				d.freeSpare()
			}
			d.mu.Unlock()
			return
		}
		d.mu.Unlock()
	}
}

// routed deals with what came for the engine or for a thread that waits, not for a
// receiver. It always returns false.
func (d *dispatcher) routed(c *Conn, m *Message) bool {
	if !m.in.Reply {
		c.control(m)
		d.spare = m // nothing of it is kept
		return false
	}
	if m.in.Control && c.server {
		c.mustFinish(m)
		c.fail(fmt.Errorf("%w: a control request, which only a server sends", ErrProtocol))
		return false
	}
	d.mu.Lock()
	d.book(c, m)
	m.rec.State = pool.MessageDeferred
	m.given = m.use.Load()
	m.stage.Store(stageHeld)
	d.spare = d.popFree()
	d.mu.Unlock()
	u := Use{m, m.given, c}
	if m.in.Control && (m.in.Length < 4 || m.rec.Data[0] != controlIdentify) {
		u.serveData()
	} else if !deliverCallback(c, u, uint64(m.in.Extra), m.rec.Request.MessageID) {
		_ = u.status(wire.StatusMismatch)
	}
	return false
}

// retireNative takes an ended connection off the hot ones, once its ring was read to the
// end: then come the messages that the system makes of its end.
func (d *dispatcher) retireNative(i int) {
	d.mu.Lock()
	c := d.hot[i]
	d.hot = append(d.hot[:i], d.hot[i+1:]...)
	c.hot, c.retired = false, true
	d.ended--
	last := c.lastMessages()
	if !c.closedHere.Load() { // who closed a port itself is not told of it
		for _, m := range last {
			d.enqueue(m)
		}
		last = nil
	}
	d.wakeNative()
	if c.port == nil {
		d.readyAll() // they receive from this connection alone
	}
	var forgotten []Use
	for _, m := range d.messages {
		if m == nil || m.conn != c || !m.in.Reply || m.stage.CompareAndSwap(stageTaken, stageOrphaned) {
			continue
		}
		if m.stage.Load() == stageHeld {
			forgotten = append(forgotten, Use{m, m.given, c})
		}
	}
	left := c.active == 0
	d.mu.Unlock()
	for _, m := range last {
		d.giveBack(m)
	}
	for _, u := range forgotten { // nobody waits for their replies
		if u.claim() {
			u.M.finish()
		}
	}
	if left {
		c.wakeTeardown()
	}
	c.purgeIfLost()
}
