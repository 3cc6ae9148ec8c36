package engine

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"

	"github.com/seed-eedd8485/lpc/internal/channel"
	"github.com/seed-eedd8485/lpc/internal/pool"
	"github.com/seed-eedd8485/lpc/wire"
)

// A Message is a received message. Its record in the pool is the truth; the
// struct belongs to that record for good and is used again with it. Who holds a
// message holds it with the number that it had when it was received: each use has
// its own, so a late reply to an earlier use is told from one to this.
type Message struct {
	rec  *pool.Message
	addr pool.Addr
	d    *dispatcher
	in   channel.Message

	conn     *Conn
	use      atomic.Uint64 // this use's number; changes when it is replied to or done
	deferred atomic.Uint64 // the use that was deferred, plus one
	ended    uint64        // use when the last one was finished; guarded by d.mu
	view     []byte        // larger data, in a section
	region   *region       // that section
	room     *region       // where the reply is being built,
	small    []byte        // or here, if it is small; kept for the next use
	inSmall  bool
	tooLarge atomic.Pointer[error] // a reply that was not sent
	// Of a manual port: a request is taken, and then held by its thread until the reply.
	// stage says which; who finds the connection ended swaps taken to orphaned, and leaves
	// the rest to the thread that is about to have it.
	stage   atomic.Uint32
	given   uint64        // the use, once it is taken; guarded by d.mu until it is held
	back    atomic.Uint64 // the use whose sender is called back, and does not wait meanwhile, plus one
	pending *Pending      // the connection request that it is, nil: it is none
	away    bool          // its handler has returned, the reply is to come; guarded by d.mu
}

// A Use is a message and the number of its use: what a handler gets. It is a
// value, and stale copies of it do no harm.
type Use struct {
	M *Message
	N uint64
	C *Conn // the message's connection; M.conn is another's once this use is over
}

// newMessage makes a message with its record.
func (d *dispatcher) newMessage() (*Message, error) {
	rec, a, err := pool.New[pool.Message](d.proc.pool, pool.TagMessage, d.addr)
	if err != nil {
		return nil, err
	}
	m := &Message{rec: rec, addr: a, d: d}
	m.in.Header, m.in.Data = &rec.Request, &rec.Data
	d.mu.Lock()
	defer d.mu.Unlock()
	if n := len(d.holes); n > 0 {
		rec.Index, d.holes = d.holes[n-1], d.holes[:n-1]
		d.messages[rec.Index] = m
	} else {
		rec.Index = uint32(len(d.messages))
		d.messages = append(d.messages, m)
	}
	return m, nil
}

// Live tells whether the use has not been replied to.
func (u Use) Live() bool { return u.M != nil && u.M.use.Load() == u.N }

// Conn is the connection that the message came through.
func (u Use) Conn() *Conn { return u.C }

// ID is its MessageId.
func (u Use) ID() uint32 { return u.M.rec.Request.MessageID }

// WantsReply tells a request from a datagram.
func (u Use) WantsReply() bool { return u.M.in.Reply }

// IsCallback tells a request that was sent to a client which waits in a call.
func (u Use) IsCallback() bool { return u.M.rec.Request.CallbackID != 0 }

// Data is the message's data. It is valid until the reply. shared: the peer can
// still change it.
func (u Use) Data() (data []byte, shared bool) {
	if u.M.view != nil {
		return u.M.view, true
	}
	return u.M.rec.Data[:u.M.in.Length], false
}

// Defer lets the reply come after the handler has returned.
func (u Use) Defer() {
	if u.Live() {
		u.M.deferred.Store(u.N + 1)
	}
}

// isDeferred: this use was, not a later one of its record.
func (u Use) isDeferred() bool { return u.M.deferred.Load() == u.N+1 }

// parent makes the message the parent of a call.
func (u Use) parent() *parent { return &parent{addr: u.M.addr, id: u.M.rec.Request.MessageID} }

// claim makes the caller the one who ends this use.
func (u Use) claim() bool { return u.M != nil && u.M.use.CompareAndSwap(u.N, u.N+1) }

