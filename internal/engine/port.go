package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/seed-eedd8485/lpc/internal/channel"
	"github.com/seed-eedd8485/lpc/internal/failpoint"
	"github.com/seed-eedd8485/lpc/internal/link"
	"github.com/seed-eedd8485/lpc/internal/pool"
	"github.com/seed-eedd8485/lpc/namespace"
	"github.com/seed-eedd8485/lpc/section"
	"github.com/seed-eedd8485/lpc/security"
	"github.com/seed-eedd8485/lpc/wire"
)

// PortOptions say how a connection port behaves.
type PortOptions struct {
	MaxMessage int // bytes of data of one message; 0: wire.DefaultLimit
	MaxWorkers int // handlers at once; 0: 1024
	Limits     Limits
	Admit      func(security.Identity) bool // nil: the owner's uid and root
	Mode       fs.FileMode                  // of the socket; 0: 0600
	Backlog    int
	OnConnect  func(*Pending)     // decides each connection request on a goroutine of its own
	OnClose    func(*Conn, error) // a connection of the port has ended and is gone
	Trace      func(Event)
}

// A Port is a connection port.
type Port struct {
	proc     *process
	rec      *pool.PortObject
	addr     pool.Addr
	name     namespace.Name
	opts     PortOptions
	disp     *dispatcher
	accounts *accounts
	handle   pool.Handle
	nameAddr pool.Addr

	mu       sync.Mutex
	listener *namespace.Listener
	src      *link.Source
	conns    map[*Conn]struct{}
	half     map[*Pending]struct{}
	queue    []*Pending    // connection requests that nobody has decided
	queued   chan struct{} // one signal: look at queue
	auto     bool          // Serve decides
	closed   bool
	done     chan struct{}
}

const (
	handshakeTime = 5 * time.Second // for a client that connects and says nothing
	acceptRetry   = 100 * time.Millisecond
)

// Listen makes a connection port with a name.
func Listen(name namespace.Name, o PortOptions) (*Port, error) {
	pr, err := theProcess()
	if err != nil {
		return nil, err
	}
	poller, err := link.Default()
	if err != nil {
		return nil, err
	}
	if o.MaxMessage == 0 {
		o.MaxMessage = wire.DefaultLimit
	}
	if o.MaxWorkers == 0 {
		o.MaxWorkers = 1024
	}
	rec, a, err := pool.New[pool.PortObject](pr.pool, pool.TagPort, 0)
	if err != nil {
		return nil, err
	}
	p := &Port{
		proc: pr, rec: rec, addr: a, name: name, opts: o, accounts: newAccounts(o.Limits),
		conns: map[*Conn]struct{}{}, half: map[*Pending]struct{}{}, queued: make(chan struct{}, 1), done: make(chan struct{}),
	}
	initPort(pr, rec, a, pool.PortConnection)
	rec.ConnectionPort = a
	text := name.String()
	na, err := pr.pool.AllocText(pool.TagPort, text, a)
	if err != nil {
		pr.pool.Free(a)
		return nil, err
	}
	rec.Name, rec.NameLength, p.nameAddr = na, uint64(len(text)), na
	p.disp = newDispatcher(pr, rec, a, o.MaxWorkers, name.Short(), o.Trace)
	if p.handle, err = pr.pool.NewHandle(a, pool.PortAllAccess); err == nil {
		rec.Handle, rec.HandleCount = uint32(p.handle), 1
		err = p.listen(poller)
	}
	if err != nil {
		p.free()
		return nil, err
	}
	emit(o.Trace, Event{What: "create port", Port: name.Short()})
	return p, nil
}

func (p *Port) listen(poller *link.Poller) (err error) {
	o := namespace.Options{Backlog: p.opts.Backlog, Mode: p.opts.Mode}
	if p.listener, err = namespace.Listen(p.name, o); err != nil {
		return err
	}
	failpoint.At(failpoint.ListenBound)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.src, err = poller.Add(p.listener.FD(), p.incoming); err != nil {
		_ = p.listener.Close()
		p.listener = nil
	}
	return err
}

