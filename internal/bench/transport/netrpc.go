package transport

import (
	"context"
	"net"
	"net/rpc"
)

// rpcSystem is net/rpc with its default codec, gob, over a Unix stream socket.
// Many callers share one client. It has no datagrams.
type rpcSystem struct{}

func (rpcSystem) Name() string { return "netrpc" }
func (rpcSystem) Shared() bool { return true }

// Message is the argument and the reply of the one method served.
type Message struct{ Data []byte }

// Service is what net/rpc serves; it is exported for net/rpc alone.
type Service struct{ w *worker }

// Do is the method.
func (s *Service) Do(req *Message, reply *Message) error {
	reply.Data = req.Data[:s.w.answer(req.Data)]
	return nil
}

func (rpcSystem) Serve(_ context.Context, addr string) (Server, error) {
	s := rpc.NewServer()
	if err := s.RegisterName("Bench", &Service{w: new(worker)}); err != nil {
		return nil, err
	}
	return listen(addr, func(c net.Conn) { s.ServeConn(c) })
}

func (rpcSystem) Dial(ctx context.Context, addr string) (Conn, error) {
	var d net.Dialer
	c, err := d.DialContext(ctx, "unix", addr)
	if err != nil {
		return nil, err
	}
	return &rpcConn{client: rpc.NewClient(c)}, nil
}

type rpcConn struct{ client *rpc.Client }

func (c *rpcConn) Call(_ context.Context, req, reply []byte) (int, error) {
	in := Message{Data: reply[:0]} // gob fills what is there if it is large enough
	if err := c.client.Call("Bench.Do", &Message{Data: req}, &in); err != nil {
		return 0, err
	}
	return copy(reply, in.Data), nil // a copy onto itself, which costs nothing
}

func (c *rpcConn) Send(context.Context, []byte) error { return ErrUnsupported }

func (c *rpcConn) View(_ context.Context, n int) (View, error) { return newPlainView(c, n), nil }

func (c *rpcConn) Close() error { return c.client.Close() }
