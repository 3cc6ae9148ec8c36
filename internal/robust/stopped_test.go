package robust

import (
	"context"
	"errors"
	"syscall"
	"testing"
	"time"

	"github.com/seed-eedd8485/lpc"
)

// TestStoppedServer: a server that is stopped for a while holds its clients up and
// breaks nothing: what was waiting goes on, and what is to be sent then has room.
func TestStoppedServer(t *testing.T) {
	base := takeCensus()
	t.Run("client", func(t *testing.T) {
		server := start(t, "server", portName(t))
		server.tell("listen")
		server.expect("listening")
		c := dial(t, portName(t), nil)
		if _, err := c.Call(context.Background(), someBytes); err != nil {
			t.Fatal(err)
		}
		server.stop()
		waited := make(chan error, 2)
		go func() {
			_, err := c.Call(context.Background(), someBytes)
			waited <- err
		}()
		ctx, cancel := context.WithTimeout(context.Background(), time.Duration(size(300, 3000))*time.Millisecond)
		defer cancel()
		if _, err := c.Call(ctx, someBytes); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a call of a stopped server gives %v, want its deadline", err)
		}
		go func() {
			_, err := c.Call(context.Background(), manyBytes)
			waited <- err
		}()
		ctx, cancel = context.WithTimeout(context.Background(), 20*time.Millisecond)
		defer cancel()
		if _, err := c.Alloc(ctx, 10); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Alloc at a stopped server gives %v, want its deadline", err)
		}
		server.signal(syscall.SIGCONT)
		for range cap(waited) {
			if err := receive(t, "a call of a server that was stopped for a while", waited); err != nil {
				t.Error(err)
			}
		}
		// The server is stopped again, and the client goes: CLOSE must get through.
		server.stop()
		for range 3 {
			ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
			_, _ = c.Call(ctx, someBytes)
			cancel()
		}
		_ = c.Close()
		server.signal(syscall.SIGCONT)
		if _, err := dial(t, portName(t), nil).Call(context.Background(), someBytes); err != nil {
			t.Error(err)
		}
		server.finish()
	})
	base.check(t)
}

// TestDatagramsFull: who sends more than the receiver takes waits, and a deadline,
// a cancellation and the connection's end let it go.
func TestDatagramsFull(t *testing.T) {
	base := takeCensus()
	t.Run("send", func(t *testing.T) {
		release := make(chan struct{})
		local(t, &lpc.ListenOptions{MaxWorkers: 1}, func(lpc.Request) { <-release })
		letGo := func() {
			select {
			case <-release:
			default:
				close(release)
			}
		}
		t.Cleanup(letGo)
		for _, data := range [][]byte{someBytes, manyBytes[:1000]} {
			c := dial(t, portName(t), nil)
			sent := 0
			for late := 0; late < 10; { // in a row: one may be late for another reason
				ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
				err := c.Send(ctx, data)
				cancel()
				if errors.Is(err, context.DeadlineExceeded) {
					late++
					continue
				}
				late = 0
				if sent++; err != nil || sent == 100_000 {
					t.Fatalf("after %d datagrams of %d bytes that nobody serves, Send gives %v, want its deadline", sent, len(data), err)
				}
			}
			t.Logf("%d datagrams of %d bytes are on their way", sent, len(data))
			ended := make(chan error, 3)
			ctx, cancel := context.WithCancel(context.Background())
			go func() { ended <- c.Send(ctx, data) }()
			go func() { ended <- c.Send(ctx, data) }()
			cancel()
			for range 2 {
				if err := receive(t, "a Send that was cancelled", ended); !errors.Is(err, context.Canceled) {
					t.Errorf("Send gives %v, want Canceled", err)
				}
			}
			go func() { ended <- c.Send(context.Background(), data) }()
			go func() { ended <- c.Send(context.Background(), data) }()
			_ = c.Close()
			for range 2 {
				if err := receive(t, "a Send on a connection that ended", ended); !errors.Is(err, lpc.ErrPortClosed) {
					t.Errorf("Send gives %v, want ErrPortClosed", err)
				}
			}
		}
		letGo()
	})
	base.check(t)
}
