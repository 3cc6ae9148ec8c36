package engine

import (
	"errors"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed-eedd8485/lpc/namespace"
	"github.com/seed-eedd8485/lpc/security"
)

var asClient = DialOptions{MaxMessage: 304, QoS: &QoS{Level: security.Impersonation}}

func nativeThread(t *testing.T) *Thread {
	t.Helper()
	th, err := NewThread(0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(th.Exit)
	return th
}

// waitsForReply returns when th's record says that it waits for one.
func waitsForReply(th *Thread) {
	for atomic.LoadUint32(&th.rec.LpcReplyMessageID) == 0 {
		runtime.Gosched()
	}
}

// ends waits for a call's error.
func ends(t *testing.T, what string, done <-chan error) error {
	t.Helper()
	dog := time.NewTimer(time.Minute)
	defer dog.Stop()
	select {
	case err := <-done:
		return err
	case <-dog.C:
		t.Fatalf("%s has not ended", what)
	}
	return nil
}

// nativePair is a connection between q and whoever receives from p.
func nativePair(t *testing.T, p *Port, n namespace.Name, srv, q *Thread) (client, server *Conn) {
	t.Helper()
	done := make(chan error, 1)
	go func() {
		c, err := DialNative(q, n, asClient)
		client = c
		done <- err
	}()
	var m Native
	if _, err := p.Receive(srv, Limit{}, &m); err != nil {
		t.Fatal(err)
	}
	r, err := FindPending(&m.PortMessage)
	if err != nil {
		t.Fatal(err)
	}
	if server, _, _, err = r.Prepare(1, nil, nil); err != nil {
		t.Fatal(err)
	}
	if err := server.Complete(); err != nil {
		t.Fatal(err)
	}
	if err := ends(t, "connecting", done); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.CloseBy(q); server.CloseBy(srv) })
	return client, server
}

// TestExitWhileConnecting: a thread that another one ends while it connects returns, and
// its record goes with that, not before.
func TestExitWhileConnecting(t *testing.T) {
	n := fresh(t)
	nativePort(t, n, PortOptions{})
	q := nativeThread(t)
	done := make(chan error, 1)
	go func() { _, err := DialNative(q, n, asClient); done <- err }()
	waitsForReply(q)
	q.Exit()
	if err := ends(t, "the connect of a thread that exits", done); !errors.Is(err, ErrExiting) {
		t.Errorf("the connect of a thread that exits: %v", err)
	}
	if s := q.state.Load(); s != threadEnded {
		t.Errorf("state %d after its last call", s)
	}
}

// TestExitOnce: a thread is ended by another while somebody's word for it is under way, a
// callback that is for another connection: it ends once, when it has left its call, and
// then nothing of its request is left.
func TestExitOnce(t *testing.T) {
	n := fresh(t)
	p := nativePort(t, n, PortOptions{})
	srv, q := nativeThread(t), nativeThread(t)
	c, _ := nativePair(t, p, n, srv, q)
	done := make(chan error, 1)
	go func() {
		m := Native{}
		m.TotalLength = 40
		done <- c.Request(q, &m, false, &m)
	}()
	var m Native
	if _, err := p.Receive(srv, Limit{}, &m); err != nil {
		t.Fatal(err)
	}
	waitsForReply(q)
	before := q.proc.pool.Header().Blocks
	if id := q.id.Load(); id == 0 || !q.id.CompareAndSwap(id, 0) { // as deliverCallback does
		t.Fatal("the thread does not wait")
	}
	o := q.out
	q.Exit()
	if s := q.state.Load(); s != threadExiting {
		t.Errorf("state %d, while the thread is in a call", s)
	}
	q.intr.Set()
	q.delivered <- Use{}
	o.c.out.Interrupt(o.slot)
	if err := ends(t, "the request of a thread that exits", done); !errors.Is(err, ErrExiting) {
		t.Errorf("the request of a thread that exits: %v", err)
	}
	q.Exit()
	if s := q.state.Load(); s != threadEnded {
		t.Errorf("state %d after its last call", s)
	}
	if after := q.proc.pool.Header().Blocks; after != before-1 {
		t.Errorf("%d blocks before the thread ended, %d after: want one less", before, after)
	}
	u, err := srv.Find(p, &m.PortMessage)
	if err == nil {
		err = u.replyNative(srv, &m)
	}
	if !errors.Is(err, ErrMismatch) && !errors.Is(err, ErrNoThread) {
		t.Errorf("a reply to its request: %v", err)
	}
}

// TestExitAtAnyMoment: a thread that calls is ended by another at any moment; it ends
// once, and leaves its slot.
func TestExitAtAnyMoment(t *testing.T) {
	n := fresh(t)
	p := nativePort(t, n, PortOptions{})
	srv, q := nativeThread(t), nativeThread(t)
	c, _ := nativePair(t, p, n, srv, q)
	go func() { // answers all
		var m Native
		for {
			if _, err := p.Receive(srv, Limit{}, &m); err != nil {
				return
			}
			_ = srv.Reply(p, &m)
		}
	}()
	t.Cleanup(srv.Exit)
	for i := range 100 {
		th, err := NewThread(0)
		if err != nil {
			t.Fatal(err)
		}
		began, done := make(chan error, 1), make(chan error, 1)
		go func() {
			var err error
			for n := 0; err == nil; n++ {
				if n == 1 {
					began <- nil
				}
				m := Native{}
				m.TotalLength = 40
				err = c.Request(th, &m, false, &m)
			}
			done <- err
		}()
		_ = ends(t, "a thread's first request", began)
		for range i % 3 {
			runtime.Gosched()
		}
		th.Exit()
		if err := ends(t, "a thread's last request", done); !errors.Is(err, ErrExiting) {
			t.Fatal(err)
		}
		if s := th.state.Load(); s != threadEnded {
			t.Fatalf("state %d after its last call", s)
		}
	}
}
