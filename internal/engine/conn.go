package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"

	"github.com/seed-eedd8485/lpc/internal/channel"
	"github.com/seed-eedd8485/lpc/internal/failpoint"
	"github.com/seed-eedd8485/lpc/internal/link"
	"github.com/seed-eedd8485/lpc/internal/pool"
	"github.com/seed-eedd8485/lpc/section"
	"github.com/seed-eedd8485/lpc/security"
	"github.com/seed-eedd8485/lpc/wire"
)

// A Conn is one end of a connection: NT's client or server communication port.
type Conn struct {
	proc    *process
	rec     *pool.PortObject
	addr    pool.Addr
	number  uint64 // the channel's
	firstID uint32 // MessageIds of calls count from here
	server  bool   // this is the server's end
	port    *Port  // server's end: the connection port
	name    string // of the port, for errors and events
	trace   func(Event)

	link     *link.Link
	mem      *section.Section
	out      *channel.Caller
	recv     *channel.Receiver
	disp     *dispatcher
	sections sections
	tag      pool.Tag           // of its section memory, unless another is said
	threads  [nearSlots]*thread // of callers, by slot; whoever holds the slot may touch its own
	waiting  []*thread          // who waits, by slot, where stacks are recorded; likewise

	deadlock   DeadlockCheck // nil: calls are not looked after
	client     clientToken
	local      bool          // the other end is in this process
	last       reserve       // the messages that its end will need; guarded by disp.mu but for the role's holder
	closer     atomic.Uint64 // the thread that closed the other end, as that says
	closing    atomic.Uint32 // the thread that closes this one
	held       bool          // a program's handle keeps the records; guarded by mu
	unheld     bool          // they are to be freed when it does not any more; likewise
	closedHere atomic.Bool   // this end was closed first
	completed  bool          // NtCompleteConnectPort was called; guarded by mu
	half       *halfConn     // accepted and not completed; guarded by mu
	maxTotal   uint16        // NT's MaxMessageLength, of a client's end
	// Of a client's end: see Views.
	serverView *section.Section
	viewed     int                      // bytes of the other end's view that are counted for it
	asked      map[uint32]chan identity // by number: who a thread of the other end is; guarded by mu
	remoteBase uint64

	peer       security.Identity
	peerPID    uint64
	info       []byte // the other end's connection information
	maxMessage int
	serves     bool // the other end serves requests

	// Guarded by disp.mu: this end as a source of messages.
	hot    bool // on the dispatcher's hot or pending list
	active int  // messages received and not finished
	paused bool // it has mostActive messages here: not polled until half are finished
	// full is paused of a manual port, which reads on, since what a thread waits for may
	// stand behind those, and gives no room for more datagrams. Written with disp.mu held.
	full    atomic.Bool
	ending  bool // no more messages after what the ring holds
	retired bool // the receiver has read the ring to its end
	visits  int  // by the receiver since it ended; the receiver's

	over atomic.Bool // ending, for the receiver to read without the lock

	mu       sync.Mutex
	err      error         // why it ended
	done     chan struct{} // made when somebody asks
	ctx      context.Context
	cancel   context.CancelFunc
	userData any
	handle   atomic.Uint32 // its first one, 0 once that is closed; see CloseHandle
	onClose  func(*Conn, error)
	teardown chan struct{} // holds one signal: look whether all have left
	torn     chan struct{} // closed when memory and records are gone
}

// Peer is who the kernel says is at the other end.
func (c *Conn) Peer() security.Identity { return c.peer }

// Info is the connection information that the other end gave.
func (c *Conn) Info() []byte { return c.info }

// Name is the port's name as given.
func (c *Conn) Name() string { return c.name }

// Serves tells whether the other end takes requests.
func (c *Conn) Serves() bool { return c.serves }

// SetUserData keeps a value of the program's with the connection: NT's PortContext.
func (c *Conn) SetUserData(v any) { c.mu.Lock(); c.userData = v; c.mu.Unlock() }

// UserData is the value that SetUserData kept.
func (c *Conn) UserData() any { c.mu.Lock(); defer c.mu.Unlock(); return c.userData }

