package engine

import (
	"context"
	"errors"
	"fmt"

	"github.com/seed-eedd8485/lpc/internal/channel"
	"github.com/seed-eedd8485/lpc/internal/pool"
	"github.com/seed-eedd8485/lpc/section"
	"github.com/seed-eedd8485/lpc/wire"
)

// A Buffer is section memory in a program's hands.
type Buffer struct {
	c *Conn
	r *region
	n int
}

// Bytes is the memory: it may be written until the call, and holds what stands
// there after it.
func (b *Buffer) Bytes() []byte {
	if b.r == nil {
		return nil
	}
	return b.r.bytes()[:b.n]
}

// Release gives the memory back. Bytes must not be used any more.
func (b *Buffer) Release() {
	if b.r != nil {
		b.r.Release()
		b.r = nil
	}
}

// Alloc gives n bytes of section memory.
func (c *Conn) Alloc(ctx context.Context, n int) (*Buffer, error) { return c.AllocTag(ctx, n, c.tag) }

// AllocTag is Alloc with a tag.
func (c *Conn) AllocTag(ctx context.Context, n int, tag pool.Tag) (*Buffer, error) {
	if n < 0 || n > c.maxMessage {
		return nil, tooLarge("buffer", n, c.maxMessage, "the connection's limit")
	}
	if err := c.Err(); err != nil {
		return nil, err
	}
	r, err := c.sections.acquire(ctx, c, max(n, 1), tag)
	if err != nil {
		return nil, err
	}
	return &Buffer{c: c, r: r, n: n}, nil
}

// A Reply is what CallBuffer gives: a view of the reply where it stands.
type Reply struct {
	data []byte
	c    *Conn
	slot int // held until Release; -1: none
}

// Data is the reply. shared: it stands in section memory that the peer can change.
func (r *Reply) Data() (data []byte, shared bool) { return r.data, r.c != nil }

// Release gives the view up; Data must not be used any more.
func (r *Reply) Release() {
	if r.c == nil {
		return
	}
	if r.slot >= 0 {
		r.c.out.Consumed(r.slot)
		r.c.out.Release(r.slot)
	}
	r.c.sections.giveUp()
	*r = Reply{}
}

// A call is one call's way through; it lives on its caller's stack.
type call struct {
	c      *Conn
	th     *thread
	id     uint32
	req    channel.Request
	region *region // with the request's data, taken for this call
	slot   int
	res    channel.Result
}

// CallInto calls and copies the reply to buf. n is the reply's size; with a buf
// that is too small nothing is copied and the error is ErrTooLarge.
func (c *Conn) CallInto(ctx context.Context, data, buf []byte) (id uint32, n int, err error) {
	var k call
	if err := k.start(ctx, c, nameCall, data, nil, 0); err != nil {
		c.failed(ctx, k.id, err)
		return k.id, 0, err
	}
	src, shared, err := k.reply()
	if err == nil {
		if n = k.length(); n > len(buf) {
			err = tooLarge("reply", n, len(buf), "the caller's buffer")
		} else if shared != nil {
			err = section.Guard(func() { section.Copy(buf, src) })
		} else {
			c.out.Inline(k.slot, buf, n)
		}
	}
	k.done(shared)
	if err != nil {
		c.failed(ctx, k.id, err)
	}
	return k.id, n, err
}

// Call calls and returns a copy of the reply.
func (c *Conn) Call(ctx context.Context, data []byte) (id uint32, reply []byte, err error) {
	return c.callCopy(ctx, nameCall, data, nil, 0)
}

func (c *Conn) callCopy(ctx context.Context, name *callName, data []byte, p *parent, callback uint64) (id uint32, reply []byte, err error) {
	var k call
	if err := k.startAs(ctx, c, name, data, nil, p, callback); err != nil {
		c.failed(ctx, k.id, err)
		return k.id, nil, err
	}
	src, shared, err := k.reply()
	if err == nil {
		reply = make([]byte, k.length())
		if shared != nil {
			err = section.Guard(func() { section.Copy(reply, src) })
		} else {
			c.out.Inline(k.slot, reply, len(reply))
		}
	}
	k.done(shared)
	if err != nil {
		c.failed(ctx, k.id, err)
		return k.id, nil, err
	}
	return k.id, reply, nil
}

