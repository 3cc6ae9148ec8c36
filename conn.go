package lpc

import (
	"context"

	"github.com/seed-eedd8485/lpc/internal/engine"
	"github.com/seed-eedd8485/lpc/namespace"
)

// DialOptions say how a client connects. The zero value, and nil, are the defaults.
type DialOptions struct {
	// Info is connection information for the server, at most 260 bytes.
	Info []byte
	// Handler serves callbacks and datagrams from the server. Nil: callbacks fail
	// at the server with ErrNoHandler, datagrams are dropped.
	Handler Handler
	// ServerUID, if not nil, is the user that must own the listening process;
	// another's port gives ErrPermission.
	ServerUID *uint32
	// MaxMessage is the largest data of one message, in bytes: 1 GiB unless set.
	// The smaller of both ends' limits holds.
	MaxMessage int
	// OnClose is told when the connection has ended, and why.
	OnClose func(*Conn, error)
	// Trace is told of each step of the connection. It is called where the step
	// happens and must not block. Nil costs nothing.
	Trace func(TraceEvent)
	// Tag names, in what debuggers show, the section memory that this end allocates:
	// one to four printable ASCII characters. "Sect" unless set.
	Tag string
	// RefuseDeadlock, if not nil, is asked about each call that waits for longer than
	// a millisecond and was made with a Request's Context; package deadlock has one
	// that looks. A call that it finds in a proved cycle of waits fails with
	// ErrDeadlock. Cycles through processes that this one may not read are not seen.
	RefuseDeadlock DeadlockCheck
}

// A DeadlockCheck tells whether a thread of this process (the address of its record,
// as debuggers show it) waits for itself with the message of that id: who waits for
// whom in sentences, "" for no. It is called on a goroutine of its own.
type DeadlockCheck = engine.DeadlockCheck

// A Conn is one end of a connection.
type Conn struct{ c *engine.Conn }

// Dial connects to the port of that name. It gives ErrNotFound when there is none,
// ErrPermission when the port does not admit the caller, a RefusedError with the
// server's information when its program refused, and ErrPeerDied or ErrPortClosed
// when the server went away meanwhile.
func Dial(ctx context.Context, name string, o *DialOptions) (*Conn, error) {
	n, err := namespace.Parse(name)
	if err != nil {
		return nil, wrap("dial", name, 0, err)
	}
	if o == nil {
		o = &DialOptions{}
	}
	eo := engine.DialOptions{Info: o.Info, ServerUID: o.ServerUID, MaxMessage: o.MaxMessage, Trace: tracer(o.Trace), Deadlock: o.RefuseDeadlock}
	if eo.Tag, err = engine.ParseTag(o.Tag); err != nil {
		return nil, wrap("dial", n.Short(), 0, err)
	}
	if o.Handler != nil {
		eo.Handler = engineHandler(o.Handler)
	}
	if f := o.OnClose; f != nil {
		eo.OnClose = func(c *engine.Conn, err error) { f(&Conn{c}, wrap("connection", c.Name(), 0, err)) }
	}
	c, err := engine.Dial(ctx, n, eo)
	if err != nil {
		return nil, wrap("dial", n.Short(), 0, err)
	}
	return &Conn{c}, nil
}

// Call sends req and waits for the reply, which is the caller's to keep. req is
// read before Call waits and not kept. When ctx ends first, Call returns its cause
// at once, and the server's reply goes nowhere.
func (c *Conn) Call(ctx context.Context, req []byte) ([]byte, error) {
	id, reply, err := c.c.Call(ctx, req)
	if err != nil {
		return nil, wrap("call", c.c.Name(), id, err)
	}
	return reply, nil
}

// CallInto is Call with the reply copied into reply; n is its size in bytes. It
// allocates nothing while calls are answered without parking. A reply that is
// larger than the buffer gives ErrTooLarge and its size.
func (c *Conn) CallInto(ctx context.Context, req, reply []byte) (n int, err error) {
	id, n, err := c.c.CallInto(ctx, req, reply)
	if err != nil {
		return n, wrap("call", c.c.Name(), id, err)
	}
	return n, nil
}

// Send sends a datagram: a message without a reply. It waits while the receiver's
// ring is full; it does not wait until the message was received.
func (c *Conn) Send(ctx context.Context, data []byte) error {
	id, err := c.c.Send(ctx, data)
	if err != nil {
		return wrap("send", c.c.Name(), id, err)
	}
	return nil
}