// free gives the records back.
func (p *Port) free() {
	p.proc.pool.CloseHandle(p.handle)
	p.proc.pool.Free(p.nameAddr)
	p.proc.pool.Free(p.addr)
}

// Name is the port's name.
func (p *Port) Name() namespace.Name { return p.name }

// Stats are the port's counters, from its record.
func (p *Port) Stats() (connections, queued, inProgress int, calls, datagrams, failures uint64) {
	p.disp.mu.Lock()
	defer p.disp.mu.Unlock()
	r := p.rec
	return int(r.Connections), int(r.QueueLength), int(r.InProgress), r.Calls, r.Datagrams, r.Failures
}

// incoming accepts what has connected. It runs on the poller's goroutine.
func (p *Port) incoming() {
	for {
		p.mu.Lock()
		l := p.listener
		p.mu.Unlock()
		if l == nil {
			return
		}
		fd, _, err := unix.Accept4(l.FD(), unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
		switch {
		case errors.Is(err, unix.EAGAIN):
			return
		case errors.Is(err, unix.EINTR), errors.Is(err, unix.ECONNABORTED):
			continue
		case errors.Is(err, unix.EBADF):
			return // closed meanwhile
		case err != nil: // no descriptors, no memory: the edge is used up, so come back
			time.AfterFunc(acceptRetry, p.incoming)
			return
		}
		p.greet(fd)
	}
}

// greet begins the handshake with a client that has connected.
func (p *Port) greet(fd int) {
	id, err := security.FromSocket(fd)
	if err != nil {
		_ = unix.Close(fd)
		return
	}
	r := &Pending{port: p, peer: id}
	if err := p.accounts.halfOpen(id.UID); err != nil {
		_ = unix.Close(fd)
		p.proc.pool.RecordFailure(0, pool.TagPort, "handshakes open for one uid")
		return
	}
	r.state = pendingHalf
	if r.link, err = link.New(fd); err != nil {
		p.accounts.halfDone(id.UID)
		return
	}
	r.timer = time.AfterFunc(handshakeTime, func() { r.drop(fmt.Errorf("%w: nothing said in %v", ErrProtocol, handshakeTime)) })
	p.mu.Lock()
	closed := p.closed
	if !closed {
		p.half[r] = struct{}{}
	}
	p.mu.Unlock()
	if closed {
		r.drop(ErrPortClosed)
		return
	}
	if err := r.link.Start(r.ready); err != nil {
		r.drop(err)
	}
}

// admits tells whether an identity may connect.
func (p *Port) admits(id security.Identity) bool {
	if p.opts.Admit != nil {
		return p.opts.Admit(id)
	}
	return id.UID == 0 || id.UID == uint32(unix.Geteuid())
}

// offer hands a connection request to who decides.
func (p *Port) offer(r *Pending) {
	emit(p.opts.Trace, Event{What: "connection request", Port: p.name.Short(), Peer: r.peer, Bytes: len(r.info)})
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		r.drop(ErrPortClosed)
		return
	}
	if p.auto {
		p.mu.Unlock()
		p.decide(r)
		return
	}
	p.queue = append(p.queue, r)
	p.mu.Unlock()
	select {
	case p.queued <- struct{}{}:
	default:
	}
}

// decide answers a connection request as the options say.
func (p *Port) decide(r *Pending) {
	if p.opts.OnConnect == nil {
		go func() { _, _ = r.Accept(nil) }()
		return
	}
	go func() {
		p.opts.OnConnect(r)
		_ = r.Refuse(nil) // no effect once it was decided
	}()
}

