package lpc

import (
	"context"
	"fmt"
	"io/fs"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/seed-eedd8485/lpc/internal/engine"
	"github.com/seed-eedd8485/lpc/namespace"
	"github.com/seed-eedd8485/lpc/security"
)

// ListenOptions say how a port behaves. The zero value, and nil, are the defaults.
type ListenOptions struct {
	// MaxMessage is the largest data of one message, in bytes: 1 GiB unless set.
	MaxMessage int
	// MaxConns and MaxConnsPerUID bound the connections of the port, and those
	// of one user: 65,536 and 32,768 unless set.
	MaxConns, MaxConnsPerUID int
	// MaxSectionBytesPerUID bounds the section memory that one user's connections
	// can make this process provide, counted when it is granted: 16 GiB unless set.
	MaxSectionBytesPerUID int64
	// MaxWorkers bounds the handlers that run at once: 1,024 unless set. What
	// comes beyond waits in the port's queue.
	MaxWorkers int
	// AllowEveryone and AllowUIDs say who may connect besides the port's owner
	// and root, who always may.
	AllowEveryone bool
	AllowUIDs     []uint32
	// OnConnect decides each connection request while Serve runs, on a goroutine
	// of its own. It must call Accept or Refuse; if it returns without, the
	// request is refused. Nil: every request is accepted.
	OnConnect func(*ConnRequest)
	// OnClose is told of each accepted connection that has ended, after the last
	// handler of it has returned, and why: ErrPortClosed, ErrPeerDied, ErrProtocol.
	OnClose func(*Conn, error)
	// ManualAccept leaves connection requests to Port.Accept.
	ManualAccept bool
	// Tag names, in what debuggers show, the section memory that this process
	// allocates for the port: one to four printable ASCII characters. "Sect" unless
	// set.
	Tag string
	// Trace is told of each step of the port. It is called where the step
	// happens and must not block. Nil costs nothing.
	Trace func(TraceEvent)
}

// A Port is a connection port: it has a name and takes connections.
type Port struct {
	p    *engine.Port
	auto bool
}

// Listen makes a connection port. The name is an NT path (`\RPC Control\spool`),
// ncalrpc:[spool], or just spool, which both mean the same; case does not matter.
//
// It gives ErrInUse when a live port has the name (a name left by a process that
// died is taken over), ErrInvalidName, and ErrPermission for a directory that is
// not the caller's to listen in. The port is ready for connections when Listen
// returns; they wait until Serve or Accept.
func Listen(name string, o *ListenOptions) (*Port, error) {
	n, err := namespace.Parse(name)
	if err != nil {
		return nil, wrap("listen", name, 0, err)
	}
	if o == nil {
		o = &ListenOptions{}
	}
	p := &Port{auto: !o.ManualAccept}
	eo := engine.PortOptions{
		MaxMessage: o.MaxMessage, MaxWorkers: o.MaxWorkers, Trace: tracer(o.Trace),
		Limits: engine.Limits{Connections: o.MaxConns, ConnectionsPerUID: o.MaxConnsPerUID, BytesPerUID: o.MaxSectionBytesPerUID},
	}
	if eo.Tag, err = engine.ParseTag(o.Tag); err != nil {
		return nil, wrap("listen", n.Short(), 0, err)
	}
	if o.AllowEveryone || len(o.AllowUIDs) > 0 {
		eo.Mode = fs.FileMode(0o666)
		all, uids, own := o.AllowEveryone, slices.Clone(o.AllowUIDs), uint32(unix.Geteuid())
		eo.Admit = func(id security.Identity) bool {
			return all || id.UID == 0 || id.UID == own || slices.Contains(uids, id.UID)
		}
	}
	if f := o.OnConnect; f != nil {
		eo.OnConnect = func(r *engine.Pending) { f(&ConnRequest{r}) }
	}
	if f := o.OnClose; f != nil {
		eo.OnClose = func(c *engine.Conn, err error) { f(&Conn{c}, wrap("connection", c.Name(), 0, err)) }
	}
	if p.p, err = engine.Listen(n, eo); err != nil {
		return nil, wrap("listen", n.Short(), 0, err)
	}
	return p, nil
}

