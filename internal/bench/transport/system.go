package transport

import (
	"context"
	"errors"
	"fmt"
)

// ErrUnsupported is returned for work that a system has no form of, such as
// datagrams over net/rpc.
var ErrUnsupported = errors.New("not supported by this system")

// System is one way for two processes to call each other.
type System interface {
	// Name is the system's name in tables and flags.
	Name() string

	// Serve starts to answer at addr and returns when a Dial would succeed.
	// addr is a path in a private directory: a system that has names of its
	// own uses the last element. ctx bounds the serving, not the start.
	Serve(ctx context.Context, addr string) (Server, error)

	// Dial connects to a server at addr.
	Dial(ctx context.Context, addr string) (Conn, error)

	// Shared tells whether many callers use one Conn at once. If not, each
	// caller dials its own.
	Shared() bool
}

// Server is the serving side of a System.
type Server interface {
	// Close stops the server and ends its connections.
	Close() error
}

// Conn is the calling side of a connection. Call and Send are safe for
// concurrent use.
type Conn interface {
	// Call sends req and waits for the reply, which it puts into reply. It
	// returns the reply's length. The slices are the caller's again when it
	// returns.
	Call(ctx context.Context, req, reply []byte) (int, error)

	// Send sends data one way. That it returned does not mean it arrived.
	Send(ctx context.Context, data []byte) error

	// View returns memory of n bytes to build requests in, in place where
	// the system can. Its user calls with it from one goroutine at a time.
	View(ctx context.Context, n int) (View, error)

	// Close ends the connection.
	Close() error
}

// View is memory in which a request is built.
type View interface {
	// Bytes is the memory. What it holds may be called with again and again.
	Bytes() []byte

	// Call sends the memory as a request and returns the reply, which is
	// valid until the next Call or Close.
	Call(ctx context.Context) ([]byte, error)

	// InPlace tells whether the server reads this memory, not a copy.
	InPlace() bool

	// Close gives the memory back.
	Close() error
}

// Batcher is a Conn that runs its exchanges itself, in a loop that no Go code
// takes part in. Package load prefers it to Call.
type Batcher interface {
	Conn
	// Batch runs n exchanges.
	Batch(n int) error
	// BatchStamped runs len(took) exchanges and puts the ticks of each there.
	BatchStamped(took []uint64) error
}

// systems are all, in the order of tables.
var systems = []System{lpcSystem{}, nativeSystem{}, unixSystem{}, rpcSystem{}, floorSystem{}}

// Named returns the system of that name.
func Named(name string) (System, error) {
	for _, s := range systems {
		if s.Name() == name {
			return s, nil
		}
	}
	return nil, fmt.Errorf("no system %q to measure", name)
}