// Reply sends data as the reply. It copies data; data may be a part of the
// message's own.
func (u Use) Reply(data []byte) error {
	if len(data) > u.C.maxMessage {
		err := tooLarge("reply", len(data), u.C.maxMessage, "the connection's limit")
		if u.Live() {
			u.M.tooLarge.Store(&err) // what the caller is told, if nothing else is replied
			u.C.proc.failed(u.C.name, u.C.peerPID, u.ID(), err)
		}
		return err
	}
	if !u.claim() {
		u.C.proc.failed(u.C.name, u.C.peerPID, 0, ErrReplied)
		return ErrReplied
	}
	return u.M.reply(wire.StatusOK, data, len(data))
}

// Room is memory for a reply of n bytes, to be built in place; ReplyRoom sends it.
func (u Use) Room(n int) ([]byte, error) {
	m := u.M
	if n < 0 || n > u.C.maxMessage {
		return nil, tooLarge("reply", n, u.C.maxMessage, "the connection's limit")
	}
	if !u.Live() {
		return nil, ErrReplied
	}
	m.dropRoom()
	if n <= wire.MaxInline {
		if m.small == nil {
			m.small = make([]byte, wire.MaxInline)
		}
		m.inSmall = true
		return m.small[:n], nil
	}
	r, err := m.replyRegion(max(n, wire.MaxInline+1), false)
	if err != nil {
		return nil, err
	}
	m.room = r
	return r.bytes()[:n], nil
}

// ReplyRoom sends the first n bytes of what Room gave.
func (u Use) ReplyRoom(n int) error {
	if !u.Live() {
		return ErrReplied
	}
	m, size := u.M, -1
	switch {
	case m.inSmall:
		size = wire.MaxInline
	case m.room != nil:
		size = m.room.size()
	}
	if n < 0 || n > size {
		return fmt.Errorf("replying with %d bytes of a room that was not made for them", n)
	}
	if !u.claim() {
		return ErrReplied
	}
	if m.inSmall {
		return m.reply(wire.StatusOK, m.small[:n], n)
	}
	return m.reply(wire.StatusOK, nil, n)
}

// dropRoom gives up what was begun.
func (m *Message) dropRoom() {
	m.inSmall = false
	if m.room != nil {
		m.conn.sections.put(m.room)
		m.room = nil
	}
}

// Fail sends a failure as the reply.
func (u Use) Fail(code int, text string) error {
	if !u.claim() {
		return ErrReplied
	}
	b := encodeFailure(code, text)
	return u.M.reply(wire.StatusFailed, b, len(b))
}

func encodeFailure(code int, text string) []byte {
	b := binary.LittleEndian.AppendUint32(make([]byte, 0, wire.MaxInline), uint32(int32(code)))
	return append(b, text[:min(len(text), wire.MaxInline-4)]...)
}

func decodeFailure(b []byte) error {
	if len(b) < 4 {
		return fmt.Errorf("%w: failure of %d bytes, want at least 4", ErrProtocol, len(b))
	}
	return &HandlerError{Code: int(int32(binary.LittleEndian.Uint32(b))), Text: string(b[4:])}
}

// end sends a reply without data: the handler gave none, or one that was too large.
func (u Use) end(s wire.Status) {
	m := u.M
	if !u.claim() {
		return
	}
	if err := m.tooLarge.Load(); err != nil && s == wire.StatusDropped {
		text := clip(strings.TrimPrefix((*err).Error(), ErrTooLarge.Error()+": "))
		_ = m.reply(wire.StatusTooLarge, text, len(text))
		return
	}
	_ = m.reply(s, nil, 0)
}