// Err is why the connection ended, nil while it lives.
func (c *Conn) Err() error {
	if !c.over.Load() {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

func (c *Conn) ended() bool { return c.over.Load() }

// Done is closed when the connection has ended.
func (c *Conn) Done() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.done == nil {
		c.done = make(chan struct{})
		if c.err != nil {
			close(c.done)
		}
	}
	return c.done
}

// Context is done when the connection has ended.
func (c *Conn) Context() context.Context {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ctx == nil {
		c.ctx, c.cancel = context.WithCancel(context.Background())
		if c.err != nil {
			c.cancel()
		}
	}
	return c.ctx
}

// newConn makes an end's port object and handle. The memory comes with attach.
func newConn(pr *process, kind uint32, name string) (*Conn, error) {
	rec, a, err := pool.New[pool.PortObject](pr.pool, pool.TagPort, 0)
	if err != nil {
		return nil, err
	}
	c := &Conn{proc: pr, rec: rec, addr: a, name: name, tag: pool.TagSection, server: kind == pool.PortServerComm, teardown: make(chan struct{}, 1), torn: make(chan struct{})}
	initPort(pr, rec, a, kind)
	h, err := pr.pool.NewHandle(a, pool.PortAllAccess)
	if err != nil {
		pr.pool.Free(a)
		return nil, err
	}
	c.handle.Store(uint32(h))
	rec.Handle, rec.HandleCount = uint32(h), 1
	c.sections.init(c)
	return c, nil
}

func initPort(pr *process, rec *pool.PortObject, a pool.Addr, kind uint32) {
	rec.Flags = kind
	rec.Creator = wire.ClientID{UniqueProcess: pr.pid}
	rec.ServerProcess = pr.pid
	rec.MaxMessageLength, rec.MaxConnectionInfoLength = wire.MaxMessage, wire.MaxConnInfo
	rec.Created = channel.Ticks()
	rec.PointerCount = 1
	pr.pool.InitList(a + portReceiveHead)
	pr.pool.InitList(a + portReplyChain)
	pr.pool.InitList(a + portDataInfo)
}

// attach gives the connection its channel.
func (c *Conn) attach(mem *section.Section, number uint64) {
	local := c.peerPID == c.proc.pid
	c.local = local
	c.firstID = c.proc.nextID() * 0x9e3779b1 // spread: connections made in a row are far apart
	c.mem, c.number = mem, number
	c.rec.Channel = number
	c.rec.PeerProcess, c.rec.PeerUID, c.rec.PeerGID = c.peerPID, c.peer.UID, c.peer.GID
	bell := func() { c.link.Bell() }
	c.out = channel.NewCaller(mem, c.server, local, bell)
	if c.proc.stacks.on {
		c.waiting = make([]*thread, channel.MostSlots)
		c.out.Waits = func(slot int) { c.proc.recordStack(c.waiting[slot]) }
	}
	c.recv = channel.NewReceiver(mem, c.server, local, bell)
	if local {
		c.enterLocal()
	}
	if c.disp.manual {
		c.out.Waits = func(int) { c.disp.stir(c) }
	}
}

// ready is called on the poller's goroutine when the control socket has something.
func (c *Conn) ready() {
	if c.out == nil {
		return // the handshake reads it
	}
	if err := c.link.Receive(c.rang, c.frame); err != nil {
		c.broken(err)
	}
}

// broken ends the connection for what the control socket gave instead of a frame.
func (c *Conn) broken(err error) {
	if errors.Is(err, io.EOF) {
		err = fmt.Errorf("%w: process %d (%s)", ErrPeerDied, c.peer.PID, c.peerName())
	} else {
		err = fromLink(err)
	}
	c.end(err, reasonOf(err))
}

// fromLink gives what the control socket gave instead of a frame its kind: a shortage of
// this process's is not the peer's fault.
func fromLink(err error) error {
	switch {
	case isKind(err):
		return err
	case errors.Is(err, link.ErrShortage), errors.Is(err, link.ErrUnclosed):
		return fmt.Errorf("%w: %w", ErrQuota, err)
	}
	return fmt.Errorf("%w: %w", ErrProtocol, err)
}

// reasonOf is why a connection or a handshake ends, as the peer is told.
func reasonOf(err error) uint8 {
	if errors.Is(err, ErrQuota) {
		return link.ReasonQuota
	}
	return link.ReasonViolation
}

// rang: the peer rang the doorbell.
func (c *Conn) rang() {
	c.out.Bell()
	c.disp.ring(c)
	touch(c)
}

func (c *Conn) peerName() string {
	if n := security.ProgramName(c.peer.PID); n != "" {
		return n
	}
	return "gone"
}

// frame is called for each frame after the handshake.
func (c *Conn) frame(f *link.Frame, fd int) error {
	switch {
	case f.Kind == link.Close && fd < 0:
		err := c.closedBy(f)
		c.end(err, link.ReasonNone) // here, before another reader can find the end of the socket
		return err
	case f.Kind == link.Grow && c.server && fd < 0:
		failpoint.At(failpoint.GrowReceived)
		return c.sections.grant(c, f)
	case f.Kind == link.Section && !c.server && fd >= 0:
		return c.sections.granted(f, fd)
	case f.Kind == link.Identity && c.server && fd < 0:
		return c.identified(f)
	case f.Kind == link.View && c.server && fd < 0:
		return c.mappedAt(f)
	case f.Kind == link.Deny && !c.server && fd < 0:
		return c.sections.denied(f)
	}
	if fd >= 0 {
		c.link.Discard(fd)
	}
	return fmt.Errorf("%w: %s frame, with descriptor: %v, which the %s does not send on a connection", ErrProtocol, f.Kind, fd >= 0, map[bool]string{true: "client", false: "server"}[c.server])
}

// closedBy is the error of a connection that the other end closed.
func (c *Conn) closedBy(f *link.Frame) error {
	c.closer.Store(uint64(f.Number))
	switch f.Reason {
	case link.ReasonNone:
		return fmt.Errorf("%w by the other end", ErrPortClosed)
	case link.ReasonViolation:
		return fmt.Errorf("%w: ended by the other end: %s", ErrProtocol, printable(f.Text))
	}
	return fmt.Errorf("%w by the other end: %s", ErrPortClosed, printable(f.Text))
}

// isKind: the error already says what it is to a caller.
func isKind(err error) bool {
	for _, k := range []error{ErrPortClosed, ErrPeerDied, ErrProtocol, ErrQuota, ErrTooLarge} {
		if errors.Is(err, k) {
			return true
		}
	}
	return false
}

// fail ends a connection whose peer broke the protocol, and tells it how.
func (c *Conn) fail(err error) { c.end(err, link.ReasonViolation) }

// Close ends the connection: every call of it, on both sides, returns.
func (c *Conn) Close() error {
	if c.Err() == nil {
		c.closedHere.Store(true)
	}
	c.end(fmt.Errorf("%w by this end", ErrPortClosed), link.ReasonNone)
	return nil
}

// end ends the connection once. reason is for the peer, with err as the text where
// it broke the protocol.
func (c *Conn) end(err error, reason uint8) {
	c.mu.Lock()
	if c.err != nil {
		c.mu.Unlock()
		return
	}
	c.err = err
	c.over.Store(true) // before Done: who waited for that asks Err
	if c.done != nil {
		close(c.done)
	}
	if c.cancel != nil {
		c.cancel()
	}
	c.mu.Unlock()
	c.out.Down(err) // before the peer is told: what it then makes room for is not sent
	c.uncomplete()
	f := link.Frame{Kind: link.Close, Reason: reason, Number: c.closing.Load()}
	if reason != link.ReasonNone {
		f.Text = []byte(err.Error())
		f.Text = f.Text[:min(len(f.Text), wire.MaxConnInfo)]
	}
	if !errors.Is(err, ErrPeerDied) {
		_ = c.link.Send(&f, -1) // best effort: the end of the socket says the rest
		c.recv.Leave()
		failpoint.At(failpoint.CloseSent)
	}
	d := c.disp
	d.mu.Lock()
	c.ending = true
	if d.manual {
		d.ended++
	}
	c.rec.Flags |= pool.PortDeleted
	if errors.Is(err, ErrProtocol) {
		d.rec.Failures++
	}
	d.mu.Unlock()
	c.sections.down(err)
	c.link.Close()
	d.ring(c) // the receiver reads the ring's rest and lets go
	emit(c.trace, Event{What: endName(err), Port: c.name, Peer: c.peer, Err: err})
	go c.tearDown()
}

// lastWords counts the receiver's visits after the end and tells when it has had
// the time for one ring of messages: a peer that goes on writing is not read for ever.
func (c *Conn) lastWords() bool {
	c.visits++
	return c.visits > lastVisits || errors.Is(c.Err(), ErrProtocol)
}

const lastVisits = 256 / inARow

func (c *Conn) wakeTeardown() {
	select {
	case c.teardown <- struct{}{}:
	default:
	}
}

// tearDown waits until nobody of this process uses the connection's memory, then
// unmaps it and frees the records.
func (c *Conn) tearDown() {
	c.out.Quiesce()
	d := c.disp
	for {
		d.mu.Lock()
		left := c.active == 0 && c.retired
		d.mu.Unlock()
		if left {
			break
		}
		<-c.teardown
	}
	c.out.Cleanup()
	for i, t := range c.threads { // no caller is left
		if t != nil {
			c.threads[i] = nil
			threads.Put(t)
		}
	}
	forget(c)
	if c.local {
		c.leaveLocal()
	}
	c.dropReserve()
	c.mu.Lock()
	f, err := c.onClose, c.err
	c.mu.Unlock()
	if c.port != nil {
		c.port.dropped(c)
	} else {
		d.stop() // a client's end receives for itself alone
		d.finished()
		d.closeEvent()
	}
	c.sections.unmap()
	unmapCounted(c.mem)
	c.freeRecords()
	if f != nil {
		f(c, err)
	}
	close(c.torn)
}

func (c *Conn) freeRecords() {
	c.mu.Lock()
	held := c.held
	c.unheld = held
	c.mu.Unlock()
	if held {
		return
	}
	if c.viewed > 0 { // with the last handle the program has let go of the other end's view
		mapped.give(c.viewed)
		if c.server {
			c.port.accounts.ungrant(c.peer.UID, int64(c.viewed), 1)
		}
	}
	p := c.proc.pool
	p.CloseHandle(pool.Handle(c.handle.Load()))
	if t := c.rec.StaticSecurity.ClientToken; t != 0 {
		p.Free(t)
	}
	p.Free(c.addr)
}

// Torn is closed when nothing of the connection is left.
func (c *Conn) Torn() <-chan struct{} { return c.torn }

func printable(b []byte) string {
	out := make([]rune, 0, len(b))
	for _, r := range string(b) {
		if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 {
			r = '.'
		}
		out = append(out, r)
	}
	return string(out)
}
