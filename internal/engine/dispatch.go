package engine

import (
	"context"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed-eedd8485/lpc/internal/channel"
	"github.com/seed-eedd8485/lpc/internal/failpoint"
	"github.com/seed-eedd8485/lpc/internal/pool"
	"github.com/seed-eedd8485/lpc/wire"
)

// A Handler gets each message; it replies, or defers the reply, or lets go.
type Handler func(Use)

// A dispatcher receives for one port: a connection port receives for all its
// connections, a client communication port for itself.
type dispatcher struct {
	proc    *process
	rec     *pool.PortObject
	addr    pool.Addr
	most    int // handlers at once
	trace   func(Event)
	port    string      // for events and errors
	waiting atomic.Bool // something besides the hot channels wants the receiver

	manual bool // threads of the program receive (native.go)
	event  event
	// Of a manual port, the role's holder's:
	at, row int      // which of hot is looked at, and how many messages it has given in a row
	spare   *Message // for the next message

	ended int // of a manual port: connections that have ended and were not retired yet; guarded by mu

	calm atomic.Int32 // below 0: a handler was slow, so many messages less calmAfter ago

	mu         sync.Mutex
	handler    Handler // nil: nobody serves yet
	refusing   wire.Status
	role       *role   // who receives; nil: nobody
	hot        []*Conn // polled by the receiver; only it changes the slice
	pending    []*Conn // to become hot
	sleepsOn   *Conn   // the receiver is in a futex on its channel
	sleepCount uint64
	idle       []*worker
	serving    int  // handlers that run, but for the receiver's own
	looking    bool // a look at a receiver in a handler is under way
	searching  bool // a worker was readied and has not looked at the queue yet
	queueLen   int
	messages   []*Message // all of the port, by Message.Index
	holes      []uint32   // of messages
	free       []*Message
	inProgress int // calls not replied to
	live       int // messages delivered and not finished, but for deferred ones
	stopped    bool
	over       bool          // the port is gone: records are freed
	drained    chan struct{} // closed when stopped and nothing is in progress
}

// A role is one goroutine's time as the receiver.
type role struct {
	// state is written by the receiver (to inHandler under d.mu, back by a
	// compare-and-swap) and by who replaces it (inHandler to replaced, under d.mu):
	// exactly one of the two swaps succeeds.
	state uint32
	began uint64 // ticks at which the last handler was entered; the receiver's, read by who replaces it
	full  bool   // the receiver's own: the connection at hand has mostActive messages
}

// Values of role.state.
const (
	notInline = 0
	inHandler = 1
	replaced  = 2
)

// A worker is a goroutine that runs queued messages, or takes the receiver's role.
type worker struct {
	ch chan *role // nil: run what is queued
}

func newDispatcher(pr *process, rec *pool.PortObject, addr pool.Addr, most int, port string, trace func(Event)) *dispatcher {
	rec.MaxWorkers = uint32(most)
	return &dispatcher{
		proc: pr, rec: rec, addr: addr, most: most, port: port, trace: trace,
		refusing: wire.StatusOK,
	}
}

// serve sets the handler and begins to receive what has come meanwhile.
func (d *dispatcher) serve(h Handler) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.handler != nil || d.stopped {
		return false
	}
	d.handler = h
	d.drained = make(chan struct{})
	if len(d.pending) > 0 {
		d.giveRole()
	}
	return true
}

// stop makes the dispatcher refuse what comes from now on, and tells by the channel
// when the last handler has ended.
func (d *dispatcher) stop() <-chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.drained == nil {
		d.drained = make(chan struct{})
	}
	if !d.stopped {
		d.stopped = true
		d.refusing = wire.StatusShuttingDown
		d.checkDrained()
		for _, w := range d.idle {
			if d.manual {
				w.ch <- nil // a thread's, which has it for good
			} else {
				close(w.ch)
			}
		}
		d.idle = nil
	}
	return d.drained
}

// checkDrained: d.mu is held.
func (d *dispatcher) checkDrained() {
	if d.stopped && d.live == 0 && d.drained != nil {
		select {
		case <-d.drained:
		default:
			close(d.drained)
		}
	}
}

// ring says that a connection has something to receive, or has ended. It is called
// by the poller and never blocks.
func (d *dispatcher) ring(c *Conn) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.ringLocked(c)
}