// Accept waits for a connection request that Serve does not decide.
func (p *Port) Accept(ctx context.Context) (*Pending, error) {
	for {
		p.mu.Lock()
		if len(p.queue) > 0 {
			r := p.queue[0]
			p.queue = p.queue[1:]
			more := len(p.queue) > 0
			p.mu.Unlock()
			if more {
				select {
				case p.queued <- struct{}{}:
				default:
				}
			}
			return r, nil
		}
		p.mu.Unlock()
		select {
		case <-p.queued:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-p.done:
			return nil, ErrPortClosed
		}
	}
}

// Serve serves the port until ctx ends or the port is closed, and then waits for
// the handlers. auto: it also decides connection requests.
func (p *Port) Serve(ctx context.Context, h Handler, auto bool) error {
	if !p.disp.serve(h) {
		return fmt.Errorf("serving port %s: it is being served already", p.name.Short())
	}
	if auto {
		p.mu.Lock()
		p.auto = true
		queue := p.queue
		p.queue = nil
		p.mu.Unlock()
		for _, r := range queue {
			p.decide(r)
		}
	}
	var err error
	select {
	case <-ctx.Done():
		err = context.Cause(ctx)
	case <-p.done:
		err = ErrPortClosed
	}
	<-p.disp.stop()
	return err
}

// Close takes the name back and ends every connection of the port.
func (p *Port) Close() error {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return nil
	}
	p.closed = true
	close(p.done)
	l, src := p.listener, p.src
	p.listener = nil
	conns := make([]*Conn, 0, len(p.conns))
	for c := range p.conns {
		conns = append(conns, c)
	}
	half := make([]*Pending, 0, len(p.half))
	for r := range p.half {
		half = append(half, r)
	}
	p.queue = nil
	p.mu.Unlock()
	poller, err := link.Default()
	if err == nil && src != nil {
		poller.Remove(src)
	}
	if l != nil {
		err = l.Close()
	}
	p.disp.mu.Lock()
	p.rec.Flags |= pool.PortNameDeleted
	p.disp.mu.Unlock()
	p.disp.stop()
	for _, r := range half {
		r.drop(ErrPortClosed)
	}
	for _, c := range conns {
		_ = c.Close()
	}
	for _, c := range conns {
		if c.disp.polls(c) {
			<-c.Torn()
		}
	}
	emit(p.opts.Trace, Event{What: "close port", Port: p.name.Short()})
	p.mu.Lock()
	left := len(p.conns)
	p.mu.Unlock()
	if left == 0 {
		p.freeOnce()
	}
	return err
}

// polls: tearing the connection down does not wait for a handler.
func (d *dispatcher) polls(c *Conn) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return c.active == 0
}

func (p *Port) freeOnce() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.nameAddr != 0 {
		p.free()
		p.nameAddr = 0
	}
}

// dropped forgets a connection that is gone.
func (p *Port) dropped(c *Conn) {
	p.accounts.disconnect(c.peer.UID)
	p.disp.mu.Lock()
	p.rec.Connections--
	p.disp.mu.Unlock()
	p.mu.Lock()
	delete(p.conns, c)
	last := p.closed && len(p.conns) == 0
	p.mu.Unlock()
	if last {
		p.freeOnce()
	}
}