// CallBuffer calls with data that stands in a buffer and returns a view of the
// reply. The buffer stays the caller's; the reply may stand in it.
func (c *Conn) CallBuffer(ctx context.Context, b *Buffer) (id uint32, r Reply, err error) {
	if b.c != c || b.r == nil {
		return 0, Reply{}, fmt.Errorf("calling with a buffer of another connection, or one that was released")
	}
	var k call
	if err := k.start(ctx, c, nameBuffer, nil, b.r, b.n); err != nil {
		c.failed(ctx, k.id, err)
		return k.id, Reply{}, err
	}
	src, shared, err := k.reply()
	switch {
	case err != nil:
		k.done(shared)
		c.failed(ctx, k.id, err)
		return k.id, Reply{}, err
	case shared == nil:
		data := make([]byte, k.length())
		c.out.Inline(k.slot, data, len(data))
		k.done(nil)
		return k.id, Reply{data: data, slot: -1}, nil
	}
	r = Reply{data: src, c: c, slot: -1}
	c.sections.lend()
	if shared == b.r {
		k.done(nil)
	} else {
		r.slot = k.slot
		k.leave() // the slot is held until Release
	}
	return k.id, r, nil
}

// Callback calls the client of a message while that client waits for its reply.
func (u Use) Callback(ctx context.Context, data []byte) (uint32, []byte, error) {
	if !u.Live() || !u.M.in.Reply {
		return 0, nil, ErrReplied
	}
	c := u.C
	if !c.serves {
		return 0, nil, ErrNoHandler
	}
	if !c.recv.Waiting(u.M.in.Slot, u.M.in.Gen) {
		return 0, nil, ErrAbandoned
	}
	// As in NT it has the request's MessageId, and names the thread that waits for it.
	target := u.M.rec.Request.ClientID.UniqueThread
	return c.callCopy(ctx, nameCallback, data, u.parent(), uint64(c.proc.nextID())|target<<32)
}

func (k *call) start(ctx context.Context, c *Conn, name *callName, data []byte, r *region, n int) error {
	return k.startAs2(ctx, c, name, data, r, n, parentOf(ctx), 0)
}

func (k *call) startAs(ctx context.Context, c *Conn, name *callName, data []byte, r *region, p *parent, callback uint64) error {
	if p == nil {
		p = parentOf(ctx)
	}
	return k.startAs2(ctx, c, name, data, r, 0, p, callback)
}

// startAs2 sends the request and waits. With an error there is nothing to undo.
func (k *call) startAs2(ctx context.Context, c *Conn, name *callName, data []byte, r *region, n int, p *parent, callback uint64) (err error) {
	k.c = c
	if r == nil {
		n = len(data)
	}
	if n > c.maxMessage {
		return tooLarge("request", n, c.maxMessage, "the connection's limit")
	}
	if err := ctx.Err(); err != nil {
		return context.Cause(ctx)
	}
	if r == nil && n > wire.MaxInline {
		if r, err = c.sections.acquire(ctx, c, n, c.tag); err != nil {
			return err
		}
		k.region = r
		section.Copy(r.bytes(), data)
	}
	slot, alone, err := c.out.Take(ctx)
	if err != nil {
		k.putRegion()
		return fromChannel(err)
	}
	if k.th, err = c.thread(slot); err != nil {
		c.out.Release(slot)
		k.putRegion()
		return err
	}
	k.slot = slot
	if c.trace == nil {
		if k.id = c.messageID(c.out.Reserve(slot)); callback != 0 {
			k.id = p.id
		}
	} else { // told before it is sent, and not between its reservation and its post
		if k.id = c.proc.nextID(); callback != 0 {
			k.id = p.id
		}
		k.req.Callback = callback
		emit(c.trace, Event{What: k.event(), Port: c.name, MsgID: k.id, Peer: c.peer, Bytes: n, Section: r != nil})
		c.out.Reserve(slot)
	}
	k.req = channel.Request{Thread: uint32(k.th.rec.Cid.UniqueThread), MessageID: k.id, Callback: callback, Data: data}
	if r != nil {
		k.req.HasInfo, k.req.Info = true, r.info(n)
	}
	c.out.Post(slot, &k.req)
	if !c.proc.bare {
		k.th.waits(c, k.id, slot, c.out.Generation(slot), p, name, n) // while the request is on its way
	}
	if c.proc.stacks.on {
		c.waiting[slot] = k.th // for attach's hook, on this goroutine
	}
	if p != nil && c.deadlock != nil {
		var stop func()
		ctx, stop = c.watchDeadlock(ctx, k.th, k.id)
		defer stop()
	}
	if err = c.out.Wait(ctx, slot, alone, k.cleanup(), &k.th.rec.WaitStart); err != nil {
		k.th.resumes()
		threads.Put(k.th) // the slot is not ours any more
		if err = fromChannel(err); errors.Is(err, ErrProtocol) {
			c.fail(err)
		}
		return err
	}
	return nil
}

