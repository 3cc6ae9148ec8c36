package engine

import (
	"errors"
	"fmt"

	"github.com/seed-eedd8485/lpc/internal/channel"
	"github.com/seed-eedd8485/lpc/internal/pool"
	"github.com/seed-eedd8485/lpc/wire"
)

// body is a message's body as it crosses: rounded up to 4 bytes, the last short of which
// are not counted.
func (q *Native) body() (data []byte, short int) {
	n := int(q.DataLength)
	r := wire.Fours(n)
	return q.Body[:r], r - n
}

// extra is what a slot's header has no place for: the data-info array's offset, and how
// much larger TotalLength is than header and data.
func (q *Native) extra() uint32 {
	return uint32(q.DataInfoOffset) | uint32(q.TotalLength-q.DataLength-wire.HeaderSize)<<16
}

// checkExtra holds what extra gave at the other end, for n bytes of data, against what a
// message can have: the lengths are the program's, which may send them on.
func (c *Conn) checkExtra(n int, extra uint32) error {
	offset, total := int(uint16(extra)), wire.HeaderSize+n+int(extra>>16)
	if total > c.MaxLength() && extra>>16 != 0 || offset != 0 && (offset < wire.HeaderSize || offset > wire.HeaderSize+n) {
		return fmt.Errorf("%w: a message of %d bytes of data with TotalLength %d and DataInfoOffset %d; the port's MaxMessageLength is %d", ErrProtocol, n, total, offset, c.MaxLength())
	}
	return nil
}

var nameNtRequest = named("NtRequestWaitReplyPort")

// Request sends q through the connection and waits until th is answered. The answer, in
// dst, is a reply, or a callback (its type is TypeRequest): th then answers it with
// ReplyWait, and waits on. noImpersonate: the receiver may not act as th for it.
func (c *Conn) Request(th *Thread, q *Native, noImpersonate bool, dst *Native) error {
	err := th.begin()
	if err == nil {
		err = c.request(th, q, noImpersonate, dst)
		th.leave()
	}
	return err
}

func (c *Conn) request(th *Thread, q *Native, noImpersonate bool, dst *Native) error {
	if err := c.Err(); err != nil {
		return err
	}
	slot, alone, err := c.take(th)
	if err != nil {
		return err
	}
	id := c.messageID(c.out.Reserve(slot))
	req := channel.Request{MessageID: id, Thread: uint32(th.cid.UniqueThread), NoImpersonate: noImpersonate, Callback: uint64(q.extra()) << 32}
	req.Data, req.Short = q.body()
	o := outstanding{c: c, slot: slot, alone: alone, id: id}
	if q.DataInfoOffset != 0 {
		o.data = captureRanges(q)
	}
	return th.post(&o, &req, dst)
}

// unsent tells why th may not send through c, if it may not.
func (c *Conn) unsent(th *Thread) error {
	if th.Exiting() {
		return ErrExiting
	}
	return c.Err()
}

// farewell reads what the other end said on the socket before it left; the error is why
// the connection has ended, if it has.
func (c *Conn) farewell() error {
	c.ready()
	return c.Err()
}

// take takes a slot for a request.
func (c *Conn) take(th *Thread) (slot int, alone bool, err error) {
	if slot, alone, err = c.out.Take(th.ctx); err != nil {
		return 0, false, fmt.Errorf("%w: %w", ErrNotSent, fromChannel(err))
	}
	if c.out.Left() {
		if err = c.farewell(); err != nil {
			c.out.Release(slot)
			err = fmt.Errorf("%w: %w", ErrNotSent, err)
		}
	}
	return slot, alone, err
}

// ErrNotSent: a request could not be sent, which is why nobody answers it.
var ErrNotSent = errors.New("not sent")

