package robust

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/seed-eedd8485/lpc"
)

// slotsOfClient: calls of one client that can be in progress at once.
const slotsOfClient = 127

// never is a server that answers no call until it is let go.
func never(t *testing.T) (p *lpc.Port, letGo func()) {
	release := make(chan struct{})
	p = local(t, nil, func(lpc.Request) { <-release })
	letGo = sync.OnceFunc(func() { close(release) })
	t.Cleanup(letGo) // before the port is closed
	return p, letGo
}

// holdAll makes calls until all slots are in use; cancel gives them up.
func holdAll(t *testing.T, p *lpc.Port, c *lpc.Conn) (cancel func()) {
	ctx, stop := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	for range slotsOfClient {
		wg.Go(func() {
			if _, err := c.Call(ctx, nil); !errors.Is(err, context.Canceled) {
				t.Errorf("a call that was given up gives %v, want Canceled", err)
			}
		})
	}
	if !eventually(hangs, func() bool { return p.Stats().InProgress == slotsOfClient }) {
		t.Fatalf("%d calls are in progress, want %d", p.Stats().InProgress, slotsOfClient)
	}
	cancel = sync.OnceFunc(func() {
		stop()
		within(t, "giving up calls", wg.Wait)
	})
	t.Cleanup(cancel)
	return cancel
}

// TestServerNeverAnswers: first the deadline, then, once every slot is held, the
// error that says so, at once and also to those who wait for a slot already; and
// when the server answers at last, the connection is as good as new.
func TestServerNeverAnswers(t *testing.T) {
	base := takeCensus()
	t.Run("calls", func(t *testing.T) {
		p, letGo := never(t)
		c := dial(t, portName(t), nil)
		cancel := holdAll(t, p, c)
		waiting := make(chan error, 4)
		for range cap(waiting) {
			go func() { _, err := c.Call(context.Background(), nil); waiting <- err }()
		}
		late, end := context.WithTimeout(context.Background(), 20*time.Millisecond)
		defer end()
		if _, err := c.Call(late, nil); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a call that waits for a slot gives %v, want its deadline", err)
		}
		cancel()
		for range cap(waiting) {
			if err := receive(t, "a call that waits for a slot after all others were given up", waiting); !errors.Is(err, lpc.ErrQueueFull) {
				t.Errorf("a call gives %v while all slots are held, want ErrQueueFull", err)
			}
		}
		if _, err := c.Call(context.Background(), nil); !errors.Is(err, lpc.ErrQueueFull) {
			t.Errorf("a call gives %v while all slots are held, want ErrQueueFull", err)
		}
		if _, err := c.Call(context.Background(), manyBytes); !errors.Is(err, lpc.ErrQueueFull) {
			t.Errorf("a large call gives %v while all slots are held, want ErrQueueFull", err)
		}
		letGo()
		if !eventually(hangs, func() bool {
			_, err := c.Call(context.Background(), nil)
			return errors.Is(err, lpc.ErrDropped) // what this handler answers
		}) {
			t.Error("the connection serves no calls though the server has answered all")
		}
		for range 2 * slotsOfClient { // each slot serves again
			if _, err := c.Call(context.Background(), nil); !errors.Is(err, lpc.ErrDropped) {
				t.Fatal(err)
			}
		}
	})
	base.check(t)
}

// TestWaitersForSlots: many more callers than slots all get their turn, deadlines
// among them.
func TestWaitersForSlots(t *testing.T) {
	local(t, nil, func(r lpc.Request) {
		if r.Len() > 0 {
			r.Defer()
			go func() { _ = r.Reply(nil) }()
			return
		}
		_ = r.Reply(nil)
	})
	c := dial(t, portName(t), nil)
	var wg sync.WaitGroup
	for i := range 4 * slotsOfClient {
		wg.Go(func() {
			for j := range size(20, 500) {
				ctx, cancel := context.WithTimeout(context.Background(), hangs)
				if i%4 == 0 {
					cancel()
					ctx, cancel = context.WithTimeout(context.Background(), time.Duration(i+j)*time.Microsecond)
				}
				_, err := c.Call(ctx, someBytes[:i%2])
				cancel()
				if err != nil && (i%4 != 0 || !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, lpc.ErrQueueFull)) {
					t.Error(err)
					return
				}
			}
		})
	}
	within(t, "all calls", wg.Wait)
}

// TestManyLargeCallers: each of them needs a section at once, some give up, and
// none is told that the control socket is full.
func TestManyLargeCallers(t *testing.T) {
	base := takeCensus()
	t.Run("calls", func(t *testing.T) {
		local(t, nil, echo)
		c := dial(t, portName(t), nil)
		var wg sync.WaitGroup
		for i := range 1000 {
			wg.Go(func() {
				ctx, cancel := context.WithTimeout(context.Background(), hangs)
				defer cancel()
				if i%2 == 0 {
					cancel()
					ctx, cancel = context.WithTimeout(context.Background(), time.Duration(i)*time.Microsecond)
					defer cancel()
				}
				_, err := c.Call(ctx, manyBytes[:5000])
				if err != nil && (i%2 != 0 || !errors.Is(err, context.DeadlineExceeded)) {
					t.Error(err)
				}
			})
		}
		within(t, "all calls", wg.Wait)
	})
	base.check(t)
}
