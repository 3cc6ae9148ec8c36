package engine

import (
	"errors"
	"sync/atomic"
	"time"

	"github.com/seed-eedd8485/lpc/internal/channel"
	"github.com/seed-eedd8485/lpc/internal/pool"
	"github.com/seed-eedd8485/lpc/wire"
)

// What Receive gives besides a message.
var (
	ErrTimeout = errors.New("nothing came in time")
	ErrExiting = errors.New("thread is terminating")
)

// receiveFor gives the port's next message to th: its header and data go to dst. check
// is asked before each wait whether th may still receive. A request stays th.cur.
func (d *dispatcher) receiveFor(th *Thread, limit Limit, check func() error, dst *Native) (context uint64, err error) {
	if err = th.begin(); err == nil {
		context, err = d.next(th, limit, check, dst)
		th.leave()
	}
	return context, err
}

func (d *dispatcher) next(th *Thread, limit Limit, check func() error, dst *Native) (context uint64, err error) {
	ro := d.resume(th)
	for {
		if ro == nil || d.waiting.Load() {
			m, done, err := d.fromQueue(th, &ro, check, dst)
			if m != nil {
				return d.hand(m, th, dst), nil
			}
			if done || err != nil {
				d.settleEvent()
				return 0, err
			}
		}
		if ro == nil { // another thread receives
			if limit.Passed() {
				return 0, ErrTimeout
			}
			if ro = d.await(th, limit, false); ro == nil {
				continue
			}
		}
		m := d.lookNative(ro, th)
		if m != nil {
			return d.hand(m, th, dst), nil
		}
		if d.waiting.Load() {
			continue
		}
		if limit.Passed() {
			if d.quit() {
				return 0, ErrTimeout
			}
			continue
		}
		if !d.restNative(th, limit) {
			ro = d.await(th, limit, true)
		}
	}
}

// resume takes up the role that th left when it took its last message from here.
func (d *dispatcher) resume(th *Thread) *role {
	ro := th.role
	th.role = nil
	if ro != nil && th.disp == d && atomic.CompareAndSwapUint32(&ro.state, inHandler, notInline) {
		return ro
	}
	return nil
}

// fromQueue takes the queue's first message, and the role where it is free. With a
// message the role is left to others. done: it was a connection request, and is in dst.
func (d *dispatcher) fromQueue(th *Thread, ro **role, check func() error, dst *Native) (m *Message, done bool, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case *ro != nil:
	case d.role == nil:
		*ro = &role{}
		d.role = *ro
	case atomic.CompareAndSwapUint32(&d.role.state, inHandler, notInline):
		*ro = d.role
	}
	err = check()
	if err == nil && th.Exiting() {
		err = ErrExiting
	}
	if err == nil {
		if m = d.dequeue(); m != nil {
			m.take()
			d.leave(*ro, th)
			if m.pending == nil {
				return m, false, nil
			}
			m.pending.mark(m) // under the lock: its client may go at any time, and the message with it
			dst.fill(m)
			th.received(m)
			return nil, true, nil
		}
	}
	if err != nil {
		if d.over && *ro != nil {
			d.freeSpare()
		}
		d.leave(*ro, nil)
		return nil, false, err
	}
	if *ro != nil {
		d.warm()
		d.waiting.Store(false)
	}
	return nil, false, nil
}

// leave gives the role up: to a thread that waits where there is more to receive, else
// it stays where the next Receive finds it. d.mu is held. th, where not nil, may come
// back for it without the lock.
func (d *dispatcher) leave(ro *role, th *Thread) {
	if ro == nil {
		return
	}
	if len(d.idle) > 0 {
		d.ready(ro)
		return
	}
	d.leaves(ro, channel.Ticks())
	if th != nil {
		th.role, th.disp = ro, d
	}
}