// A Pending is a connection request: NT's LPC_CONNECTION_REQUEST.
type Pending struct {
	port  *Port
	peer  security.Identity
	link  *link.Link
	timer *time.Timer

	mu     sync.Mutex
	state  int
	info   []byte
	max    int   // the client's largest message
	conn   *Conn // once it was accepted
	serves bool
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
	if err == nil || r.connection() != nil {
		return // a connection looks itself: the end of a socket stays readable
	}
	if errors.Is(err, io.EOF) {
		err = fmt.Errorf("%w in the handshake", ErrPeerDied)
	}
	var v *link.VersionError
	if errors.As(err, &v) {
		_ = r.link.Send(&link.Frame{Kind: link.Refuse, Reason: link.ReasonVersion, Text: clip260(err.Error())}, -1)
	}
	r.drop(err)
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
	if fd >= 0 {
		section.CloseUntrusted(fd)
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
	r.mu.Unlock()
	r.timer.Stop()
	p := r.port
	if !p.admits(r.peer) {
		emit(p.opts.Trace, Event{What: "refused", Port: p.name.Short(), Peer: r.peer, Err: ErrPermission})
		return r.refuse(link.ReasonDenied, []byte(fmt.Sprintf("uid %d is not admitted", r.peer.UID)))
	}
	p.offer(r)
	return nil
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
	p.mu.Lock()
	delete(p.half, r)
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
	if errors.Is(err, ErrPortClosed) {
		_ = r.link.Send(&link.Frame{Kind: link.Refuse, Text: nil, Reason: link.ReasonNone}, -1)
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
	if err := p.accounts.connect(r.peer.UID); err != nil {
		_ = r.refuse(link.ReasonBusy, clip260(err.Error()))
		p.proc.pool.RecordFailure(0, pool.TagPort, "connections")
		return nil, err
	}
	if !r.take() {
		p.accounts.disconnect(r.peer.UID)
		return nil, fmt.Errorf("accepting a connection request that was decided, or whose client is gone")
	}
	c, fd, err := r.connect()
	if err != nil {
		r.finish()
		p.accounts.disconnect(r.peer.UID)
		_ = r.link.Send(&link.Frame{Kind: link.Refuse, Reason: link.ReasonMemory, Text: clip260(err.Error())}, -1)
		r.link.Close()
		return nil, err
	}
	failpoint.At(failpoint.AcceptMade)
	emit(p.opts.Trace, Event{What: "accept", Port: p.name.Short(), Peer: r.peer, Bytes: len(info)})
	f := link.Frame{Kind: link.Accept, Flags: link.FlagServes, Value: uint64(p.opts.MaxMessage), Channel: c.number, Text: info}
	r.finish()
	err = r.link.Send(&f, fd)
	_ = unix.Close(fd)
	if err != nil {
		err = fmt.Errorf("%w in the handshake: %w", ErrPeerDied, err)
		c.end(err, link.ReasonNone)
		return nil, err
	}
	failpoint.At(failpoint.AcceptSent)
	emit(p.opts.Trace, Event{What: "complete", Port: p.name.Short(), Peer: r.peer})
	c.rang()  // bells that came before the connection took the socket over
	c.ready() // frames that came before the connection took the socket over
	return c, nil
}

// connect makes the server's end with its channel. fd is the caller's.
func (r *Pending) connect() (*Conn, int, error) {
	p := r.port
	c, err := newConn(p.proc, pool.PortServerComm, p.name.Short())
	if err != nil {
		return nil, -1, err
	}
	c.port, c.disp, c.trace, c.onClose = p, p.disp, p.opts.Trace, p.opts.OnClose
	c.peer, c.peerPID, c.info, c.serves = r.peer, uint64(r.peer.PID), r.info, r.serves
	c.maxMessage = min(p.opts.MaxMessage, r.max)
	c.rec.ConnectionPort = p.addr
	number, err := channelNumber()
	if err == nil {
		var mem *section.Section
		var fd int
		if mem, fd, err = channel.Create(number); err == nil {
			c.link = r.link
			c.attach(mem, number)
			r.mu.Lock()
			r.conn = c
			r.mu.Unlock()
			err = r.link.Start(c.ready)
			p.mu.Lock()
			closed := p.closed
			p.conns[c] = struct{}{}
			p.mu.Unlock()
			p.disp.mu.Lock()
			p.rec.Connections++
			p.disp.mu.Unlock()
			if closed || err != nil {
				_ = c.Close()
			}
			return c, fd, nil
		}
	}
	p.proc.pool.CloseHandle(c.handle)
	p.proc.pool.Free(c.addr)
	return nil, -1, err
}