// reply writes and publishes the reply of n bytes (data, or what stands in
// m.room) and ends the use, which the caller has claimed.
func (m *Message) reply(status wire.Status, data []byte, n int) error {
	c := m.conn
	if !m.in.Reply {
		m.finish()
		return nil
	}
	q := channel.Request{MessageID: m.rec.Request.MessageID, Callback: m.rec.Request.CallbackID}
	switch {
	case m.room != nil && status == wire.StatusOK && data == nil:
		q.HasInfo, q.Info = true, m.room.info(n)
		m.keepRoom()
	case n > wire.MaxInline:
		r, err := m.replyRegion(n, true)
		if err != nil {
			status, q.Data = wire.StatusNoMemory, clip(err.Error())
			break
		}
		copyIn(r.bytes(), data)
		q.HasInfo, q.Info = true, r.info(n)
		m.room = r
		m.keepRoom()
	default:
		q.Data = data
	}
	down := c.Err()                       // before: the caller may close as soon as it has the reply
	if trace := m.d.trace; trace != nil { // before: it happens before the caller has it
		emit(trace, Event{What: "replied", Port: m.d.port, MsgID: m.rec.Request.MessageID, Peer: c.peer, Bytes: n, Section: q.HasInfo, Err: replyError(status, q.Data)})
	}
	err := c.recv.Reply(m.in.Slot, m.in.Gen, status, &q)
	m.finish()
	switch {
	case err == nil:
		return down
	case errors.Is(err, channel.ErrAbandoned):
		m.d.proc.failed(c.name, c.peerPID, q.MessageID, ErrAbandoned)
		return ErrAbandoned
	}
	err = fromChannel(err)
	c.fail(err)
	return err
}

// replyError is what a status says, for a trace.
func replyError(s wire.Status, text []byte) error {
	if s == wire.StatusOK {
		return nil
	}
	return statusError(s, text)
}

// size is the message's data in bytes.
func (m *Message) size() int {
	if m.view != nil {
		return len(m.view)
	}
	return m.in.Length
}

func clip(s string) []byte { return []byte(s[:min(len(s), wire.MaxInline)]) }

// replyRegion finds section memory for a reply: the request's own where that is
// large enough and the reply is whole, else this end's.
func (m *Message) replyRegion(n int, inPlace bool) (*region, error) {
	if inPlace && m.region != nil && n <= m.region.size() {
		return m.region, nil
	}
	return m.conn.sections.take(m.conn, n, false, m.conn.tag)
}

// keepRoom notes that the reply's region is in use until the caller has read it.
func (m *Message) keepRoom() {
	r := m.room
	m.room = nil
	if r != m.region {
		m.conn.sections.keep(m.conn, r, m.in.Slot, m.in.Gen)
	}
}

// finish takes the message off its lists and gives it back.
func (m *Message) finish() {
	d, c := m.d, m.conn
	if c == nil {
		m.rec.State = pool.MessageFree
		d.giveBack(m) // the system made it, or a thread of this process
		return
	}
	m.dropRoom()
	m.region, m.view = nil, nil
	if m.tooLarge.Load() != nil {
		m.tooLarge.Store(nil)
	}
	if m.in.Detached {
		c.recv.Give(m.in.Slot, m.in.Gen)
	}
	d.mu.Lock()
	d.proc.pool.Remove(m.addr + messageReplyChain)
	if uint16(m.in.Extra) != 0 {
		d.proc.pool.Remove(m.addr) // from the data-info chain
	}
	m.rec.State = pool.MessageFree
	m.stage.Store(stageNone)
	if m.in.Reply {
		d.inProgress--
		d.rec.InProgress--
		c.rec.InProgress--
	}
	c.active--
	m.ended = m.use.Load() // so that leaveDeferred tells this use from the next
	if m.away {
		m.away = false
	} else {
		d.live--
		d.checkDrained()
	}
	if c.paused && c.active <= mostActive/2 {
		c.paused = false
		d.ringLocked(c)
	}
	if c.full.Load() && c.active <= mostActive/2 {
		c.full.Store(false)
		d.ringLocked(c)
	}
	last := c.active == 0 && c.ending
	m.conn = nil
	kept := d.keep(m)
	d.mu.Unlock()
	if last {
		c.wakeTeardown()
	}
	if !kept {
		d.proc.pool.Free(m.addr)
	}
}

// leaveDeferred notes that the handler has returned and the reply is to come: who
// stops the port does not wait for it.
func (u Use) leaveDeferred() {
	m, d := u.M, u.M.d
	d.mu.Lock()
	defer d.mu.Unlock()
	if m.ended > u.N {
		return // replied to and finished
	}
	m.away = true
	m.rec.State = pool.MessageDeferred
	d.live--
	d.checkDrained()
}

// maxFreeMessages: so many records a port keeps for the next messages.
const maxFreeMessages = 256
