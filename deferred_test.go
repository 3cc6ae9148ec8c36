package lpc

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"testing"
)

// Records are used again while a handler that has replied still runs, and some uses are
// deferred: Serve must know when the last handler has ended.
func TestDeferredCount(t *testing.T) {
	watchdog(t)
	p, err := Listen(name(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error, 1)
	linger := func(n int) {
		for range n {
			runtime.Gosched()
		}
	}
	go func() {
		served <- Serve(ctx, p, HandlerFunc(func(r Request) {
			if string(r.View()) == "defer" {
				r.Defer()
				go func() {
					linger(200)
					_ = r.Reply(nil)
				}()
				linger(50)
				return
			}
			_ = r.Reply(nil)
			linger(30)
		}))
	}()
	c := dialed(t, nil)
	var wg sync.WaitGroup
	for g := range 16 {
		wg.Go(func() {
			kind := []byte([]string{"defer", "reply"}[g%2])
			for range 500 {
				if _, err := c.Call(t.Context(), kind); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	cancel()
	if err := <-served; !errors.Is(err, context.Canceled) {
		t.Errorf("Serve: %v", err)
	}
}
