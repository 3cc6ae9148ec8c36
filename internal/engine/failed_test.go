package engine

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"time"

	"github.com/seed-eedd8485/lpc/internal/pool"
	"github.com/seed-eedd8485/lpc/namespace"
)

// pair is a served port and a connection to it.
func pair(t *testing.T, name string, o PortOptions, h Handler) (*Port, *Conn) {
	t.Helper()
	t.Setenv("LPC_ROOT", t.TempDir())
	n, err := namespace.Parse(name)
	if err != nil {
		t.Fatal(err)
	}
	p, err := Listen(n, o)
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- p.Serve(context.Background(), h, true) }()
	c, err := Dial(context.Background(), n, DialOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = c.Close()
		_ = p.Close()
		<-served
	})
	return p, c
}

func newest(t *testing.T) pool.FailedMessage {
	t.Helper()
	pr, err := theProcess()
	if err != nil {
		t.Fatal(err)
	}
	a := pr.pool.Header().FailedMessages
	if a == 0 {
		t.Fatal("there is no ring of failed messages")
	}
	pr.failures.mu.Lock()
	defer pr.failures.mu.Unlock()
	ring := pool.At[pool.FailedRing](pr.pool, a)
	return ring.Entries[(ring.Written-1)%uint64(len(ring.Entries))]
}

// TestFailed: a message that fails stands in the ring with its cause.
func TestFailed(t *testing.T) {
	release := make(chan struct{})
	entered := make(chan struct{}, 1)
	p, c := pair(t, "failed", PortOptions{MaxMessage: 1000}, func(u Use) {
		if b, _ := u.Data(); len(b) == 0 {
			entered <- struct{}{}
			<-release
		}
	})
	defer close(release)
	ctx := context.Background()
	own := errors.New("a cause of the program's")
	for _, f := range []struct {
		name  string
		do    func() error
		cause uint32
		check func(e pool.FailedMessage) bool
	}{
		{"too large", func() error { _, _, err := c.Call(ctx, make([]byte, 1001)); return err }, pool.FailedTooLarge,
			func(e pool.FailedMessage) bool { return e.Length == 1001 && e.Limit == 1000 }},
		{"no reply", func() error { _, _, err := c.Call(ctx, []byte("x")); return err }, pool.FailedNoReply,
			func(e pool.FailedMessage) bool { return e.MessageID != 0 && e.PeerProcess == c.peerPID }},
		{"deadline", func() error {
			ctx, cancel := context.WithDeadline(ctx, time.Unix(0, 0))
			defer cancel()
			_, err := c.Send(ctx, nil)
			return err
		}, pool.FailedDeadline, nil},
		{"own cause", func() error {
			ctx, cancel := context.WithCancelCause(ctx)
			go func() { <-entered; cancel(own) }()
			_, _, err := c.Call(ctx, nil)
			if !errors.Is(err, own) {
				t.Errorf("the call gives %v", err)
			}
			return err
		}, pool.FailedCancelled, nil},
		{"refused", func() error {
			p.opts.OnConnect = func(r *Pending) { _ = r.Refuse([]byte("no")) }
			_, err := Dial(ctx, p.name, DialOptions{})
			return err
		}, pool.FailedRefused, func(e pool.FailedMessage) bool { return e.MessageID == 0 }},
		{"closed", func() error { _ = c.Close(); _, _, err := c.Call(ctx, nil); return err }, pool.FailedClosed, nil},
	} {
		t.Run(f.name, func(t *testing.T) {
			if err := f.do(); err == nil {
				t.Fatal("it did not fail")
			}
			e := newest(t)
			port, _, _ := bytes.Cut(e.Port[:], []byte{0})
			if e.Cause != f.cause || string(port) != "failed" || e.Time == 0 || f.check != nil && !f.check(e) {
				t.Errorf("the ring says %+v, want cause %d", e, f.cause)
			}
		})
	}
}
