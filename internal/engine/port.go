package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/seed-eedd8485/lpc/internal/failpoint"
	"github.com/seed-eedd8485/lpc/internal/link"
	"github.com/seed-eedd8485/lpc/internal/pool"
	"github.com/seed-eedd8485/lpc/namespace"
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
	Tag        pool.Tag // of section memory that the port's end allocates; 0: TagSection

	native    bool // see NativeOptions
	waitable  bool
	maxLength uint16
	maxInfo   int
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
	freed    bool
	later    bool // a timer will look for clients
	done     chan struct{}
}

const (
	handshakeTime = 5 * time.Second // for a client that connects and says nothing
	acceptRetry   = 100 * time.Millisecond
	acceptsInARow = 64 // before those that were accepted are read
)

// Listen makes a connection port with a name.
func Listen(name namespace.Name, o PortOptions) (*Port, error) { return createPort(&name, o) }

// createPort makes a connection port, or with a nil name an unconnected one.
func createPort(named *namespace.Name, o PortOptions) (*Port, error) {
	kind, name := uint32(pool.PortUnconnected), namespace.Name{}
	if named != nil {
		kind, name = pool.PortConnection, *named
	}
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
	initPort(pr, rec, a, kind)
	rec.MaxSectionBytes = uint64(p.accounts.limits.BytesPerUID)
	if o.native {
		rec.MaxMessageLength, rec.MaxConnectionInfoLength = o.maxLength, uint16(o.maxInfo)
	}
	if named != nil {
		rec.ConnectionPort = a
		text := name.String()
		na, err := pr.pool.AllocText(pool.TagPort, text, a)
		if err != nil {
			pr.pool.Free(a)
			return nil, err
		}
		rec.Name, rec.NameLength, p.nameAddr = na, uint64(len(text)), na
	} else {
		rec.ConnectedPort = a
	}
	p.disp = newDispatcher(pr, rec, a, o.MaxWorkers, name.Short(), o.Trace)
	p.disp.manual = o.native
	if o.waitable {
		rec.Flags |= pool.PortWaitable
		p.disp.event.waitable = true
	}
	if err == nil {
		if p.handle, err = pr.pool.NewHandle(a, pool.PortAllAccess); err == nil {
			rec.Handle, rec.HandleCount = uint32(p.handle), 1
			if named != nil {
				err = p.listen(poller)
			}
		}
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
	if !p.opts.native { // nothing with a descriptor comes from the clients of such a port
		link.RefuseRights(p.listener.FD())
	}
	if p.src, err = poller.Add(p.listener.FD(), p.incoming); err != nil {
		_ = p.listener.Close()
		p.listener = nil
	}
	return err
}

// free gives the records back.
func (p *Port) free() {
	p.proc.pool.CloseHandle(p.handle)
	if p.nameAddr != 0 {
		p.proc.pool.Free(p.nameAddr)
	}
	p.disp.closeEvent()
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

// errClosing: a user has as many descriptors here that cannot be closed as may be.
var errClosing = fmt.Errorf("%w: %w", ErrQuota, link.ErrUnclosed)

// accept accepts one client. The listener's number is nobody else's meanwhile: p.mu is held,
// under which Close takes the listener away before it closes it. io.EOF: it has.
func (p *Port) accept() (fd int, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.listener == nil:
		return -1, io.EOF
	case p.later:
		return -1, unix.EAGAIN // there is nothing to accept with
	case link.Held() >= link.MostHeld:
		err = errClosing
	default:
		fd, _, err = unix.Accept4(p.listener.FD(), unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
	}
	switch {
	case err == nil, errors.Is(err, unix.EAGAIN), errors.Is(err, unix.EINTR), errors.Is(err, unix.ECONNABORTED):
		return fd, err
	}
	// No descriptors, no memory: the edge is used up, so come back. Edges until then are not
	// answered, and make no timers of their own.
	p.later = true
	time.AfterFunc(acceptRetry, func() {
		p.mu.Lock()
		p.later = false
		p.mu.Unlock()
		p.incoming()
	})
	return -1, err
}

// incoming accepts what has connected. It runs on the poller's goroutine, or a timer's.
func (p *Port) incoming() {
	for range acceptsInARow {
		switch fd, err := p.accept(); {
		case err == nil:
			p.greet(fd)
		case errors.Is(err, unix.EINTR), errors.Is(err, unix.ECONNABORTED):
		default:
			return
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if poller, err := link.Default(); err == nil && p.listener != nil && p.src != nil {
		poller.Again(p.src)
	}
}

// greet begins the handshake with a client that has connected.
func (p *Port) greet(fd int) {
	id, err := security.FromSocket(fd)
	if err != nil {
		link.Dispose(fd)
		return
	}
	r := &Pending{port: p, peer: id}
	quota := "handshakes open for one uid"
	if link.Unclosed(id.UID) >= link.MostUnclosed {
		quota, err = "descriptors that cannot be closed", errClosing
	} else {
		err = p.accounts.halfOpen(id.UID)
	}
	if err != nil {
		p.proc.pool.RecordFailure(0, pool.TagPort, quota)
		p.proc.failed(p.name.Short(), uint64(id.PID), 0, fmt.Errorf("%w: %w", ErrRefused, err))
		if l, e := link.New(fd); e == nil {
			_ = l.Send(&link.Frame{Kind: link.Refuse, Reason: link.ReasonBusy, Text: clip260(err.Error())}, -1)
			l.Close()
		}
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
	if p.opts.native {
		p.mu.Unlock()
		p.enqueueRequest(r)
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

// unname takes the name back, once: nobody is let in any more. It gives the connections
// that the port has, never nil, and those that ask to be let in; nil, nil where the port was
// closed already.
func (p *Port) unname() (conns []*Conn, half []*Pending, err error) {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return nil, nil, nil
	}
	p.closed = true
	close(p.done)
	l, src := p.listener, p.src
	p.listener, p.queue = nil, nil
	conns = slices.AppendSeq(make([]*Conn, 0, len(p.conns)), maps.Keys(p.conns))
	half = slices.Collect(maps.Keys(p.half))
	p.mu.Unlock()
	poller, err := link.Default()
	if err == nil && src != nil {
		poller.Remove(src)
	}
	if l != nil {
		turnAway(l.FD())
		err = l.Close()
	}
	p.disp.mu.Lock()
	p.rec.Flags |= pool.PortNameDeleted
	p.disp.mu.Unlock()
	return conns, half, err
}

// turnAway empties a listener's backlog: closed with the listener, what those clients have
// sent would be waited for. Nobody is let into the backlog any more; without a descriptor to
// accept with, the rest is left.
func turnAway(listener int) {
	_ = unix.Shutdown(listener, unix.SHUT_RD)
	for {
		fd, _, err := unix.Accept4(listener, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
		switch {
		case err == nil:
			link.Dispose(fd)
		case errors.Is(err, unix.EINTR), errors.Is(err, unix.ECONNABORTED):
		default:
			return
		}
	}
}

// Close takes the name back and ends every connection of the port.
func (p *Port) Close() error {
	conns, half, err := p.unname()
	if conns == nil {
		return nil // it was closed already
	}
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
	if !p.freed {
		p.freed = true
		p.disp.finished()
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
	if last && p.opts.native {
		p.gone()
	} else if last {
		p.freeOnce()
	}
}
