package lpc

import (
	"context"

	"github.com/seed-eedd8485/lpc/internal/engine"
)

// A Handler serves messages. ServeLPC is called once for each, by several
// goroutines at once.
type Handler interface {
	ServeLPC(Request)
}

// HandlerFunc is a function as a Handler.
type HandlerFunc func(Request)

// ServeLPC calls f.
func (f HandlerFunc) ServeLPC(r Request) { f(r) }

func engineHandler(h Handler) engine.Handler {
	return func(u engine.Use) { h.ServeLPC(Request{u: u, c: u.Conn(), id: u.ID()}) }
}

// Kind is what a message is.
type Kind int

// The kinds of messages.
const (
	KindCall     Kind = 1 // a client's request: wants a reply
	KindDatagram Kind = 2 // wants none
	KindCallback Kind = 3 // a server's request to a client that waits in a call
)

func (k Kind) String() string {
	switch k {
	case KindCall:
		return "call"
	case KindDatagram:
		return "datagram"
	case KindCallback:
		return "callback"
	}
	return "unknown"
}

// A Request is a message in a handler's hands. It is a value. After its reply, or
// after the handler of a datagram has returned, it is spent: its methods that send
// give ErrReplied, and the memory that View and Bytes gave must not be used.
//
// A handler that returns without a reply fails the call with ErrDropped, unless it
// said Defer.
type Request struct {
	u  engine.Use
	c  *engine.Conn
	id uint32
}

// Kind is what the message is. It is not defined once the request is spent.
func (r Request) Kind() Kind {
	switch {
	case !r.u.WantsReply():
		return KindDatagram
	case r.u.IsCallback():
		return KindCallback
	}
	return KindCall
}

// MessageID is the message's number, as debuggers show it.
func (r Request) MessageID() uint32 { return r.id }

// Conn is the end of the connection that the message came through.
func (r Request) Conn() *Conn { return &Conn{r.c} }

// Caller is who sent the message: the process that made the connection, as the
// kernel names it.
func (r Request) Caller() Caller { return callerOf(r.c.Peer()) }

// Len is the data's size in bytes.
func (r Request) Len() int {
	b, _ := r.u.Data()
	return len(b)
}

// View is the data where it stands. Up to 304 bytes are a copy of the receiver's
// own; more stand in section memory, which the sender can still change: copy what
// must not change while it is checked. It is valid until the reply.
func (r Request) View() []byte {
	b, _ := r.u.Data()
	return b
}

// Bytes is the data in memory that the sender cannot change: a copy is made only
// of more than 304 bytes. It is valid until the reply.
func (r Request) Bytes() []byte {
	b, shared := r.u.Data()
	if shared {
		b = append([]byte(nil), b...)
	}
	return b
}

// Context is for calls that serve this one: it makes them its children in what
// debuggers show, and it is done when the connection ends. It is made anew at each
// call of Context.
func (r Request) Context() context.Context { return engine.WithParent(r.c.Context(), r.u) }

// Impersonate runs f as the caller: on this goroutine's thread, which alone has the
// caller's user, group and groups meanwhile, and no capabilities. Files are opened and
// made as the caller would. It returns f's error, or why f was not called:
// ErrNoPrivilege where this process may not take the caller's ids (it needs CAP_SETUID
// and CAP_SETGID, or to have them already), ErrIdentificationOnly for a caller of another
// user namespace. f must not unlock its goroutine from its thread; goroutines that it
// starts are not the caller's. Package security says what else it does not cover.
func (r Request) Impersonate(ctx context.Context, f func() error) error {
	if ctx.Err() != nil {
		return wrap("impersonate", r.c.Name(), r.id, context.Cause(ctx))
	}
	var own error
	called := false
	err := r.u.Impersonate(func() error {
		called = true
		own = f()
		return own
	})
	if called {
		return own
	}
	return wrap("impersonate", r.c.Name(), r.id, err)
}

// Reply sends the reply, of any size up to the connection's limit. data is copied;
// it may be the request's own. It may be called from any goroutine, once.
//
// ErrAbandoned: the caller did not wait for it.
func (r Request) Reply(data []byte) error {
	if err := r.u.Reply(data); err != nil {
		return wrap("reply", r.c.Name(), r.id, err)
	}
	return nil
}

// Defer says that the reply comes after the handler has returned. It must come,
// also when the connection has ended: the request's memory is kept until then.
func (r Request) Defer() { r.u.Defer() }

// Fail replies with a failure: the caller gets a HandlerError. Of text, the first
// 300 bytes arrive.
func (r Request) Fail(code int, text string) error {
	return wrap("reply", r.c.Name(), r.id, r.u.Fail(code, text))
}

// AllocReply gives memory in which a reply of n bytes is built where the caller
// will read it. ReplyAlloc sends it; asked again, it is given back first.
func (r Request) AllocReply(n int) ([]byte, error) {
	b, err := r.u.Room(n)
	return b, wrap("reply", r.c.Name(), r.id, err)
}

// ReplyAlloc replies with the first n bytes of what AllocReply gave.
func (r Request) ReplyAlloc(n int) error {
	return wrap("reply", r.c.Name(), r.id, r.u.ReplyRoom(n))
}

// Callback calls the client of this request, which waits in its call meanwhile,
// and returns its handler's reply. ErrNoHandler: the client serves none;
// ErrAbandoned: it does not wait any more.
func (r Request) Callback(ctx context.Context, data []byte) ([]byte, error) {
	id, reply, err := r.u.Callback(ctx, data)
	if err != nil {
		return nil, wrap("callback", r.c.Name(), id, err)
	}
	return reply, nil
}