// messageID makes a MessageId of a request's place in the connection's order. Each
// connection begins at random.
func (c *Conn) messageID(pos uint32) uint32 {
	if id := c.firstID + pos; id != 0 {
		return id
	}
	return 1 << 31
}

// nearSlots: so many slots keep their caller's thread record.
const nearSlots = 4

// thread is the thread record for the caller that holds a slot.
func (c *Conn) thread(slot int) (*thread, error) {
	if slot < nearSlots {
		if t := c.threads[slot]; t != nil {
			c.threads[slot] = nil
			return t, nil
		}
	}
	return c.proc.thread()
}

// giveThread keeps a record for the next caller. The slot is still held.
func (c *Conn) giveThread(slot int, t *thread) {
	if slot < nearSlots {
		c.threads[slot] = t
	} else {
		threads.Put(t)
	}
}

// cleanup is what to do when a call was given up and its request's memory comes
// free at last.
func (k *call) cleanup() channel.Releaser {
	if k.region == nil {
		return nil // not a nil *region in an interface
	}
	return k.region
}

func (c *Conn) direction() uint32 {
	if c.server {
		return 1
	}
	return 0
}

func (k *call) putRegion() {
	if k.region != nil {
		k.region.Release()
		k.region = nil
	}
}

// reply reads the reply's header: where larger data stands (shared is then its
// region), or nil for inline data.
func (k *call) reply() (src []byte, shared *region, err error) {
	c := k.c
	if err := c.out.Result(k.slot, &k.res); err != nil {
		err = fromChannel(fmt.Errorf("%w: %w", ErrProtocol, err))
		c.fail(err)
		return nil, nil, err
	}
	if k.res.HasInfo {
		if src, shared, err = c.replyView(&k.res.Info); err != nil {
			c.fail(err)
			return nil, nil, err
		}
	}
	if k.res.Status != wire.StatusOK {
		var text [wire.MaxInline]byte
		c.out.Inline(k.slot, text[:], k.res.Length)
		if err = answered(k.res.Status, text[:k.res.Length], k.req.Callback != 0); errors.Is(err, ErrProtocol) {
			c.fail(err)
		}
	}
	if c.trace != nil {
		emit(c.trace, Event{What: "reply", Port: c.name, MsgID: k.id, Peer: c.peer, Bytes: k.length(), Section: shared != nil, Err: err})
	}
	return src, shared, err
}

func (k *call) length() int {
	if k.res.HasInfo {
		return int(k.res.Info.DataLength)
	}
	return k.res.Length
}

// replyView finds a reply in its section. One that the server made for it is on
// its way in the control socket before the reply is published: it is read here if
// the poller has not come to it.
func (c *Conn) replyView(d *wire.DataInfo) ([]byte, *region, error) {
	if d.DataLength > uint64(c.maxMessage) {
		return nil, nil, fmt.Errorf("%w: reply of %d bytes, the connection's limit is %d", ErrProtocol, d.DataLength, c.maxMessage)
	}
	r, off, err := c.sections.find(d.Base, d.DataLength)
	if err != nil && !c.server {
		c.ready()
		r, off, err = c.sections.find(d.Base, d.DataLength)
	}
	if err != nil {
		return nil, nil, err
	}
	return r.bytes()[off : off+d.DataLength], r, nil
}

