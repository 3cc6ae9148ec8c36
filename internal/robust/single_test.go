package robust

import (
	"bytes"
	"os"
	"os/exec"
	"runtime"
	"testing"

	"github.com/seed-eedd8485/lpc"
	"github.com/seed-eedd8485/lpc/internal/needs"
)

// TestOneProcessor runs the tests that have both ends in one process again with
// GOMAXPROCS=1: nobody spins then, and who does not give way stops all.
func TestOneProcessor(t *testing.T) {
	if runtime.GOMAXPROCS(0) == 1 || os.Getenv("GOMAXPROCS") == "1" {
		needs.Elsewhere(t, "go test without GOMAXPROCS=1: with it, all tests here have one processor")
	}
	cmd := exec.Command("/proc/self/exe", "-test.run=^(TestCloseDuringEverything|TestConnectAndClose|TestDialDeadlines|TestServerNeverAnswers|TestWaitersForSlots|TestManyLargeCallers|TestDatagramsFull|TestCallbacksNeverAnswered|TestHostileServer|TestHostileClient|TestBothEnds)$", "-test.timeout=5m")
	cmd.Env = append(os.Environ(), "GOMAXPROCS=1", "GORACE=atexit_sleep_ms=0")
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		t.Fatalf("with GOMAXPROCS=1: %v\n%s", err, out.Bytes())
	}
}

// TestBothEnds: client and server in one goroutine's way: a handler that calls its
// own port, several deep, and callbacks in both directions.
func TestBothEnds(t *testing.T) {
	base := takeCensus()
	t.Run("calls", func(t *testing.T) {
		const deep = 20
		conn := make(chan *lpc.Conn, 1)
		local(t, nil, func(r lpc.Request) {
			if n := r.View()[0]; n > 0 {
				c := <-conn
				conn <- c
				b, err := c.Call(r.Context(), []byte{n - 1})
				if err != nil {
					_ = r.Fail(int(n), err.Error())
					return
				}
				_ = r.Reply(append(b, n))
				return
			}
			b, err := r.Callback(r.Context(), []byte("x"))
			if err != nil {
				_ = r.Fail(0, err.Error())
				return
			}
			_ = r.Reply(b)
		})
		c := dial(t, portName(t), &lpc.DialOptions{Handler: lpc.HandlerFunc(echo)})
		conn <- c
		for range size(50, 1000) {
			var b []byte
			var err error
			within(t, "calls within calls", func() { b, err = c.Call(t.Context(), []byte{deep}) })
			if err != nil || len(b) != deep+1 || b[0] != 'x' {
				t.Fatalf("%v %v", b, err)
			}
		}
	})
	base.check(t)
}
