package engine

import (
	"context"
	"runtime"
	"testing"

	"github.com/seed-eedd8485/lpc/namespace"
)

// TestBlocks: connections and ports that have gone leave no blocks in the pool.
func TestBlocks(t *testing.T) {
	t.Setenv("LPC_ROOT", t.TempDir())
	name, err := namespace.Parse("blocks")
	if err != nil {
		t.Fatal(err)
	}
	round := func() {
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
		go func() { served <- p.Serve(context.Background(), func(u Use) { _ = u.Reply(nil) }, true) }()
		for range 20 {
			c, err := Dial(context.Background(), name, DialOptions{Handler: func(u Use) { _ = u.Reply(nil) }})
			if err != nil {
				t.Fatal(err)
			}
			s := <-conns
			if _, _, err := c.Call(context.Background(), []byte("x")); err != nil {
				t.Fatal(err)
			}
			_ = c.Close()
			<-c.Torn()
			<-s.Torn()
		}
		_ = p.Close()
		<-served
	}
	round()
	pr, _ := theProcess()
	// Thread records are kept for the next goroutine, and freed by the garbage collector.
	before := pr.pool.Header().Blocks
	for range 20 {
		round()
	}
	until(t, "freeing the blocks of 400 connections and 20 ports, but for 40", func() bool {
		runtime.GC() // does not wait for what it makes run
		return pr.pool.Header().Blocks <= before+40
	})
}