// ringLocked: d.mu is held.
func (d *dispatcher) ringLocked(c *Conn) {
	if c.retired {
		return // its memory may be gone
	}
	if c.paused && !c.ending {
		return // finish rings
	}
	c.paused = false
	if !c.hot {
		c.hot = true
		d.pending = append(d.pending, c)
	}
	d.waiting.Store(true)
	if d.manual {
		d.rungManual(c)
		return
	}
	if d.handler == nil && d.refusing == wire.StatusOK {
		if c.ending { // nobody serves, so nobody polls
			d.pending = slices.DeleteFunc(d.pending, func(p *Conn) bool { return p == c })
			c.hot, c.retired = false, true
			c.wakeTeardown()
		}
		return
	}
	switch {
	case d.role == nil:
		d.giveRole()
	case atomic.LoadUint32(&d.role.state) == inHandler:
		d.replace()
	case d.sleepsOn != nil:
		d.kick(d.sleepCount)
	}
}

// replace gives the role of a receiver that has been in a handler for slowHandler to
// another goroutine; one that has not is looked at again. d.mu is held.
func (d *dispatcher) replace() {
	ro := d.role
	in := (channel.Ticks() - atomic.LoadUint64(&ro.began)) / channel.TicksPerMicrosecond()
	if in >= slowHandler {
		if atomic.CompareAndSwapUint32(&ro.state, inHandler, replaced) {
			d.calm.Store(-calmAfter)
			d.serving++ // the handler that it sits in is one more beside the new receiver's
			d.giveRole()
		}
		return
	}
	if !d.looking {
		d.looking = true
		time.AfterFunc(time.Duration(slowHandler-in)*time.Microsecond, func() {
			d.mu.Lock()
			defer d.mu.Unlock()
			d.looking = false
			if d.role != nil && atomic.LoadUint32(&d.role.state) == inHandler && (len(d.pending) > 0 || d.role == ro) {
				d.replace()
			}
		})
	}
}

const (
	slowHandler = 20   // µs in a handler: the receiver can be replaced
	calmAfter   = 1024 // messages go to workers after a slow handler, however few are queued
)

// kick ends the receiver's sleep, and comes back if the peer undid it. d.mu is held.
func (d *dispatcher) kick(sleep uint64) {
	d.sleepsOn.recv.Kick()
	time.AfterFunc(time.Millisecond, func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		if d.sleepsOn != nil && d.sleepCount == sleep {
			d.kick(sleep)
		}
	})
}

// giveRole has an idle worker, or a new one, receive. d.mu is held.
func (d *dispatcher) giveRole() {
	d.role = &role{}
	d.ready(d.role)
}

// ready wakes an idle worker or starts one. d.mu is held.
func (d *dispatcher) ready(receive *role) {
	if n := len(d.idle); n > 0 {
		w := d.idle[n-1]
		d.idle = d.idle[:n-1]
		w.ch <- receive
		return
	}
	w := &worker{ch: make(chan *role, 1)}
	go d.work(w, receive)
}

// maxIdle workers stay parked for the next burst.
const maxIdle = 64

// work is a worker's life: the receiver's role or queued messages, then parked.
func (d *dispatcher) work(w *worker, receive *role) {
	th, err := d.proc.thread()
	if err == nil {
		th.receives(d)
		defer threads.Put(th)
		defer func() { th.rec.ServerPort = 0 }()
	} else {
		th = &thread{rec: new(pool.Thread)}
	}
	for {
		if receive != nil && d.receive(receive, th) {
			d.mu.Lock()
			d.serving--
			d.mu.Unlock()
		}
		d.runQueue(th)
		d.mu.Lock()
		if d.queueLen > 0 && d.roomy() {
			d.mu.Unlock()
			receive = nil
			continue
		}
		if len(d.idle) >= maxIdle || d.stopped {
			d.mu.Unlock()
			return
		}
		d.idle = append(d.idle, w)
		th.rec.WaitReason, th.rec.WaitStart = pool.WaitLpcReceive, channel.Ticks()
		d.mu.Unlock()
		var more bool
		if receive, more = <-w.ch; !more {
			return // dismissed by stop
		}
		th.rec.WaitReason = pool.WaitNone
	}
}