// done ends the call: the slot, the thread and the request's memory are given back.
func (k *call) done(shared *region) {
	if shared != nil && !shared.mine {
		k.c.out.Consumed(k.slot)
	}
	k.leave()
	k.c.out.Release(k.slot)
}

func (k *call) leave() {
	k.th.resumes()
	k.c.giveThread(k.slot, k.th)
	k.putRegion()
	touch(k.c)
}

func (k *call) event() string {
	if k.req.Callback != 0 {
		return "callback"
	}
	return "call"
}

// Send sends a datagram.
func (c *Conn) Send(ctx context.Context, data []byte) (id uint32, err error) {
	if id, err = c.send(ctx, data); err != nil {
		c.failed(ctx, id, err)
	}
	return id, err
}

func (c *Conn) send(ctx context.Context, data []byte) (id uint32, err error) {
	if len(data) > c.maxMessage {
		return 0, tooLarge("datagram", len(data), c.maxMessage, "the connection's limit")
	}
	if err := ctx.Err(); err != nil {
		return 0, context.Cause(ctx)
	}
	req := channel.Request{MessageID: c.proc.nextID(), Data: data}
	if c.trace != nil {
		emit(c.trace, Event{What: "datagram", Port: c.name, MsgID: req.MessageID, Peer: c.peer, Bytes: len(data), Section: len(data) > wire.MaxInline})
	}
	if len(data) <= wire.MaxInline {
		err = c.out.Send(ctx, &req)
		touch(c)
		return req.MessageID, fromChannel(err)
	}
	r, err := c.sections.acquire(ctx, c, len(data), c.tag)
	if err != nil {
		return req.MessageID, err
	}
	section.Copy(r.bytes(), data)
	req.HasInfo, req.Info, req.Data = true, r.info(len(data)), nil
	if err = c.out.SendDetached(ctx, &req, r); err != nil {
		r.Release()
	}
	touch(c)
	return req.MessageID, fromChannel(err)
}

// SendBuffer sends a buffer as a datagram. The buffer is the engine's from then
// on, also when it fails.
func (c *Conn) SendBuffer(ctx context.Context, b *Buffer) (id uint32, err error) {
	if b.c != c || b.r == nil {
		return 0, fmt.Errorf("sending a buffer of another connection, or one that was released")
	}
	r := b.r
	b.r = nil
	req := channel.Request{MessageID: c.proc.nextID(), HasInfo: true, Info: r.info(b.n)}
	if err = fromChannel(c.out.SendDetached(ctx, &req, r)); err != nil {
		r.Release()
		c.failed(ctx, req.MessageID, err)
	}
	touch(c)
	return req.MessageID, err
}

// locate finds the section that a received message's data stands in.
func (c *Conn) locate(m *Message) error {
	d := m.in.Info
	if d.Count != 1 || d.DataLength > uint64(c.maxMessage) {
		return fmt.Errorf("%w: message with %d data entries of %d bytes, want 1 of at most %d", ErrProtocol, d.Count, d.DataLength, c.maxMessage)
	}
	r, off, err := c.sections.find(d.Base, d.DataLength)
	if err != nil && !c.server {
		c.ready()
		r, off, err = c.sections.find(d.Base, d.DataLength)
	}
	if err != nil {
		return err
	}
	if r.mine {
		return fmt.Errorf("%w: request in section %d, in which the other end does not allocate", ErrProtocol, r.number)
	}
	m.region, m.view = r, r.bytes()[off:off+d.DataLength]
	m.rec.SectionAddress, m.rec.SectionLength = d.Base, d.DataLength
	return nil
}

// mustFinish gives back a message that was never delivered.
func (c *Conn) mustFinish(m *Message) {
	m.use.Add(1)
	m.conn, m.region, m.view = nil, nil, nil
	m.rec.State = pool.MessageFree
	m.d.giveBack(m)
}
