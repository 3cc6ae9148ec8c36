package engine

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/seed-eedd8485/lpc/internal/link"
	"github.com/seed-eedd8485/lpc/internal/pool"
	"github.com/seed-eedd8485/lpc/namespace"
	"github.com/seed-eedd8485/lpc/section"
	"github.com/seed-eedd8485/lpc/wire"
)

// localEnds are the ends of connections whose other end is in this process too.
var localEnds struct {
	sync.Mutex
	all map[endKey]*Conn
}

type endKey struct {
	number uint64
	server bool
}

func (c *Conn) enterLocal() {
	localEnds.Lock()
	defer localEnds.Unlock()
	if localEnds.all == nil {
		localEnds.all = map[endKey]*Conn{}
	}
	localEnds.all[endKey{c.number, c.server}] = c
	if o := localEnds.all[endKey{c.number, !c.server}]; o != nil {
		c.rec.ConnectedPort, o.rec.ConnectedPort = o.addr, c.addr
	}
}

func (c *Conn) leaveLocal() {
	localEnds.Lock()
	defer localEnds.Unlock()
	delete(localEnds.all, endKey{c.number, c.server})
	if o := localEnds.all[endKey{c.number, !c.server}]; o != nil {
		o.rec.ConnectedPort = 0
	}
}

// NativeOptions are those of a port of the native face.
type NativeOptions struct {
	PortOptions
	MaxMessageLength        uint16 // header included
	MaxConnectionInfoLength uint16
	Waitable                bool
	Creator                 wire.ClientID
}

// CreatePort makes a connection port of the native face, or with a nil name an
// unconnected communication port.
func CreatePort(name *namespace.Name, o NativeOptions) (*Port, error) {
	o.native = true
	o.MaxMessage = max(int(o.MaxMessageLength)-wire.HeaderSize, 0)
	o.maxLength, o.maxInfo, o.waitable = o.MaxMessageLength, int(o.MaxConnectionInfoLength), o.Waitable
	p, err := createPort(name, o.PortOptions)
	if err != nil {
		return nil, err
	}
	p.rec.Creator = o.Creator
	if name != nil {
		p.enterNative()
	}
	return p, nil
}

// Receive takes the port's next message for t into dst, and gives its context.
func (p *Port) Receive(t *Thread, limit Limit, dst *Native) (context uint64, err error) {
	return p.disp.receiveFor(t, limit, func() error {
		if p.disp.over || p.disp.stopped {
			return ErrPortClosed
		}
		return nil
	}, dst)
}

// Receive takes the next message for t into dst: at a server's end from the connection
// port's queue, at a client's from its own. Who waits through a server's end whose client
// goes waits on: what comes is the queue's.
func (c *Conn) Receive(t *Thread, limit Limit, dst *Native) (context uint64, err error) {
	if c.server && c.over.Load() {
		return 0, c.Err()
	}
	return c.disp.receiveFor(t, limit, func() error {
		switch {
		case c.server && c.closedHere.Load(), !c.server && c.retired && c.disp.queueLen == 0:
			return c.Err()
		case c.server && c.disp.stopped:
			return fmt.Errorf("%w: the connection port is gone", ErrPortClosed)
		}
		return nil
	}, dst)
}

// Waken has every thread in Receive look whether it still may: the object that it
// receives through was closed.
func Waken(o Object) { o.dispatcher().wakeAllNative() }

