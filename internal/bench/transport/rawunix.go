package transport

import (
	"context"
	"fmt"
	"net"
	"sync"
)

// unixSystem is a raw Unix stream socket with a length before each message. A
// caller writes its request and reads its reply; a goroutine a connection
// serves. Many callers have a connection each, which is the best that this
// framing can do.
type unixSystem struct{}

func (unixSystem) Name() string { return "unix" }
func (unixSystem) Shared() bool { return false }

func (unixSystem) Serve(_ context.Context, addr string) (Server, error) {
	w := new(worker)
	return listen(addr, func(c net.Conn) { serveFrames(newFrames(c), w) })
}

func (unixSystem) Dial(ctx context.Context, addr string) (Conn, error) {
	var d net.Dialer
	c, err := d.DialContext(ctx, "unix", addr)
	if err != nil {
		return nil, err
	}
	return &unixConn{frames: newFrames(c)}, nil
}

// serveFrames answers one connection until it ends.
func serveFrames(f *frames, w *worker) {
	var kept []byte
	for {
		n, datagram, err := f.next()
		if err != nil {
			return // the client has gone, which is how connections end here
		}
		frame, lent := borrow(frameHeader+n, &kept)
		body := frame[frameHeader:]
		if err = f.payload(body); err == nil {
			if datagram {
				w.datagrams.Add(1)
			} else {
				err = f.writeInPlace(frame[:frameHeader+w.answer(body)])
			}
		}
		giveBack(lent)
		if err != nil {
			return
		}
	}
}

// unixConn is the calling side. mu is held for the whole of a call: the socket
// carries one at a time.
type unixConn struct {
	mu     sync.Mutex
	frames *frames
}

func (c *unixConn) Call(_ context.Context, req, reply []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.frames.write(req, 0); err != nil {
		return 0, err
	}
	n, _, err := c.frames.next()
	if err != nil {
		return 0, err
	}
	if n > len(reply) {
		return 0, fmt.Errorf("a reply of %d bytes, room for %d", n, len(reply))
	}
	return n, c.frames.payload(reply[:n])
}

func (c *unixConn) Send(_ context.Context, data []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.frames.write(data, oneWay)
}

func (c *unixConn) View(_ context.Context, n int) (View, error) { return newPlainView(c, n), nil }

func (c *unixConn) Close() error { return c.frames.conn.Close() }