// await parks th until it is given the role (which it returns), or told to look at the
// queue, or the limit has passed: nil. arm: th has the role and gives it up; when
// something has come meanwhile, it keeps it.
func (d *dispatcher) await(th *Thread, limit Limit, arm bool) *role {
	d.mu.Lock()
	switch {
	case arm:
		ro := d.role
		if !d.armLocked() || d.queueLen > 0 {
			d.role = ro
			d.mu.Unlock()
			return ro
		}
	case d.role == nil || d.queueLen > 0 || atomic.LoadUint32(&d.role.state) == inHandler:
		d.mu.Unlock()
		return nil // look again
	}
	d.idle = append(d.idle, &th.work)
	th.rec.WaitReason, th.rec.WaitStart = pool.WaitLpcReceive, channel.Ticks()
	d.mu.Unlock()
	defer func() { th.rec.WaitReason = pool.WaitNone }()
	var passed <-chan time.Time // nil: never
	if !limit.At.IsZero() {
		t := time.NewTimer(limit.Left())
		defer t.Stop()
		passed = t.C
	}
	select {
	case ro := <-th.work.ch:
		return ro
	case <-th.ctx.Done():
	case <-passed:
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for i, w := range d.idle {
		if w == &th.work {
			d.idle = append(d.idle[:i], d.idle[i+1:]...)
			return nil
		}
	}
	return <-th.work.ch // it was readied at the same moment
}

// quit gives the role up for good, all channels armed, when its holder's time has passed;
// false: something has come meanwhile.
func (d *dispatcher) quit() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	ro := d.role
	if !d.armLocked() || d.queueLen > 0 {
		d.role = ro
		d.waiting.Store(true)
		return false
	}
	return true
}

// lookNative looks once at every hot channel for a message. Only the role's holder
// calls it; with a message it has left the role.
func (d *dispatcher) lookNative(ro *role, th *Thread) *Message {
	for looks := len(d.hot); looks > 0 && len(d.hot) > 0; {
		if d.at >= len(d.hot) {
			d.at, d.row = 0, 0
		}
		c := d.hot[d.at]
		if d.spare == nil {
			if d.spare = d.record(); d.spare == nil {
				return nil // no memory for a record: later
			}
		}
		m := d.spare
		ok, err := c.recv.Next(&m.in)
		if err != nil {
			c.fail(fromChannel(err))
		}
		if ok && c.ended() {
			if c.visits++; c.visits > lastMessages {
				ok = false // who goes on writing is not read for ever
			}
		}
		if ok {
			if d.row++; d.row >= inARow {
				d.at, d.row = d.at+1, 0
			}
			d.spare = nil
			if d.takes(c, m, ro, th) {
				return m
			}
			continue
		}
		if c.recv.Hold(c.full.Load()); c.recv.Lag() > 0 {
			c.recv.Publish()
		}
		looks--
		if c.ended() {
			d.retireNative(d.at)
		} else {
			d.at, d.row = d.at+1, 0
		}
	}
	return nil
}

// lastMessages: so many are read of a connection that has ended, a ring of them.
const lastMessages = 256

