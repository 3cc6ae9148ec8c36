package robust

import (
	"context"
	"errors"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/seed-eedd8485/lpc"
	"github.com/seed-eedd8485/lpc/internal/needs"
)

// TestHalfOpen: 2,000 clients of one user connect and say nothing. Those beyond the
// user's quota are refused at once, another client of that user is told so, and one
// of another user is served. When they have gone, all are.
func TestHalfOpen(t *testing.T) {
	base := takeCensus()
	t.Run("server", func(t *testing.T) {
		local(t, &lpc.ListenOptions{AllowEveryone: true}, everyOp)
		early := dial(t, portName(t), nil) // a connection is not a handshake
		var silent []*raw
		t.Cleanup(func() {
			for _, r := range silent {
				r.close()
			}
		})
		for range 2000 {
			r, err := rawDial(portName(t))
			if err != nil {
				t.Fatal(err)
			}
			silent = append(silent, r)
		}
		refused := 0
		if !eventually(hangs, func() bool {
			refused = 0
			for _, r := range silent {
				if r.hungUp() {
					refused++
				}
			}
			return refused == 2000-1024
		}) {
			t.Errorf("%d of 2,000 silent clients were refused, want all but 1,024", refused)
		}
		if _, err := lpc.Dial(t.Context(), portName(t), nil); !errors.Is(err, lpc.ErrQuota) || !errors.Is(err, lpc.ErrRefused) {
			t.Errorf("Dial of the same user gives %v, want ErrRefused and ErrQuota", err)
		}
		if _, err := early.Call(t.Context(), someBytes); err != nil {
			t.Errorf("calling over a connection that stands: %v", err)
		}
		if os.Getuid() == 0 {
			other := startAs(t, &syscall.Credential{Uid: 65534, Gid: 65534}, "client", portName(t), scriptEnv+"=small-call large-call")
			other.expect("connected")
			other.expect("done")
			other.finish()
		} else {
			t.Log("not root: a client of another user is left out")
		}
		for _, r := range silent {
			r.close()
		}
		if !eventually(hangs, func() bool {
			c, err := lpc.Dial(t.Context(), portName(t), nil)
			if err == nil {
				_ = c.Close()
			}
			return err == nil
		}) {
			t.Error("nobody of that user gets in though the silent clients have gone")
		}
	})
	base.check(t)
}

// TestSilentClient: a client that connects and says nothing is dropped after the
// handshake's time, and holds up nobody meanwhile.
func TestSilentClient(t *testing.T) {
	if !long {
		needs.Elsewhere(t, "make long, with LPC_LONG=1 (it waits for the handshake's time of 5 s)")
	}
	base := takeCensus()
	t.Run("server", func(t *testing.T) {
		ended := make(chan error, 1)
		local(t, &lpc.ListenOptions{Trace: func(e lpc.TraceEvent) {
			if e.What == "handshake ended" {
				ended <- e.Err
			}
		}}, echo)
		r, err := rawDial(portName(t))
		if err != nil {
			t.Fatal(err)
		}
		defer r.close()
		for len(ended) == 0 {
			c, err := lpc.Dial(t.Context(), portName(t), nil)
			if err == nil {
				_, err = c.Call(t.Context(), nil)
				_ = c.Close()
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		if err := <-ended; !strings.Contains(err.Error(), "nothing said in 5s") {
			t.Errorf("the handshake ended with %v", err)
		}
		if _, _, err := r.farewell(); err != nil {
			t.Errorf("the silent client's socket: %v", err)
		}
	})
	base.check(t)
}

// TestRequestsNobodyDecides: connection requests of clients that have gone do not
// wait for a server's decision.
func TestRequestsNobodyDecides(t *testing.T) {
	base := takeCensus()
	t.Run("server", func(t *testing.T) {
		gone := make(chan struct{}, 4096)
		p, err := lpc.Listen(portName(t), &lpc.ListenOptions{ManualAccept: true, Trace: func(e lpc.TraceEvent) {
			if e.What == "handshake ended" {
				gone <- struct{}{}
			}
		}})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = p.Close() }()
		for range size(300, 3000) {
			r, err := rawDial(portName(t))
			if err != nil {
				t.Fatal(err)
			}
			_ = r.send(frame(frameConnect, 1, ""))
			r.close()
			receive(t, "the end of a request", gone)
		}
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if r, err := p.Accept(ctx); err == nil {
			t.Errorf("Accept gives a request of a client that has gone: %v", r.Caller())
		}
		type result struct {
			c   *lpc.Conn
			err error
		}
		dialed := make(chan result, 1)
		go func() {
			c, err := lpc.Dial(context.Background(), portName(t), nil)
			dialed <- result{c, err}
		}()
		ctx, cancel = context.WithTimeout(context.Background(), hangs)
		defer cancel()
		r, err := p.Accept(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.Accept(nil); err != nil {
			t.Error(err)
		}
		d := receive(t, "Dial", dialed)
		if d.err != nil {
			t.Fatal(d.err)
		}
		_ = d.c.Close()
	})
	base.check(t)
}
