package engine

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/seed-eedd8485/lpc/internal/channel"
	"github.com/seed-eedd8485/lpc/internal/failpoint"
	"github.com/seed-eedd8485/lpc/internal/link"
	"github.com/seed-eedd8485/lpc/internal/pool"
	"github.com/seed-eedd8485/lpc/section"
	"github.com/seed-eedd8485/lpc/security"
	"github.com/seed-eedd8485/lpc/wire"
)

// A Pending is a connection request: NT's LPC_CONNECTION_REQUEST.
type Pending struct {
	port  *Port
	peer  security.Identity
	link  *link.Link
	timer *time.Timer

	asked, welcome bool // whether it is admitted; guarded by the link, which gives one frame at a time

	mu       sync.Mutex
	state    int
	info     []byte
	max      int   // the client's largest message
	conn     *Conn // once it was accepted
	serves   bool
	msg      *Message         // of a port of the native face: its message,
	received atomic.Bool      // which a thread has received
	created  uint64           // when the client's process began, clock ticks after boot
	qos      QoS              // what the client allows
	view     *section.Section // the client's view, mapped here; nil: none
	rec      pool.Addr        // its record, a LPC_CONNECTION_REQUEST for debuggers; 0: none
}

// States of a Pending.
const (
	pendingHalf    = 0 // the client has said nothing yet
	pendingOffered = 1 // its request waits for a decision
	pendingDecided = 2
)

// Info is the client's connection information.
func (r *Pending) Info() []byte { return r.info }

// Peer is who the kernel says asks.
func (r *Pending) Peer() security.Identity { return r.peer }

// ready reads the client's CONNECT frame on the poller's goroutine.
func (r *Pending) ready() {
	err := r.link.Receive(r.rang, r.frame)
	if err == nil {
		return
	}
	if c := r.connection(); c != nil {
		c.broken(err) // it came while the connection took the socket over, and is read
		return
	}
	if errors.Is(err, io.EOF) {
		err = fmt.Errorf("%w in the handshake", ErrPeerDied)
	}
	r.drop(fromLink(err))
}

// connection is what became of the request, nil while it is nothing.
func (r *Pending) connection() *Conn {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.conn
}

// rang and frame hand on what comes while the connection takes the socket over.
func (r *Pending) rang() {
	if c := r.connection(); c != nil {
		c.rang()
	}
}

func (r *Pending) frame(f *link.Frame, fd int) error {
	if c := r.connection(); c != nil {
		return c.frame(f, fd)
	}
	if f.Kind == link.View && fd >= 0 {
		return r.offered(f, fd)
	}
	if fd >= 0 {
		r.link.Discard(fd)
		return fmt.Errorf("%w: a client sends no descriptor in the handshake", ErrProtocol)
	}
	r.mu.Lock()
	if f.Kind != link.Connect || r.state != pendingHalf {
		defer r.mu.Unlock()
		return fmt.Errorf("%w: %s frame in the handshake, want one CONNECT", ErrProtocol, f.Kind)
	}
	failpoint.At(failpoint.ConnectReceived)
	r.state = pendingOffered
	r.info = append([]byte(nil), f.Text...)
	r.max = int(min(f.Value, wire.DefaultLimit))
	r.serves = f.Flags&link.FlagServes != 0
	r.qos = qosOf(f.Flags)
	if r.port.opts.native {
		r.info = r.info[:min(len(r.info), r.port.opts.maxInfo)]
		r.created = pool.StartTime(r.peer.PID)
		r.recordNative(f)
	} else {
		r.record(f)
	}
	r.mu.Unlock()
	r.timer.Stop()
	if !r.admitted() {
		return r.notAdmitted()
	}
	if r.port.opts.native { // all that a client sends with a descriptor has come
		_ = r.link.Use(func(fd int) error { link.RefuseRights(fd); return nil })
	}
	r.port.offer(r)
	return nil
}

// admitted asks once whether the client may connect: at its first frame. It runs on the
// poller's goroutine, one frame after the other.
func (r *Pending) admitted() bool {
	if !r.asked {
		r.asked, r.welcome = true, r.port.admits(r.peer)
	}
	return r.welcome
}

func (r *Pending) notAdmitted() error {
	p := r.port
	emit(p.opts.Trace, Event{What: "refused", Port: p.name.Short(), Peer: r.peer, Err: ErrPermission})
	p.proc.failed(p.name.Short(), uint64(r.peer.PID), 0, ErrPermission)
	return r.refuse(link.ReasonDenied, []byte(fmt.Sprintf("uid %d is not admitted", r.peer.UID)))
}

