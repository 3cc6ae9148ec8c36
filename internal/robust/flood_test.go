package robust

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/seed-eedd8485/lpc"
	"github.com/seed-eedd8485/lpc/namespace"
)

func init() {
	roles["bells"] = flooder(func(r *raw) { r.bell() })
	roles["bells before CONNECT"] = flooderBefore(func(r *raw) { r.bell() })
	roles["abandoned calls"] = flooder(func(r *raw) {
		i := int(r.pos % 127)
		at := r.slot(i)
		r.gens[i]++
		r.put16(at+slotPlace, uint16(r.pos))
		r.put64(at, r.gens[i]<<3|abandoned)
		r.put32(r.d.ring+int(r.pos%256)*4, r.pos>>8<<16|1<<12|uint32(i))
		if r.pos++; r.pos%1024 == 0 {
			r.bell()
		}
	})
	roles["refused sections"] = flooder(func(r *raw) {
		_ = r.send(frame(frameGrow, 1<<40, ""))
		if b := make([]byte, 512); r.pos%8 == 0 {
			_, _, _ = unix.Recvfrom(r.fd, b, unix.MSG_DONTWAIT)
		}
		_, _, _ = unix.Recvfrom(r.fd, make([]byte, 512), unix.MSG_DONTWAIT)
	})
	roles["connections"] = func(name string) error {
		n, err := namespace.Parse(name)
		if err != nil {
			return err
		}
		return untilOver(func() error {
			fd, err := namespace.Connect(context.Background(), n)
			if err == nil {
				_ = unix.Close(fd)
			}
			return err
		})
	}
}

// untilOver does something until the input ends.
func untilOver(f func() error) error {
	var over atomic.Bool
	go func() { ask()(); over.Store(true) }()
	say("begins")
	for !over.Load() {
		if err := f(); err != nil {
			return err
		}
	}
	return nil
}

// flooder is a client that does one thing as fast as it can; it connects again when
// the server has ended its connection.
func flooder(f func(r *raw)) func(string) error { return flood(rawConnect, f) }

func flooderBefore(f func(r *raw)) func(string) error { return flood(rawDial, f) }

func flood(connect func(string) (*raw, error), f func(r *raw)) func(string) error {
	return func(name string) error {
		var r *raw
		i := 0
		return untilOver(func() (err error) {
			if r == nil || i%4096 == 0 && r.hungUp() {
				if r != nil {
					r.close()
				}
				if r, err = connect(name); err != nil {
					return fmt.Errorf("connecting again: %w", err)
				}
			}
			i++
			f(r)
			return nil
		})
	}
}

// TestFloods: two processes each do one thing as fast as they can. An honest client
// that pauses between its calls, so that each must wake the server, is served, and
// so is one that connects anew each time.
func TestFloods(t *testing.T) {
	base := takeCensus()
	for _, role := range []string{"hog", "bells", "bells before CONNECT", "abandoned calls", "refused sections", "connections"} {
		t.Run(role, func(t *testing.T) {
			server := start(t, "server", portName(t))
			server.tell("listen")
			server.expect("listening")
			var flooders []*child
			for range 2 {
				f := start(t, role, portName(t))
				f.expect("begins")
				flooders = append(flooders, f)
			}
			ctx, cancel := context.WithTimeout(context.Background(), hangs)
			defer cancel()
			c, err := lpc.Dial(ctx, portName(t), nil)
			retries := 0
			for ; errors.Is(err, lpc.ErrQuota); retries++ {
				c, err = lpc.Dial(ctx, portName(t), nil)
			}
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = c.Close() }()
			began := time.Now()
			calls := size(100, 1000)
			for i := range calls {
				ctx, cancel := context.WithTimeout(context.Background(), hangs)
				if _, err := c.Call(ctx, someBytes); err != nil {
					t.Fatalf("call %d: %v", i, err)
				}
				cancel()
				<-time.After(time.Millisecond) // idle: that is what the test is about
			}
			perCall := time.Since(began) / time.Duration(calls)
			began = time.Now()
			for i := range size(20, 200) {
				ctx, cancel := context.WithTimeout(context.Background(), hangs)
				c, err := lpc.Dial(ctx, portName(t), nil)
				for errors.Is(err, lpc.ErrQuota) { // the flooders' user is this one, too
					retries++
					c, err = lpc.Dial(ctx, portName(t), nil)
				}
				if err != nil {
					t.Fatalf("Dial %d: %v", i, err)
				}
				if _, err := c.Call(ctx, manyBytes[:1000]); err != nil {
					t.Fatalf("large call %d: %v", i, err)
				}
				cancel()
				_ = c.Close()
			}
			t.Logf("%v a call with 1 ms idle, %v a connection with a large call, %d connections were refused for the quota", perCall, time.Since(began)/time.Duration(size(20, 200)), retries)
			for _, f := range flooders {
				if said := f.finish(); len(said) != 0 {
					t.Errorf("the flooder says %q", said)
				}
			}
			server.finish()
		})
	}
	base.check(t)
}