// Callback sends q to the thread that waits for the reply to u, the request that q names
// by its ClientId and MessageId, and waits until th is answered.
func (c *Conn) Callback(th *Thread, u Use, q *Native, noImpersonate bool, dst *Native) error {
	if err := th.begin(); err != nil {
		return err
	}
	defer th.leave()
	if c.Err() != nil { // as when its messages have been forgotten, a moment later
		return missing(q.ClientID)
	}
	if !u.Live() || !u.M.in.Reply || !u.C.out.Use(func() bool { return u.C.recv.Waiting(u.M.in.Slot, u.M.in.Gen) }) {
		return ErrMismatch
	}
	if was := u.M.back.Load(); was == u.N+1 || !u.M.back.CompareAndSwap(was, u.N+1) {
		return ErrMismatch // it is called back already
	}
	defer u.M.back.CompareAndSwap(u.N+1, 0)
	target := uint32(u.M.rec.Request.ClientID.UniqueThread)
	slot, alone, err := c.take(th)
	if err != nil {
		return err
	}
	c.out.Reserve(slot)
	req := channel.Request{MessageID: u.ID(), Thread: uint32(th.cid.UniqueThread), NoImpersonate: noImpersonate, Callback: uint64(c.proc.nextID()) | uint64(target)<<32}
	req.Data, req.Short = q.body()
	return th.post(&outstanding{c: c, slot: slot, alone: alone, id: u.ID()}, &req, dst)
}

// post sends a request in the place that was reserved for it and waits.
func (t *Thread) post(o *outstanding, req *channel.Request, dst *Native) error {
	c := o.c
	t.awaits(o) // before the post: a callback may come at once
	c.out.Post(o.slot, req)
	var p *parent
	if t.cur.Live() {
		t.parent = parent{addr: t.cur.M.addr, id: t.cur.ID()}
		p = &t.parent
	}
	t.waits(c, o.id, o.slot, c.out.Generation(o.slot), p, nameNtRequest, len(req.Data)-req.Short)
	t.rec.ParentKnown = 1 // a thread knows what it serves
	return t.wait(dst)
}

// awaits makes o what t waits for: until the wait is over, and untouched is called, the
// memory that o lists, and no other, is what a receiver may touch.
func (t *Thread) awaits(o *outstanding) {
	t.out = *o
	if len(o.data) > 0 {
		t.mu.Lock()
		t.ranges, t.rangesOf, t.rangesID = o.data, o.c, o.id
		t.mu.Unlock()
	}
	t.id.Store(o.id)
}

// wait waits for the answer to t.out.
func (t *Thread) wait(dst *Native) error {
	o := &t.out
	c := o.c
	var err error
	for waits := true; ; {
		if t.Exiting() && t.id.CompareAndSwap(o.id, 0) { // Exit has found no id, and broken nothing off
			t.giveUp(o, err)
			return ErrExiting
		}
		if waits {
			err = c.out.Wait(&t.intr, o.slot, o.alone, nil, &t.rec.WaitStart)
		}
		if t.id.CompareAndSwap(o.id, 0) {
			break
		}
		u := <-t.delivered
		t.intr.Clear()
		broken := errors.Is(err, channel.ErrInterrupted) // else the reply came first, or the end
		switch {
		case t.given != nil: // a thread of this process has replied in the other end's place
			*dst, t.given = *t.given, nil
			t.giveUp(o, err)
			return nil
		case t.Exiting():
			if u.M != nil {
				_ = u.status(wire.StatusMismatch)
			}
			t.giveUp(o, err)
			return ErrExiting
		case u.M == nil: // it was for a wait through another connection
		case u.M.in.Control:
			t.sayWho(u) // nobody but this thread can
		case !broken:
			_ = u.status(wire.StatusMismatch)
		default:
			t.resumes()
			if u.M.d.hold(u, t, dst) {
				t.untouched(o)
				t.outs = append(t.outs, *o)
				return nil
			} // else the connection has ended meanwhile
		}
		t.id.Store(o.id)
		waits = broken
	}
	t.resumes()
	t.untouched(o)
	if err != nil {
		if err = fromChannel(err); errors.Is(err, ErrProtocol) {
			c.fail(err)
		}
		return err
	}
	return t.answered(o, dst)
}

// giveUp ends a wait, of which err is what came, without the other end's reply.
func (t *Thread) giveUp(o *outstanding, err error) {
	t.resumes()
	t.untouched(o)
	if err == nil || errors.Is(err, channel.ErrInterrupted) {
		t.drop(o)
	}
}

// untouched ends what awaits began: it returns when nobody copies from or to the memory
// that o lists, and nobody will. Who copies holds t.mu, and has found the ranges there.
func (t *Thread) untouched(o *outstanding) {
	if len(o.data) > 0 {
		t.mu.Lock()
		t.ranges, t.rangesOf, t.rangesID = nil, nil, 0
		t.mu.Unlock()
	}
}

