package transport

import (
	"errors"
	"io"
	"net"
	"sync"

	"github.com/seed-eedd8485/lpc/internal/bench/loops"
)

// ServeLoops starts the server's side of the loops without a call, for a
// server at addr.
func ServeLoops(addr string) (io.Closer, error) {
	return listen(loops.Path(addr), func(c net.Conn) {
		_ = loops.Serve(c) // a client that misses its part says so
	})
}

// socketServer accepts on a Unix socket and serves each connection on a
// goroutine.
type socketServer struct {
	listener net.Listener
	done     sync.WaitGroup // the accept loop and the connections

	mu    sync.Mutex
	conns map[net.Conn]struct{} // open; nil after Close
}

// listen starts a socketServer at path. serve runs for each connection, which
// is closed when it returns.
func listen(path string, serve func(net.Conn)) (*socketServer, error) {
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, err
	}
	s := &socketServer{listener: l, conns: make(map[net.Conn]struct{})}
	s.done.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return // closed
			}
			if !s.add(c) {
				return
			}
			s.done.Go(func() {
				defer s.drop(c)
				serve(c)
			})
		}
	})
	return s, nil
}

// add registers c, or closes it if the server is closed.
func (s *socketServer) add(c net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conns == nil {
		_ = c.Close()
		return false
	}
	s.conns[c] = struct{}{}
	return true
}

func (s *socketServer) drop(c net.Conn) {
	_ = c.Close() // it has ended anyway
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c)
}

// Close stops accepting, ends all connections and waits for their goroutines.
func (s *socketServer) Close() error {
	err := s.listener.Close()
	s.mu.Lock()
	for c := range s.conns {
		if e := c.Close(); !errors.Is(e, net.ErrClosed) { // net/rpc closes what has ended
			err = errors.Join(err, e)
		}
	}
	s.conns = nil
	s.mu.Unlock()
	s.done.Wait()
	return err
}