// runQueue runs queued messages until there is none.
func (d *dispatcher) runQueue(th *thread) {
	for ran := false; ; ran = true {
		d.mu.Lock()
		if ran {
			d.serving--
		}
		d.searching = false
		var m *Message
		if d.roomy() {
			m = d.dequeue()
		}
		if m == nil {
			d.mu.Unlock()
			return // who serves now looks at the queue when it has done
		}
		d.serving++
		d.searchMore()
		now := channel.Ticks()
		m.rec.ServeTime, m.rec.ServerThread = now, th.addr
		m.rec.State = pool.MessageServed
		h := d.handler
		if d.refusing != wire.StatusOK {
			h = nil
		}
		d.mu.Unlock()
		d.run(h, Use{m, m.use.Load(), m.conn}, th, now)
	}
}

// roomy: one more handler may run. d.mu is held.
func (d *dispatcher) roomy() bool {
	n := d.serving
	if d.role != nil && atomic.LoadUint32(&d.role.state) == inHandler {
		n++
	}
	return n < d.most
}

// searchMore readies one more worker while messages are queued and none is on its
// way: a message never waits behind a handler that blocks. d.mu is held.
func (d *dispatcher) searchMore() {
	if d.queueLen > 0 && !d.searching && d.roomy() {
		d.searching = true
		d.ready(nil)
	}
}

// run hands one message to the handler and ends it where the handler did not.
func (d *dispatcher) run(h Handler, u Use, th *thread, start uint64) {
	m := u.M
	th.serves(m, start)
	if d.trace != nil {
		d.tell(u, m)
	}
	if h == nil {
		s := wire.StatusNoHandler
		if d.refusing != wire.StatusOK {
			s = d.refusing
		}
		u.end(s)
	} else {
		h(u)
		if u.isDeferred() {
			u.leaveDeferred()
		} else {
			u.end(wire.StatusDropped)
		}
	}
	th.served()
	if d.calm.Load() < 0 { // else a slow handler that somebody waits behind is replaced, and that tells
		if channel.Ticks()-start > slowHandler*channel.TicksPerMicrosecond() {
			d.calm.Store(-calmAfter)
		} else {
			d.calm.Add(1)
		}
	}
}

// tell traces a message that is about to be served.
func (d *dispatcher) tell(u Use, m *Message) {
	e := Event{What: "datagram received", Port: d.port, MsgID: u.ID(), Peer: u.C.peer, Bytes: m.size(), Section: m.view != nil}
	switch {
	case u.IsCallback():
		e.What = "callback received"
	case u.WantsReply():
		e.What = "request received"
	}
	emit(d.trace, e)
}

// serves writes down which message a thread serves from now on.
func (t *thread) serves(m *Message, now uint64) {
	failpoint.At(failpoint.HandlerEntered)
	t.rec.LpcReceivedMessageID, t.rec.Serving = m.rec.Request.MessageID, m.addr
	t.rec.SameThreadApcFlags |= pool.ThreadReceivedValid
	m.rec.ServeTime = now
}

// served takes that back.
func (t *thread) served() { t.rec.LpcReceivedMessageID, t.rec.Serving = 0, 0 }

// enqueue puts a message on the port's queue. d.mu is held.
func (d *dispatcher) enqueue(m *Message) {
	m.rec.State = pool.MessageQueued
	d.proc.pool.InsertTail(d.addr+portReceiveHead, m.addr)
	d.queueLen++
	d.rec.QueueLength++
}

// dequeue takes the first message off the port's queue. d.mu is held.
func (d *dispatcher) dequeue() *Message {
	a := d.proc.pool.First(d.addr + portReceiveHead)
	if a == 0 {
		return nil
	}
	d.proc.pool.Remove(a)
	m := d.messages[pool.At[pool.Message](d.proc.pool, a).Index]
	d.queueLen--
	d.rec.QueueLength--
	return m
}

// parentOf is the message that ctx belongs to.
type parentKey struct{}

// WithParent makes calls with the context it returns children of u.
func WithParent(ctx context.Context, u Use) context.Context {
	return context.WithValue(ctx, parentKey{}, u)
}

func parentOf(ctx context.Context) *parent {
	if u, ok := ctx.Value(parentKey{}).(Use); ok && u.Live() {
		return u.parent()
	}
	return nil
}

func yield() { runtime.Gosched() }
