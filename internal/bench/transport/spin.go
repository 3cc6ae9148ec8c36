package transport

import (
	"context"
	"fmt"
	"net"
	"os"

	"github.com/seed-eedd8485/lpc/internal/bench/floor"
)

// floorSystem is the spin ping-pong of package floor as a system: 32 bytes and
// nothing else. Each connection's server goroutine spins from Dial to Close,
// so it must be open only while it is measured.
type floorSystem struct{}

func (floorSystem) Name() string { return "floor" }
func (floorSystem) Shared() bool { return false }

func (floorSystem) Serve(_ context.Context, addr string) (Server, error) {
	return listen(addr, servePong)
}

// servePong makes a lane, tells the client where it is, and answers until the
// client stops.
func servePong(c net.Conn) {
	lane, f, err := floor.Create()
	if err != nil {
		return // the client finds the socket closed and says so
	}
	defer func() { _ = lane.Close() }()
	defer func() { _ = f.Close() }()
	if _, err := fmt.Fprintf(c, "/proc/%d/fd/%d\n", os.Getpid(), f.Fd()); err != nil {
		return
	}
	_ = lane.Pong() // a silent client is one that died, which the parent reports
}

func (floorSystem) Dial(ctx context.Context, addr string) (Conn, error) {
	var d net.Dialer
	c, err := d.DialContext(ctx, "unix", addr)
	if err != nil {
		return nil, err
	}
	var path string
	if _, err := fmt.Fscanln(c, &path); err != nil {
		_ = c.Close()
		return nil, fmt.Errorf("reading where the floor's page is: %w", err)
	}
	lane, err := floor.Open(path)
	if err != nil {
		_ = c.Close()
		return nil, err
	}
	return &floorConn{sock: c, Lane: lane}, nil
}

// floorConn is a Batcher and cannot do anything else.
type floorConn struct {
	sock net.Conn
	*floor.Lane
}

var _ Batcher = (*floorConn)(nil)

func (c *floorConn) Batch(n int) error                { return c.Ping(n) }
func (c *floorConn) BatchStamped(took []uint64) error { return c.PingStamped(took) }

func (c *floorConn) Call(context.Context, []byte, []byte) (int, error) { return 0, ErrUnsupported }
func (c *floorConn) Send(context.Context, []byte) error                { return ErrUnsupported }
func (c *floorConn) View(context.Context, int) (View, error)           { return nil, ErrUnsupported }

func (c *floorConn) Close() error {
	c.Stop()
	err := c.Lane.Close()
	if e := c.sock.Close(); err == nil {
		err = e
	}
	return err
}