// answered reads the reply that stands in the slot, and gives the slot back.
func (t *Thread) answered(o *outstanding, dst *Native) error {
	c := o.c
	var res channel.Result
	defer c.out.Release(o.slot)
	if err := c.out.Result(o.slot, &res); err != nil {
		err = fromChannel(err)
		c.fail(err)
		return err
	}
	if res.HasInfo {
		err := tooLarge("reply", int(min(res.Info.DataLength, 1<<40)), wire.MaxInline, "the native API's limit")
		c.out.Consumed(o.slot)
		return err
	}
	if res.Status != wire.StatusOK {
		var text [wire.MaxInline]byte
		c.out.Inline(o.slot, text[:], res.Length)
		return statusError(res.Status, text[:res.Length])
	}
	thread, extra := c.out.Sender(o.slot)
	if err := c.checkExtra(res.Length, extra&^0xffff); err != nil { // a reply has no data-info, whatever its header says
		c.fail(err)
		return err
	}
	dst.PortMessage = wire.PortMessage{
		DataLength: uint16(res.Length), TotalLength: uint16(res.Length) + wire.HeaderSize + uint16(extra>>16), Type: wire.TypeReply,
		ClientID: wire.ClientID{UniqueProcess: c.peerPID, UniqueThread: uint64(thread)}, MessageID: o.id,
	}
	n := wire.Fours(res.Length)
	c.out.Inline(o.slot, dst.Body[:n], n)
	touch(c)
	return nil
}

// replyHere gives a thread of this process that waits through a connection its reply, in
// the place of the other end: its fellows may (lpc reference e.3, P == W.ConnectedPort).
// false: there is no such thread.
func (t *Thread) replyHere(via Object, q *Native) bool {
	w := localThread(q.ClientID.UniqueThread)
	if w == nil || w.cid != q.ClientID || !w.id.CompareAndSwap(q.MessageID, 0) {
		return false
	}
	o := w.out
	its := o.c != nil && via.related(o.c) && o.c.out.Pending(o.slot)
	if its {
		w.given = new(Native)
		t.answer(q, w.given)
	}
	w.intr.Set()
	w.delivered <- Use{}
	o.c.out.Interrupt(o.slot)
	return its
}

// drop gives an outstanding request up.
func (t *Thread) drop(o *outstanding) {
	if o.c.out.Abandon(o.slot) == nil {
		o.c.out.Release(o.slot) // its reply was there
	}
}

// deliverCallback gives a callback to the thread of this process that waits for id through c;
// false: there is none. It is called by who receives.
func deliverCallback(c *Conn, u Use, number uint64, id uint32) bool {
	t := localThread(number)
	if t == nil || id == 0 || !t.id.CompareAndSwap(id, 0) {
		return false
	}
	o := t.out // t does not change it before it has what we deliver
	its := o.c == c
	if !its {
		u = Use{}
	}
	t.intr.Set()
	t.delivered <- u
	o.c.out.Interrupt(o.slot)
	return its
}

// hold makes a request that was delivered t's, like one that it received; false: its
// connection has ended.
func (d *dispatcher) hold(u Use, t *Thread, dst *Native) bool {
	m := u.M
	d.mu.Lock()
	defer d.mu.Unlock()
	if !u.Live() {
		return false
	}
	m.rec.State, m.rec.ServerThread, m.rec.ServeTime = pool.MessageServed, t.addr, channel.Ticks()
	dst.fill(m)
	t.received(m)
	t.cur, t.rec.Serving = u, m.addr
	return true
}

// SendNative sends q as a datagram. It does not wait: ErrQuota when the other end has not
// taken those sent before.
func (c *Conn) SendNative(th *Thread, q *Native, noImpersonate bool) error {
	if err := c.unsent(th); err != nil {
		return err
	}
	if c.out.HasLeft() {
		if err := c.farewell(); err != nil {
			return err
		}
	}
	req := channel.Request{MessageID: c.proc.nextID(), Thread: uint32(th.cid.UniqueThread), NoImpersonate: noImpersonate, Callback: uint64(q.extra()) << 32}
	req.Data, req.Short = q.body()
	return c.sendNow(&req)
}

func (c *Conn) sendNow(req *channel.Request) error {
	err := c.out.Send(&never, req)
	touch(c)
	if errors.Is(err, channel.ErrInterrupted) {
		return errFull
	}
	return fromChannel(err)
}

var errFull = fmt.Errorf("%w: the other end has not taken the datagrams sent before", ErrQuota)

// never is the context of who does not wait.
var never = func() (i channel.Interrupt) { i.Set(); return }()