// record writes down the request: nobody works on it but who decides it, and a debugger
// sees who waits for that. What the client says of itself is believed no further.
func (r *Pending) record(f *link.Frame) {
	p := r.port
	m, a, err := pool.New[pool.Message](p.proc.pool, pool.TagMessage, p.addr)
	if err != nil {
		return
	}
	r.rec = a
	m.SenderPort = p.addr
	n := len(r.info)
	m.Request = wire.PortMessage{
		DataLength: uint16(n), TotalLength: uint16(n + wire.HeaderSize), Type: wire.TypeConnectionRequest,
		ClientID: wire.ClientID{UniqueProcess: uint64(r.peer.PID), UniqueThread: uint64(f.Section)}, MessageID: f.Number,
	}
	copy(m.Data[:], r.info)
	m.ReceiveTime = channel.Ticks()
	m.ServeTime = m.ReceiveTime
	m.State = pool.MessageDeferred // last: it makes the rest count
}

// take makes the caller the one who decides.
func (r *Pending) take() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.state == pendingDecided {
		return false
	}
	r.state = pendingDecided
	return true
}

// finish ends the half-open time.
func (r *Pending) finish() {
	r.timer.Stop()
	p := r.port
	p.accounts.halfDone(r.peer.UID)
	r.mu.Lock()
	rec, msg := r.rec, r.msg
	r.rec, r.msg = 0, nil
	r.mu.Unlock()
	if msg != nil {
		msg.decided()
	}
	if rec != 0 {
		p.proc.pool.Free(rec)
	}
	r.dropView()
	p.mu.Lock()
	delete(p.half, r)
	p.queue = slices.DeleteFunc(p.queue, func(q *Pending) bool { return q == r })
	p.mu.Unlock()
}

// drop ends a handshake that came to nothing.
func (r *Pending) drop(err error) {
	if !r.take() {
		return
	}
	if r.timer != nil {
		r.finish()
	}
	f, v := link.Frame{Kind: link.Refuse, Reason: reasonOf(err), Text: clip260(err.Error())}, (*link.VersionError)(nil)
	switch {
	case errors.Is(err, ErrPortClosed):
		f.Reason, f.Text = link.ReasonNone, nil
	case errors.As(err, &v):
		f.Reason = link.ReasonVersion
	}
	if !errors.Is(err, ErrPeerDied) {
		_ = r.link.Send(&f, -1) // who hears it, learns why
	}
	r.link.Close()
	emit(r.port.opts.Trace, Event{What: "handshake ended", Port: r.port.name.Short(), Peer: r.peer, Err: err})
}

func (r *Pending) refuse(reason uint8, text []byte) error {
	if !r.take() {
		return nil
	}
	r.finish()
	err := r.link.Send(&link.Frame{Kind: link.Refuse, Reason: reason, Text: text}, -1)
	r.link.Close()
	_ = err // the client that does not read has gone its own way
	return nil
}

// Refuse refuses the request; the client gets info, at most wire.MaxConnInfo bytes.
func (r *Pending) Refuse(info []byte) error {
	if len(info) > wire.MaxConnInfo {
		return tooLarge("connection information", len(info), wire.MaxConnInfo, "the limit")
	}
	r.mu.Lock()
	decided := r.state == pendingDecided
	r.mu.Unlock()
	if decided {
		return fmt.Errorf("refusing a connection request that was decided")
	}
	r.port.proc.failed(r.port.name.Short(), uint64(r.peer.PID), 0, ErrRefused)
	emit(r.port.opts.Trace, Event{What: "refuse", Port: r.port.name.Short(), Peer: r.peer, Bytes: len(info)})
	return r.refuse(link.ReasonNone, info)
}