// enqueueRequest puts a connection request on the port's queue.
func (p *Port) enqueueRequest(r *Pending) {
	d := p.disp
	r.mu.Lock()
	m := r.msg
	r.mu.Unlock()
	if m == nil {
		return // decided, or gone, already
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.stopped || m.pending != r {
		return // decided meanwhile: its client is gone
	}
	d.enqueue(m)
	d.wakeNative()
}

// recordNative writes a connection request down as a message of the port.
func (r *Pending) recordNative(f *link.Frame) {
	m, err := r.port.disp.made(wire.PortMessage{
		Type:     wire.TypeConnectionRequest,
		ClientID: wire.ClientID{UniqueProcess: uint64(r.peer.PID), UniqueThread: uint64(f.Section)}, MessageID: f.Number,
		CallbackID: r.viewSize(), // NT's ClientViewSize
	}, r.info, r.port.addr)
	if err != nil {
		return
	}
	m.pending, r.msg = r, m
}

// nativePorts are the named ports of the native face that this process has.
var nativePorts struct {
	sync.Mutex
	all map[*Port]struct{}
}

func (p *Port) enterNative() {
	nativePorts.Lock()
	defer nativePorts.Unlock()
	if nativePorts.all == nil {
		nativePorts.all = map[*Port]struct{}{}
	}
	nativePorts.all[p] = struct{}{}
}

// FindPending is the connection request that a received message was, if nobody has
// decided it yet.
func FindPending(h *wire.PortMessage) (*Pending, error) {
	nativePorts.Lock()
	defer nativePorts.Unlock()
	for p := range nativePorts.all {
		if r := p.pending(h); r != nil {
			return r, nil
		}
	}
	return nil, missing(h.ClientID)
}

func (p *Port) pending(h *wire.PortMessage) *Pending {
	p.mu.Lock()
	defer p.mu.Unlock()
	for r := range p.half {
		r.mu.Lock()
		ok := r.state == pendingOffered && r.received.Load() && r.msg != nil && r.msg.rec.Request.ClientID == h.ClientID && r.msg.rec.Request.MessageID == h.MessageID
		r.mu.Unlock()
		if ok && h.MessageID != 0 {
			return r
		}
	}
	return nil
}

// RefuseNative refuses the request; the client gets as much of info as the port allows.
func (r *Pending) RefuseNative(info []byte) error {
	if !r.take() {
		return ErrMismatch
	}
	r.finish()
	_ = r.link.Send(&link.Frame{Kind: link.Refuse, Reason: link.ReasonNone, Text: info[:min(len(info), r.port.opts.maxInfo)]}, -1)
	r.link.Close() // a client that does not read has gone its own way
	return nil
}

// Prepare accepts the request without telling the client: NtAcceptConnectPort. The
// client's connect returns with Complete. mine is a view for the client, which maps it at
// remote; client is the client's, the caller's from now on. Where the client does not map
// it, it is refused.
func (r *Pending) Prepare(context uint64, info []byte, mine *ViewOffer) (c *Conn, client *section.Section, remote uint64, err error) {
	p := r.port
	r.ready() // a client that is gone has said so
	c, fd, err := r.admit()
	if err != nil {
		return nil, nil, 0, err
	}
	if context == 0 {
		context = uint64(c.handle)
	}
	c.rec.PortContext = context
	if p.opts.waitable {
		c.rec.Flags |= pool.PortWaitable
	}
	c.held = true
	c.last.closed = p.disp.kernelMessage(c, wire.TypePortClosed, r.created)
	h := &halfConn{fd: fd, mapped: make(chan uint64, 1), info: append([]byte(nil), info[:min(len(info), p.opts.maxInfo)]...)}
	c.mu.Lock()
	c.half = h
	c.mu.Unlock()
	r.mu.Lock()
	client, r.view = r.view, nil
	r.mu.Unlock()
	if client != nil {
		h.clientView = uint64(client.Base())
	}
	r.finish()
	c.rang()
	c.ready()
	if mine != nil {
		if remote, err = c.offer(h, mine); err != nil {
			if client != nil {
				_ = client.Unmap()
			}
			_ = c.Close() // which refuses
			return nil, nil, 0, err
		}
	}
	return c, client, remote, nil
}

// viewSize is the size of the client's view. r.mu is held.
func (r *Pending) viewSize() uint64 {
	if r.view == nil {
		return 0
	}
	return uint64(r.view.Size())
}

// A halfConn is what a connection that is accepted and not completed holds.
type halfConn struct {
	fd         int // of the channel, for the client
	info       []byte
	clientView uint64      // where the client's view is mapped here, 0: it has none
	mapped     chan uint64 // where the client has mapped the server's
}

// ErrNotPending: the connection was completed, or is none that was accepted here.
var ErrNotPending = errors.New("the connection was completed already")

// Complete lets the client's connect return: NtCompleteConnectPort.
func (c *Conn) Complete() error {
	c.mu.Lock()
	h, done := c.half, c.completed
	c.half, c.completed = nil, true
	c.mu.Unlock()
	switch {
	case done:
		return ErrNotPending
	case h == nil:
		return nil // the client is gone already
	}
	defer func() { _ = unix.Close(h.fd) }()
	if h.clientView != 0 {
		_ = c.link.Send(&link.Frame{Kind: link.View, Channel: h.clientView}, -1) // as below
	}
	f := link.Frame{Kind: link.Accept, Flags: link.FlagServes | link.FlagNative | c.port.waitableFlag(), Value: uint64(c.port.opts.MaxMessage), Channel: c.number, Number: uint32(c.port.opts.maxLength), Text: h.info}
	if err := c.link.Send(&f, h.fd); err != nil {
		return nil // the client is gone, and the socket's end says so
	}
	return nil
}

func (p *Port) waitableFlag() uint16 {
	if p.opts.waitable {
		return link.FlagWaitable
	}
	return 0
}

// uncomplete takes back an acceptance that was not completed: the client is refused.
func (c *Conn) uncomplete() {
	c.mu.Lock()
	h := c.half
	c.half = nil
	c.mu.Unlock()
	if h != nil {
		_ = c.link.Send(&link.Frame{Kind: link.Refuse, Reason: link.ReasonNone, Text: h.info}, -1)
		_ = unix.Close(h.fd)
	}
}

// CloseName takes the port's name back and refuses who asks to be let in; connections
// go on. When the last of them is gone the port is. NT: the last handle of a connection
// port was closed.
func (p *Port) CloseName() error {
	conns, half, err := p.unname()
	if conns == nil {
		return nil // it was closed already
	}
	for _, r := range half {
		r.drop(ErrPortClosed)
	}
	loseLocal(p)
	if len(conns) == 0 {
		p.gone()
	} else {
		p.purgeIfLost()
	}
	return err
}

// gone ends a port of the native face that has neither name nor connections.
func (p *Port) gone() {
	nativePorts.Lock()
	delete(nativePorts.all, p)
	nativePorts.Unlock()
	d := p.disp
	d.stop()
	d.wakeAllNative()
	d.purge()
	p.freeOnce()
}

// purge throws the queue away: nobody can receive from it any more.
func (d *dispatcher) purge() {
	var rest []*Message
	d.mu.Lock()
	for {
		m := d.dequeue()
		if m == nil {
			break
		}
		if m.conn == nil && m.pending == nil {
			d.keep(m)
			continue
		}
		rest = append(rest, m)
	}
	d.mu.Unlock()
	for _, m := range rest {
		if u := (Use{m, m.use.Load(), m.conn}); m.conn != nil && u.claim() {
			m.finish()
		}
	}
}

// DialNative connects for a thread of the native face.
func DialNative(ctx context.Context, t *Thread, name namespace.Name, o DialOptions) (*Conn, error) {
	o.thread = t
	return Dial(ctx, name, o)
}

// mark notes that a thread has received the request. The dispatcher's lock is held.
func (r *Pending) mark(m *Message) {
	r.received.Store(true)
	m.rec.State = pool.MessageDeferred
}

// decided gives a connection request's message back, if no thread is about to take it.
func (m *Message) decided() {
	d := m.d
	d.mu.Lock()
	if m.rec.State == pool.MessageQueued {
		d.proc.pool.Remove(m.addr)
		d.queueLen--
		d.rec.QueueLength--
	}
	m.pending = nil
	m.rec.State = pool.MessageFree
	kept := d.keep(m)
	d.mu.Unlock()
	if !kept {
		d.proc.pool.Free(m.addr)
	}
}

// MaxLength is NT's MaxMessageLength of the connection's port, bytes with the header.
func (c *Conn) MaxLength() int {
	if c.port != nil {
		return int(c.port.opts.maxLength)
	}
	return int(c.maxTotal)
}

// MaxLength is NT's MaxMessageLength of the port.
func (p *Port) MaxLength() int { return int(p.opts.maxLength) }

// Handles of the native face.

// Number is the number of the object's first handle in the process's table.
func (p *Port) Number() uint32 { return uint32(p.handle) }

// Number is the number of the object's first handle in the process's table.
func (c *Conn) Number() uint32 { return uint32(c.handle) }

// Duplicate enters the object in the handle table once more.
func Duplicate(o Object, access uint32) (uint32, error) {
	rec, a, pr := record(o)
	h, err := pr.pool.NewHandle(a, access)
	if err == nil {
		d := o.dispatcher()
		d.mu.Lock()
		rec.HandleCount++
		d.mu.Unlock()
	}
	return uint32(h), err
}

// CloseHandle takes a handle of the object out of the table. The object stays.
func CloseHandle(o Object, h uint32) {
	rec, _, pr := record(o)
	pr.pool.CloseHandle(pool.Handle(h))
	d := o.dispatcher()
	d.mu.Lock()
	defer d.mu.Unlock()
	rec.HandleCount--
	switch o := o.(type) {
	case *Port:
		if uint32(o.handle) == h {
			o.handle = 0
		}
	case *Conn:
		if uint32(o.handle) == h {
			o.handle = 0
		}
	}
}

func record(o Object) (*pool.PortObject, pool.Addr, *process) {
	switch o := o.(type) {
	case *Port:
		return o.rec, o.addr, o.proc
	case *Conn:
		return o.rec, o.addr, o.proc
	}
	panic("lpc: an object that is neither port nor connection")
}

// CloseBy ends the connection: the handle's last holder, a thread, closed it.
func (c *Conn) CloseBy(t *Thread) {
	c.closing.Store(uint32(t.cid.UniqueThread))
	_ = c.Close()
	c.mu.Lock()
	free := c.unheld
	c.held, c.unheld = false, false
	c.mu.Unlock()
	c.purgeIfLost()
	if free {
		c.freeRecords()
	}
}

// Server tells the server's end from the client's.
func (c *Conn) Server() bool { return c.server }

// Port is the connection port of a server's end, nil at the client's.
func (c *Conn) Port() *Port { return c.port }

// purgeIfLost throws away what nobody can receive any more: of a client's end that was
// closed, or of a port that is lost.
func (c *Conn) purgeIfLost() {
	if c.port != nil {
		c.port.purgeIfLost()
		return
	}
	c.mu.Lock()
	held := c.held
	c.mu.Unlock()
	if !held {
		c.disp.purge()
	}
}

// purgeIfLost throws the queue away of a port whose name is gone and whose connections
// have all ended: else they would wait for what they left in it.
func (p *Port) purgeIfLost() {
	p.mu.Lock()
	lost := p.closed
	for c := range p.conns {
		lost = lost && c.over.Load()
	}
	p.mu.Unlock()
	if lost {
		p.disp.purge()
	}
}