// takes stamps a message that came off a ring; false: it is not for a receiver, and was
// dealt with. With true the role is left; it stays th's to come back for. A nil th is the
// pump, which keeps the role and queues the message.
func (d *dispatcher) takes(c *Conn, m *Message, ro *role, th *Thread) bool {
	rec, now := m.rec, c.recv.Now()
	m.stamp(c, now)
	if m.in.HasInfo || m.in.Length > c.maxMessage {
		c.mustFinish(m)
		c.fail(tooLarge("message", m.in.Length, c.maxMessage, "the port's limit, which the client was told"))
		return false
	}
	if rec.Request.CallbackID == 0 && !m.in.Control {
		if err := c.checkExtra(m.in.Length, m.in.Extra); err != nil {
			c.mustFinish(m)
			c.fail(err)
			return false
		}
	}
	c.taken()
	if m.in.Control || rec.Request.CallbackID != 0 {
		return d.routed(c, m)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.book(c, m)
	if c.active >= mostActive && !c.full.Load() {
		c.full.Store(true)
		c.recv.Publish() // what was taken before is given back
		c.recv.Hold(true)
	}
	d.spare = d.popFree()
	if th != nil {
		m.take()
	} else {
		d.enqueue(m)
		d.wakeNative()
		return true
	}
	if len(d.idle) > 0 && (len(d.hot) > 1 || len(d.pending) > 0 || d.queueLen > 0 || c.recv.More()) {
		d.ready(ro)
	} else {
		d.leaves(ro, now)
		th.role, th.disp = ro, d
	}
	return true
}

// hand gives a message that was taken to th, which has it from now on, and its context.
func (d *dispatcher) hand(m *Message, th *Thread, dst *Native) (context uint64) {
	rec := m.rec
	context = rec.PortContext
	rec.ServeTime, rec.ServerThread = channel.Ticks(), th.addr
	dst.fill(m)
	th.received(m)
	u := Use{m, m.given, m.conn}
	if m.in.Reply && m.conn != nil && !m.conn.over.Load() {
		rec.State = pool.MessageServed
		th.cur, th.rec.Serving = u, m.addr
		if m.stage.CompareAndSwap(stageTaken, stageHeld) {
			d.settleEvent()
			return context
		}
		th.rec.Serving = 0 // its connection has ended just now
	}
	if u.claim() { // a reply is not wanted, or nobody waits for it any more
		m.finish()
	}
	d.settleEvent()
	return context
}

// Stages of a request that a thread receives.
const (
	stageNone     = 0
	stageTaken    = 1 // off the ring or the queue, on its way to its thread
	stageHeld     = 2 // a thread has it, or waits for it as a callback
	stageOrphaned = 3 // taken, and its connection has ended: the thread gives it back
)

// take begins to give a message to a thread. d.mu is held.
func (m *Message) take() {
	m.given = m.use.Load()
	m.stage.Store(stageTaken)
	m.d.chainData(m)
}

// fill copies a received message to where its thread wants it.
func (q *Native) fill(m *Message) {
	q.PortMessage = m.rec.Request
	q.Type &= wire.TypeMask
	if q.CallbackID == 0 || m.pending != nil { // a callback has the thread that it is for in that place
		q.DataInfoOffset = uint16(m.in.Extra)
		q.TotalLength += uint16(m.in.Extra >> 16)
	}
	n := wire.Fours(int(q.DataLength))
	copy(q.Body[:n], m.rec.Data[:n])
}

// received writes down what the thread has received last.
func (t *Thread) received(m *Message) {
	t.rec.LpcReceivedMessageID = m.rec.Request.MessageID
	t.rec.SameThreadApcFlags |= pool.ThreadReceivedValid
	t.rec.Serving = 0
}

// restNative is what the role's holder does when nothing came: it polls on or sleeps;
// false: it should park.
func (d *dispatcher) restNative(th *Thread, limit Limit) bool {
	if len(d.hot) != 1 {
		if len(d.hot) > 1 && th.quiet < quietRounds {
			th.quiet++
			yield()
			return true
		}
		th.quiet = 0
		return false
	}
	c := d.hot[0]
	if c.recv.Spin(d.calmly) {
		return true
	}
	most := futexAtMost
	if !limit.At.IsZero() {
		most = min(most, limit.Left())
	}
	return most <= 0 || d.sleepFor(c, th.thread, most)
}

func (d *dispatcher) calmly() bool { return !d.waiting.Load() }

// wakeNative has a thread that waits in Receive, or the one that polls, look at the
// queue. d.mu is held.
func (d *dispatcher) wakeNative() {
	d.waiting.Store(true)
	switch {
	case len(d.idle) > 0:
		d.ready(nil)
	case d.sleepsOn != nil:
		d.kick(d.sleepCount)
	}
	d.signal()
}

// wakeAllNative has every thread in Receive look whether it may go on.
func (d *dispatcher) wakeAllNative() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.waiting.Store(true)
	d.readyAll()
	if d.sleepsOn != nil {
		d.kick(d.sleepCount)
	}
}

// readyAll wakes every thread that is parked in Receive. d.mu is held.
func (d *dispatcher) readyAll() {
	for len(d.idle) > 0 {
		d.ready(nil)
	}
}