// Name is the port's full name, `\RPC Control\spool`.
func (p *Port) Name() string { return p.p.Name().String() }

// Accept waits for a connection request. It is for ports with ManualAccept, and
// for those that nobody serves; Serve decides the requests of all others.
func (p *Port) Accept(ctx context.Context) (*ConnRequest, error) {
	r, err := p.p.Accept(ctx)
	if err != nil {
		return nil, wrap("accept", p.p.Name().Short(), 0, err)
	}
	return &ConnRequest{r}, nil
}

// Close takes the name back and ends every connection of the port. Serve and
// Accept return, as do the clients' calls, with ErrPortClosed. Handlers that are
// running end by themselves; their replies go nowhere.
func (p *Port) Close() error { return wrap("close", p.p.Name().Short(), 0, p.p.Close()) }

// PortStats are a port's counters.
type PortStats struct {
	Connections int // now
	Queued      int // messages that wait for a worker
	InProgress  int // calls received and not replied to
	Calls       uint64
	Datagrams   uint64
	Failures    uint64 // connections that ended because the peer broke the protocol
}

// Stats are the port's counters now.
func (p *Port) Stats() (s PortStats) {
	s.Connections, s.Queued, s.InProgress, s.Calls, s.Datagrams, s.Failures = p.p.Stats()
	return s
}

// Serve receives for the port and calls h for each message until ctx ends or the
// port is closed; then it waits for the handlers that run and returns the cause of
// ctx, or ErrPortClosed. A port is served once. Closing the port is the caller's.
//
// A handler runs on the goroutine that received its message when nothing else is
// to do, else on a worker; either way a slow handler stalls nobody else. Messages
// of one connection are taken in the order in which they were sent; their handlers
// run at once, so that one may begin before up to MaxWorkers-1 earlier ones have.
// With MaxWorkers 1 the order is strict.
func Serve(ctx context.Context, p *Port, h Handler) error {
	if h == nil {
		return wrap("serve", p.p.Name().Short(), 0, fmt.Errorf("the handler is nil"))
	}
	return wrap("serve", p.p.Name().Short(), 0, p.p.Serve(ctx, engineHandler(h), p.auto))
}

// A ConnRequest is a client that wants to connect.
type ConnRequest struct{ r *engine.Pending }

// Info is the client's connection information, at most 260 bytes. It is the
// caller's to keep.
func (r *ConnRequest) Info() []byte { return r.r.Info() }

// Caller is the client, as the kernel names it.
func (r *ConnRequest) Caller() Caller { return callerOf(r.r.Peer()) }

// Accept makes the connection; info, at most 260 bytes, goes to the client, whose
// Dial returns. The server's end is returned.
func (r *ConnRequest) Accept(info []byte) (*Conn, error) {
	c, err := r.r.Accept(info)
	if err != nil {
		return nil, wrap("accept", "", 0, err)
	}
	return &Conn{c}, nil
}

// Refuse refuses the connection: the client's Dial returns a RefusedError with
// info, at most 260 bytes.
func (r *ConnRequest) Refuse(info []byte) error { return wrap("refuse", "", 0, r.r.Refuse(info)) }

// A Caller is who is at the other end, as the kernel told it when the connection
// was made (unix(7), SO_PEERCRED and SO_PEERGROUPS). The pid is a label: the
// process may have died and its number have been used again.
type Caller struct {
	PID    int
	UID    uint32
	GID    uint32
	Groups []uint32 // supplementary groups
}

func callerOf(id security.Identity) Caller {
	return Caller{PID: id.PID, UID: id.UID, GID: id.GID, Groups: id.Groups}
}