// Alloc gives n bytes of section memory, in which a request is built where the
// server will read it. The first buffers of a size are made by the server and
// waited for; Release keeps them for the next.
func (c *Conn) Alloc(ctx context.Context, n int) (*Buffer, error) {
	b, err := c.c.Alloc(ctx, n)
	if err != nil {
		return nil, wrap("alloc", c.c.Name(), 0, err)
	}
	return &Buffer{b}, nil
}

// AllocTag is Alloc under a tag of its own: one to four printable ASCII characters, by
// which `lpc pool` and kd's !poolused, !poolfind and !pooldiff tell whose memory it is.
// A process that was started with LPC_STACKS=1 also records where it was allocated.
func (c *Conn) AllocTag(ctx context.Context, n int, tag string) (*Buffer, error) {
	t, err := engine.ParseTag(tag)
	if err != nil {
		return nil, wrap("alloc", c.c.Name(), 0, err)
	}
	b, err := c.c.AllocTag(ctx, n, t)
	if err != nil {
		return nil, wrap("alloc", c.c.Name(), 0, err)
	}
	return &Buffer{b}, nil
}

// CallBuffer calls with data that stands in a buffer of this connection; nothing
// is copied. The buffer stays the caller's and may be used again when the call has
// returned; after an error that is not the server's answer its content may still
// be read by the server. The reply may stand in the buffer.
func (c *Conn) CallBuffer(ctx context.Context, req *Buffer) (Reply, error) {
	id, r, err := c.c.CallBuffer(ctx, req.b)
	if err != nil {
		return Reply{}, wrap("call", c.c.Name(), id, err)
	}
	return Reply{r}, nil
}

// SendBuffer sends a buffer as a datagram. The buffer is given away, also when it
// fails.
func (c *Conn) SendBuffer(ctx context.Context, b *Buffer) error {
	id, err := c.c.SendBuffer(ctx, b.b)
	if err != nil {
		return wrap("send", c.c.Name(), id, err)
	}
	return nil
}

// Info is the other end's connection information.
func (c *Conn) Info() []byte { return c.c.Info() }

// Peer is the other end, as the kernel names it.
func (c *Conn) Peer() Caller { return callerOf(c.c.Peer()) }

// Name is the port's name as given, without `\RPC Control\`.
func (c *Conn) Name() string { return c.c.Name() }

// SetContext keeps a value with this end of the connection: NT's PortContext.
func (c *Conn) SetContext(v any) { c.c.SetUserData(v) }

// Context is the value that SetContext kept.
func (c *Conn) Context() any { return c.c.UserData() }

// Close ends the connection. Calls in progress, here and at the other end, return
// ErrPortClosed. It may be called more than once.
func (c *Conn) Close() error { return wrap("close", c.c.Name(), 0, c.c.Close()) }

// Done is closed when the connection has ended, by either end or by a death.
func (c *Conn) Done() <-chan struct{} { return c.c.Done() }

// Err is why the connection ended: ErrPortClosed, ErrPeerDied or ErrProtocol. Nil
// while it lives.
func (c *Conn) Err() error { return wrap("connection", c.c.Name(), 0, c.c.Err()) }

// A Buffer is section memory in the caller's hands. It is for one goroutine at a
// time.
type Buffer struct{ b *engine.Buffer }

// Bytes is the memory, of the size that was asked for; both processes map it. What
// it holds at first is not defined.
func (b *Buffer) Bytes() []byte { return b.b.Bytes() }

// Release gives the memory back to the connection. Bytes must not be used any more.
func (b *Buffer) Release() { b.b.Release() }

// A Reply is the reply of CallBuffer where it stands. It is for one goroutine at a
// time.
type Reply struct{ r engine.Reply }

// Len is the reply's size in bytes.
func (r *Reply) Len() int {
	b, _ := r.r.Data()
	return len(b)
}

// View is the reply. A reply of more than 304 bytes stands in section memory, which
// the server can still change: copy what must not change while it is checked. It is
// valid until Release, and no longer than the request's buffer.
func (r *Reply) View() []byte {
	b, _ := r.r.Data()
	return b
}

// Bytes is a private copy of the reply.
func (r *Reply) Bytes() []byte { return append([]byte(nil), r.View()...) }

// Release gives the view up.
func (r *Reply) Release() { r.r.Release() }
