package lpc_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"

	"github.com/seed-eedd8485/lpc"
)

// TestTrace: both ends of a call, a datagram and a failed call tell their steps.
func TestTrace(t *testing.T) {
	t.Setenv("LPC_ROOT", t.TempDir())
	var mu sync.Mutex
	var server, client []string
	trace := func(to *[]string) func(lpc.TraceEvent) {
		return func(e lpc.TraceEvent) {
			mu.Lock()
			defer mu.Unlock()
			what := e.What
			if e.Err != nil {
				what += ": " + errors.Unwrap(&lpc.Error{Err: e.Err}).Error()
			}
			*to = append(*to, what)
		}
	}
	got := make(chan struct{}, 1)
	p, err := lpc.Listen("trace", &lpc.ListenOptions{Trace: trace(&server), MaxWorkers: 1})
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() {
		served <- lpc.Serve(context.Background(), p, lpc.HandlerFunc(func(r lpc.Request) {
			switch {
			case r.Kind() == lpc.KindDatagram:
				got <- struct{}{}
			case r.Len() == 0:
				_ = r.Fail(3, "no data")
			default:
				_ = r.Reply(r.View())
			}
		}))
	}()
	c, err := lpc.Dial(t.Context(), "trace", &lpc.DialOptions{Trace: trace(&client)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Call(t.Context(), []byte("x")); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Call(t.Context(), nil); err == nil {
		t.Fatal("no error")
	}
	if err := c.Send(t.Context(), []byte("x")); err != nil {
		t.Fatal(err)
	}
	<-got
	_ = c.Close()
	_ = p.Close()
	<-served
	mu.Lock()
	defer mu.Unlock()
	within := func(all []string, want ...string) {
		t.Helper()
		i := slices.Index(all, want[0])
		if i < 0 || len(all) < i+len(want) || !slices.Equal(all[i:i+len(want)], want) {
			t.Errorf("the trace is %q, want %q in it", all, want)
		}
	}
	within(server, "request received", "replied", "request received", `replied: handler failed with code 3: no data`, "datagram received")
	within(client, "call", "reply", "call", `reply: handler failed with code 3: no data`, "datagram")
}
