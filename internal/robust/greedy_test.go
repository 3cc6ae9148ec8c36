package robust

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/seed-eedd8485/lpc"
)

// TestClientNeverReads: a client that does not read its control socket hurts itself
// alone: its large replies fail or its connection ends, others are served.
func TestClientNeverReads(t *testing.T) {
	base := takeCensus()
	t.Run("server", func(t *testing.T) {
		ended := make(chan error, 1)
		p := local(t, &lpc.ListenOptions{OnClose: func(c *lpc.Conn, err error) {
			if string(c.Info()) == "" {
				ended <- err
			}
		}}, func(r lpc.Request) { _ = r.Reply(manyBytes[:1000]) })
		r := mustConnect(t, portName(t))
		honest := dial(t, portName(t), &lpc.DialOptions{Info: []byte("honest")})
		small := 256 // bytes: the server's side of the socket holds less then
		_ = unix.SetsockoptInt(r.fd, unix.SOL_SOCKET, unix.SO_RCVBUF, small)
		for i := range size(600, 5000) {
			s := i % 64
			r.request(s, "x") // each reply wants a section, whose descriptor is never read
			r.publish(1, s)
			word := r.word64(r.slot(s))
			if !eventually(hangs, func() bool { return r.hungUp() || *word != r.gens[s]<<3|waiting }) {
				t.Fatalf("request %d is not answered", i)
			}
			if r.hungUp() {
				break
			}
			if i%100 == 0 {
				if _, err := honest.Call(t.Context(), nil); err != nil {
					t.Fatal(err)
				}
			}
		}
		t.Logf("the client that never reads: %d connections, %d failures", p.Stats().Connections, p.Stats().Failures)
		r.close()
		receive(t, "OnClose", ended)
		if _, err := honest.Call(t.Context(), nil); err != nil {
			t.Error(err)
		}
	})
	base.check(t)
}

// TestManySections: one user asks for all the sections that it is granted, over
// several connections. The server's mappings stay far below what the kernel allows
// a process (65,530, vm.max_map_count), for at that its runtime dies.
func TestManySections(t *testing.T) {
	base := takeCensus()
	t.Run("client", func(t *testing.T) {
		server := start(t, "server", portName(t))
		server.tell("listen")
		server.expect("listening")
		granted := 0
		for range size(2, 18) {
			r, err := rawConnect(portName(t))
			if err != nil {
				t.Errorf("a server that granted %d sections takes no connections any more: %v", granted, err)
				break
			}
			defer r.close()
			for {
				if err := r.send(frame(frameGrow, 1, "")); err != nil {
					break
				}
				b, fds, err := r.read()
				closeAll(fds)
				if err != nil || b[frameKind] != frameSection {
					break
				}
				granted++
			}
		}
		maps, err := os.ReadFile(fmt.Sprintf("/proc/%d/maps", server.cmd.Process.Pid))
		if err != nil {
			t.Fatal(err)
		}
		n := strings.Count(string(maps), "\n")
		t.Logf("%d sections were granted, the server has %d mappings", granted, n)
		if n > 16384 {
			t.Errorf("the server has %d mappings on behalf of one user, want at most 16,384", n)
		}
		c, err := lpc.Dial(t.Context(), portName(t), nil)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = c.Close() }()
		if _, err := c.Call(t.Context(), someBytes); err != nil {
			t.Error(err)
		}
		server.finish()
	})
	base.check(t)
}

// TestCallbacksNeverAnswered: a client takes callbacks and never answers. The
// server's handlers end at their deadlines, then with ErrQueueFull once all slots of
// that direction are held; another client is served throughout.
func TestCallbacksNeverAnswered(t *testing.T) {
	base := takeCensus()
	t.Run("server", func(t *testing.T) {
		answers := make(chan error, 256)
		local(t, nil, func(r lpc.Request) {
			ctx := r.Context()
			switch string(r.Bytes()) {
			case "callback":
				c, cancel := context.WithTimeout(ctx, 20*time.Millisecond)
				defer cancel()
				ctx = c
			case "one more callback":
			default:
				_ = r.Reply(nil)
				return
			}
			_, err := r.Callback(ctx, nil)
			answers <- err
			_ = r.Reply(nil)
		})
		r := mustConnect(t, portName(t)) // takes all its slots, reads nothing, answers nothing
		late, full := 0, 0
		for i := range slotsOfClient {
			r.request(i, "callback")
			r.publish(1, i)
		}
		for range slotsOfClient {
			switch err := receive(t, "Callback", answers); {
			case errors.Is(err, context.DeadlineExceeded):
				late++
			case errors.Is(err, lpc.ErrQueueFull):
				full++
			default:
				t.Errorf("Callback gives %v, want its deadline or ErrQueueFull", err)
			}
		}
		if late < 64 {
			t.Errorf("%d callbacks met their deadline, want at least one for each of 64 slots", late)
		}
		r.request(0, "one more callback")
		r.publish(1, 0)
		if err := receive(t, "Callback", answers); !errors.Is(err, lpc.ErrQueueFull) {
			t.Errorf("with all slots held, Callback gives %v, want ErrQueueFull", err)
		}
		t.Logf("%d deadlines, %d times ErrQueueFull", late, full)
		if _, err := dial(t, portName(t), nil).Call(t.Context(), nil); err != nil {
			t.Error(err)
		}
	})
	base.check(t)
}
