package engine

import (
	"errors"

	"golang.org/x/sys/unix"

	"github.com/seed-eedd8485/lpc/internal/link"
	"github.com/seed-eedd8485/lpc/internal/pool"
	"github.com/seed-eedd8485/lpc/namespace"
	"github.com/seed-eedd8485/lpc/section"
	"github.com/seed-eedd8485/lpc/wire"
)

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
	h := &halfConn{mapped: make(chan uint64, 1), info: append([]byte(nil), info[:min(len(info), p.opts.maxInfo)]...)}
	c, _, err = r.admit(func(c *Conn, fd int) {
		h.fd = fd
		if context == 0 {
			context = uint64(c.handle.Load())
		}
		c.rec.PortContext = context
		if p.opts.waitable {
			c.rec.Flags |= pool.PortWaitable
		}
		c.held, c.half = true, h
		c.last.closed = p.disp.kernelMessage(c, wire.TypePortClosed, r.created)
		r.mu.Lock()
		client, r.view = r.view, nil
		r.mu.Unlock()
		if client != nil {
			h.clientView, c.viewed = uint64(client.Base()), client.Size()
		}
	})
	if err != nil {
		return nil, nil, 0, err
	}
	r.finish()
	c.rang()
	c.ready()
	if mine != nil {
		if remote, err = c.offer(h, mine); err != nil {
			if client != nil {
				_ = client.Unmap() // its count goes with the records
			}
			_ = c.Close() // which refuses
			c.letGo()     // no handle will
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

// DialNative connects for a thread of the native face.
func DialNative(t *Thread, name namespace.Name, o DialOptions) (*Conn, error) {
	if err := t.begin(); err != nil {
		return nil, err
	}
	defer t.leave()
	o.thread = t
	return Dial(t.ctx, name, o)
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
