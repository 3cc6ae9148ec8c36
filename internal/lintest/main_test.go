package lintest

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

const (
	roleEnv   = "LPC_LINTEST_ROLE"
	configEnv = "LPC_LINTEST_CONFIG"
)

// Roles of this binary in other processes.
var roles = map[string]func(*config) error{
	"server": serve,
	"client": call,
	"stream": stream,
}

// config tells a process what to do.
type config struct {
	Name    string // the port's
	Workers int    // of the server

	ID         int // the client's
	Goroutines int
	Ops        int // of each goroutine
	Conns      int // the goroutines share so many connections
	Keys       int
	Cancel     int // one call of so many is cancelled; 0: none
	Slow       int // one handler of so many is slow; 0: none
}

func TestMain(m *testing.M) {
	if name := os.Getenv(roleEnv); name != "" {
		dog := newWatchdog(name)
		var c config
		err := json.Unmarshal([]byte(os.Getenv(configEnv)), &c)
		if err == nil {
			err = roles[name](&c)
		}
		dog.Stop()
		if err != nil {
			_, _ = fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// newWatchdog ends a process that hangs, with all its stacks. It asserts no time:
// it is far beyond what any test takes.
func newWatchdog(what string) *time.Timer {
	return time.AfterFunc(3*time.Minute, func() {
		b := make([]byte, 1<<20)
		_, _ = fmt.Fprintf(os.Stderr, "%s hangs:\n%s\n", what, b[:runtime.Stack(b, true)])
		os.Exit(2)
	})
}

// now is the time by the clock that all processes share, in nanoseconds.
func now() int64 {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts); err != nil {
		panic(err)
	}
	return ts.Nano()
}

// A child is this binary in a role. It ends when its standard input does.
type child struct {
	cmd *exec.Cmd
	in  io.Closer
	out *bufio.Reader
}

func start(t *testing.T, role, root string, c config, env ...string) *child {
	t.Helper()
	b, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), roleEnv+"="+role, configEnv+"="+string(b), "LPC_ROOT="+root, "GOTRACEBACK=all")
	cmd.Env = append(cmd.Env, env...)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if cmd.ProcessState == nil {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		}
	})
	return &child{cmd, in, bufio.NewReader(out)}
}

// startServer returns when the server serves.
func startServer(t *testing.T, root string, c config, env ...string) *child {
	t.Helper()
	s := start(t, "server", root, c, env...)
	if line, err := s.out.ReadString('\n'); err != nil || line != "ready\n" {
		t.Fatalf("the server says %q: %v", line, err)
	}
	return s
}

// end reads what the child still says and waits for its end.
func (c *child) end(t *testing.T) []byte {
	t.Helper()
	b, err := io.ReadAll(c.out)
	if werr := c.cmd.Wait(); err != nil || werr != nil {
		t.Fatalf("process %d: %v, %v", c.cmd.Process.Pid, err, werr)
	}
	return b
}

// stop ends the server and gives what it counted.
func (c *child) stop(t *testing.T) (s counts) {
	t.Helper()
	if err := c.in.Close(); err != nil {
		t.Fatal(err)
	}
	if b := c.end(t); json.Unmarshal(b, &s) != nil {
		t.Fatalf("the server counted %q", b)
	}
	return s
}
