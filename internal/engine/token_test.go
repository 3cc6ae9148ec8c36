package engine

import (
	"context"
	"os"
	"testing"
	"unsafe"

	"github.com/seed-eedd8485/lpc/internal/pool"
	"github.com/seed-eedd8485/lpc/namespace"
)

// TestToken: the server's communication port names a record of who its client is.
func TestToken(t *testing.T) {
	t.Setenv("LPC_ROOT", t.TempDir())
	name, err := namespace.Parse("token")
	if err != nil {
		t.Fatal(err)
	}
	conns := make(chan *Conn, 1)
	p, err := Listen(name, PortOptions{OnConnect: func(r *Pending) {
		c, err := r.Accept(nil)
		if err != nil {
			t.Error(err)
		}
		conns <- c
	}})
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- p.Serve(context.Background(), func(Use) {}, true) }()
	c, err := Dial(context.Background(), name, DialOptions{})
	if err != nil {
		t.Fatal(err)
	}
	s := <-conns
	a := s.rec.StaticSecurity.ClientToken
	tok := pool.At[pool.Token](s.proc.pool, a)
	if tok.ProcessID != uint32(os.Getpid()) || tok.UID != uint32(os.Geteuid()) || tok.GID != uint32(os.Getegid()) || int(tok.GroupCount) != len(s.peer.Groups) {
		t.Errorf("the token says %+v", tok)
	}
	h := pool.At[pool.BlockHeader](s.proc.pool, a-pool.Addr(unsafe.Sizeof(pool.BlockHeader{})))
	if h.Tag != pool.TagToken || h.State != pool.BlockAllocated || h.Owner != s.addr {
		t.Errorf("the token's block says %+v", h)
	}
	_ = c.Close()
	<-c.Torn()
	<-s.Torn()
	if h.State != pool.BlockFree && h.Owner == s.addr { // it may be something else's by now
		t.Errorf("the token's block is left: %+v", h)
	}
	_ = p.Close()
	<-served
}
