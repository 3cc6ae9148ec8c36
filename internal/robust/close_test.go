package robust

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/seed-eedd8485/lpc"
)

// TestErrAfterDone: who waited for Done is told why.
func TestErrAfterDone(t *testing.T) {
	local(t, nil, echo)
	for range size(200, 5000) {
		c := dial(t, portName(t), nil)
		go func() { _ = c.Close() }()
		await(t, "Done", c.Done())
		if err := c.Err(); !errors.Is(err, lpc.ErrPortClosed) {
			t.Fatalf("Err is %v when Done is closed, want ErrPortClosed", err)
		}
	}
}

// TestConnectAndClose: clients that go as soon as they have come.
func TestConnectAndClose(t *testing.T) {
	base := takeCensus()
	t.Run("dial", func(t *testing.T) {
		p := local(t, nil, echo)
		for range size(1000, 20000) {
			c, err := lpc.Dial(t.Context(), portName(t), nil)
			if err != nil {
				t.Fatal(err)
			}
			if err := c.Close(); err != nil {
				t.Fatal(err)
			}
		}
		if !eventually(hangs, func() bool { return p.Stats().Connections == 0 }) {
			t.Errorf("the port still counts %d connections", p.Stats().Connections)
		}
		if f := p.Stats().Failures; f != 0 {
			t.Errorf("%d of them are counted as failures", f)
		}
	})
	base.check(t)
}

// TestDialDeadlines: Dial is given up at any moment, also at the one at which the
// server's ACCEPT comes.
func TestDialDeadlines(t *testing.T) {
	base := takeCensus()
	t.Run("dial", func(t *testing.T) {
		local(t, nil, echo)
		made := 0
		for range size(1000, 20000) {
			ctx, cancel := context.WithTimeout(context.Background(), time.Duration(rand.IntN(300))*time.Microsecond)
			c, err := lpc.Dial(ctx, portName(t), nil)
			cancel()
			switch {
			case err == nil:
				made++
				_ = c.Close()
			case !errors.Is(err, context.DeadlineExceeded):
				t.Fatal(err)
			}
		}
		t.Logf("%d connections were made in time", made)
	})
	base.check(t)
}

// TestCloseDuringEverything closes one end or the other while several goroutines
// use everything that a connection has. All of them return with ErrPortClosed.
func TestCloseDuringEverything(t *testing.T) {
	base := takeCensus()
	for _, who := range []string{"client", "server", "port"} {
		t.Run(who, func(t *testing.T) {
			for range size(15, 400) {
				closeDuringEverything(t, who)
			}
		})
	}
	base.check(t)
}

func closeDuringEverything(t *testing.T, who string) {
	accepted := make(chan *lpc.Conn, 1)
	ended := make(chan error, 1)
	p, err := lpc.Listen(portName(t), &lpc.ListenOptions{
		OnConnect: func(r *lpc.ConnRequest) {
			if c, err := r.Accept(nil); err == nil {
				accepted <- c
			}
		},
		OnClose: func(_ *lpc.Conn, err error) { ended <- err },
	})
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan struct{})
	go func() { defer close(served); _ = lpc.Serve(context.Background(), p, lpc.HandlerFunc(everyOp)) }()
	c := dial(t, portName(t), &lpc.DialOptions{Handler: lpc.HandlerFunc(echo)})
	var wg sync.WaitGroup
	for _, op := range everything {
		wg.Go(func() {
			for i := 0; ; i++ {
				if err := op.do(c, i); err != nil {
					if !errors.Is(err, lpc.ErrPortClosed) {
						t.Errorf("%s: %v, want ErrPortClosed", op.name, err)
					}
					return
				}
			}
		})
	}
	for range 1 + rand.IntN(20) {
		_, _ = c.Call(context.Background(), []byte("echo"))
	}
	switch who {
	case "client":
		_ = c.Close()
	case "server":
		_ = (<-accepted).Close()
	case "port":
		_ = p.Close()
	}
	within(t, "what was going on", wg.Wait)
	if err := receive(t, "the server's OnClose", ended); !errors.Is(err, lpc.ErrPortClosed) {
		t.Errorf("the server's end of the connection ended with %v, want ErrPortClosed", err)
	}
	_ = c.Close()
	_ = p.Close()
	await(t, "Serve", served)
}
