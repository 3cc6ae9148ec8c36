package deadlock_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/seed-eedd8485/lpc"
	"github.com/seed-eedd8485/lpc/deadlock"
	"github.com/seed-eedd8485/lpc/internal/proctest"
)

// hangs is when a test gives up.
const hangs = 30 * time.Second

func TestMain(m *testing.M) {
	proctest.Run(map[string]func() error{"service": serve})
	os.Exit(m.Run())
}

// serve NAME NEXT WORKERS is a service. A request whose data is not empty has it call
// the service NEXT with that data's rest, and reply what that replies.
func serve() error {
	name, next := os.Args[1], os.Args[2]
	workers, err := strconv.Atoi(os.Args[3])
	if err != nil {
		return err
	}
	port, err := lpc.Listen(name, &lpc.ListenOptions{MaxWorkers: workers})
	if err != nil {
		return err
	}
	fmt.Println("ready")
	go func() {
		_, _ = os.Stdin.Read(make([]byte, 1))
		_ = port.Close()
	}()
	err = lpc.Serve(context.Background(), port, lpc.HandlerFunc(func(r lpc.Request) {
		rest := string(r.Bytes())
		if rest == "" {
			_ = r.Reply([]byte("end"))
			return
		}
		if rest == "slow" {
			<-time.After(20 * time.Millisecond)
			rest = "x"
		}
		conn, err := lpc.Dial(r.Context(), next, &lpc.DialOptions{RefuseDeadlock: deadlock.Check})
		if err == nil {
			var reply []byte
			reply, err = conn.Call(r.Context(), []byte(rest[1:]))
			_ = conn.Close()
			if err == nil {
				_ = r.Reply(reply)
				return
			}
		}
		text := err.Error()
		if errors.Is(err, lpc.ErrDeadlock) {
			text = "refused: " + text
		}
		_ = r.Fail(os.Getpid(), text)
	}))
	if errors.Is(err, lpc.ErrPortClosed) {
		return nil
	}
	return err
}

func start(t *testing.T, name, next string, workers int) (pid int) {
	t.Helper()
	cmd := proctest.Command("service")
	cmd.Args = append(cmd.Args, name, next, strconv.Itoa(workers))
	c := proctest.Start(t, cmd)
	c.Expect(t, "ready")
	t.Cleanup(func() { c.End(t) })
	return c.PID()
}

// ask calls a service from this process.
func ask(t *testing.T, name, data string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), hangs)
	defer cancel()
	conn, err := lpc.Dial(ctx, name, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	reply, err := conn.Call(ctx, []byte(data))
	return string(reply), err
}

// TestRefused: a call that closes a cycle of two, or of three, processes fails with the
// chain, and the services serve the next.
func TestRefused(t *testing.T) {
	for _, names := range [][]string{{"a", "b"}, {"a", "b", "c"}} {
		t.Run(strconv.Itoa(len(names)), func(t *testing.T) {
			t.Setenv("LPC_ROOT", t.TempDir())
			var pids []int
			for i, n := range names {
				pids = append(pids, start(t, n, names[(i+1)%len(names)], 1))
			}
			_, err := ask(t, "a", strings.Repeat("x", len(names)))
			var h *lpc.HandlerError
			if !errors.As(err, &h) || !strings.Contains(h.Text, "refused: ") || !strings.Contains(h.Text, "deadlock") {
				t.Fatalf("the call gives %v, want a handler that says that its call was refused", err)
			}
			if !strings.Contains(err.Error(), strconv.Itoa(pids[0])) {
				t.Errorf("the chain names no process %d: %v", pids[0], err)
			}
			for _, n := range names {
				if reply, err := ask(t, n, "x"); err != nil || reply != "end" {
					t.Errorf("afterwards %s replies %q, %v", n, reply, err)
				}
			}
		})
	}
}

// TestNotRefused: calls that merely take long, or that come back to a port with a
// handler free, are none of its business.
func TestNotRefused(t *testing.T) {
	t.Setenv("LPC_ROOT", t.TempDir())
	start(t, "a", "b", 2)
	start(t, "b", "a", 2)
	if reply, err := ask(t, "a", "xx"); err != nil || reply != "end" {
		t.Errorf("a call that comes back gives %q, %v", reply, err)
	}
	if reply, err := ask(t, "a", "xslow"); err != nil || reply != "end" {
		t.Errorf("a call that waits for a slow handler gives %q, %v", reply, err)
	}
}