// Accept accepts the request and completes the connection: the client's Dial
// returns. info goes to the client, at most wire.MaxConnInfo bytes.
func (r *Pending) Accept(info []byte) (*Conn, error) {
	if len(info) > wire.MaxConnInfo {
		return nil, tooLarge("connection information", len(info), wire.MaxConnInfo, "the limit")
	}
	p := r.port
	c, fd, err := r.admit(nil)
	if errors.Is(err, ErrMismatch) {
		err = fmt.Errorf("accepting a connection request that was decided, or whose client is gone")
	}
	if err != nil {
		return nil, err
	}
	failpoint.At(failpoint.AcceptMade)
	emit(p.opts.Trace, Event{What: "accept", Port: p.name.Short(), Peer: r.peer, Bytes: len(info)})
	f := link.Frame{Kind: link.Accept, Flags: link.FlagServes, Value: uint64(p.opts.MaxMessage), Channel: c.number, Text: info}
	r.finish()
	emit(p.opts.Trace, Event{What: "complete", Port: p.name.Short(), Peer: r.peer})
	err = r.link.Send(&f, fd)
	_ = unix.Close(fd)
	if err != nil {
		err = fmt.Errorf("%w in the handshake: %w", ErrPeerDied, err)
		c.end(err, link.ReasonNone)
		return nil, err
	}
	failpoint.At(failpoint.AcceptSent)
	c.rang()  // bells that came before the connection took the socket over
	c.ready() // frames that came before the connection took the socket over
	return c, nil
}

// admit makes the server's end of a request that nobody has decided, and makes the caller
// the one who has: ErrMismatch where it is too late. Where there is no room the client is
// told. fd is the channel's, for the client, and the caller's. first: see connect.
func (r *Pending) admit(first func(c *Conn, fd int)) (c *Conn, fd int, err error) {
	p := r.port
	if err := p.accounts.connect(r.peer.UID); err != nil {
		_ = r.refuse(link.ReasonBusy, clip260(err.Error()))
		p.proc.pool.RecordFailure(0, pool.TagPort, "connections")
		p.proc.failed(p.name.Short(), uint64(r.peer.PID), 0, fmt.Errorf("%w: %w", ErrRefused, err))
		return nil, -1, err
	}
	if !r.take() {
		p.accounts.disconnect(r.peer.UID)
		return nil, -1, ErrMismatch
	}
	if c, fd, err = r.connect(first); err != nil {
		r.finish()
		p.accounts.disconnect(r.peer.UID)
		_ = r.link.Send(&link.Frame{Kind: link.Refuse, Reason: link.ReasonMemory, Text: clip260(err.Error())}, -1)
		r.link.Close()
	}
	return c, fd, err
}

// connect makes the server's end with its channel. fd is the caller's. first is called before
// anybody else knows of the connection.
//
// From the moment at which r.conn says what became of the request, the client can end the
// connection, and its teardown takes it off the port's books. So it is in them before.
func (r *Pending) connect(first func(c *Conn, fd int)) (*Conn, int, error) {
	p := r.port
	c, err := newConn(p.proc, pool.PortServerComm, p.name.Short())
	if err != nil {
		return nil, -1, err
	}
	c.port, c.disp, c.trace, c.onClose = p, p.disp, p.opts.Trace, p.opts.OnClose
	c.peer, c.peerPID, c.info, c.serves = r.peer, uint64(r.peer.PID), r.info, r.serves
	c.client.qos = r.qos
	c.rec.SecurityQos = r.qos.record()
	if r.qos.Dynamic {
		c.rec.Flags |= pool.PortDynamicTracks
		_ = r.link.WantCredentials() // else the client's answers count for nothing
	}
	c.maxMessage = min(p.opts.MaxMessage, r.max)
	if p.opts.Tag != (pool.Tag{}) {
		c.tag = p.opts.Tag
	}
	c.rec.ConnectionPort = p.addr
	token, err := p.proc.newToken(r.peer, c.addr)
	if err != nil {
		c.freeRecords()
		return nil, -1, err
	}
	c.rec.StaticSecurity.ClientToken = token
	mem, fd, err := c.newChannel()
	if err != nil {
		c.freeRecords()
		return nil, -1, err
	}
	c.link = r.link
	c.attach(mem, c.number)
	if first != nil {
		first(c, fd)
	}
	p.disp.mu.Lock()
	p.rec.Connections++
	p.disp.mu.Unlock()
	p.mu.Lock()
	closed := p.closed
	p.conns[c] = struct{}{}
	p.mu.Unlock()
	r.mu.Lock()
	r.conn = c
	r.mu.Unlock()
	if err := r.link.Start(c.ready); closed || err != nil {
		_ = c.Close()
	}
	return c, fd, nil
}

// newChannel makes the channel, and its number.
func (c *Conn) newChannel() (mem *section.Section, fd int, err error) {
	if c.number, err = channelNumber(); err != nil {
		return nil, -1, err
	}
	if err := mapped.take(channel.Size); err != nil {
		return nil, -1, err
	}
	if mem, fd, err = channel.Create(c.number); err != nil {
		mapped.give(channel.Size)
	}
	return mem, fd, err
}
