package kd_test

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Processes that a test looks at are this binary again with LPC_TEST_ROLE: a role is
// a function in roles_test.go.
func TestMain(m *testing.M) {
	if role := os.Getenv("LPC_TEST_ROLE"); role != "" {
		// So that the kernel writes a core file, if the hard limit lets it.
		var most syscall.Rlimit
		if err := syscall.Getrlimit(syscall.RLIMIT_CORE, &most); err == nil {
			if os.Geteuid() == 0 {
				most.Max = ^uint64(0) // RLIM_INFINITY
			}
			most.Cur = most.Max
			_ = syscall.Setrlimit(syscall.RLIMIT_CORE, &most)
		}
		if err := roles[role](os.Args[1:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// watchdog ends the process with all its stacks when a test hangs. It asserts no
// time: it is far beyond what any test takes.
func watchdog(t *testing.T) {
	t.Helper()
	w := time.AfterFunc(2*time.Minute, func() {
		b := make([]byte, 1<<20)
		fmt.Fprintf(os.Stderr, "%s hangs:\n%s\n", t.Name(), b[:runtime.Stack(b, true)])
		os.Exit(2)
	})
	t.Cleanup(func() { w.Stop() })
}

// A child is a process that a test looks at. It ends when its input does.
type child struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

func (c *child) pid() int { return c.cmd.Process.Pid }

// start starts a role and waits until it says "ready".
func start(t *testing.T, root, role string, args ...string) *child {
	t.Helper()
	cmd := exec.Command("/proc/self/exe", args...)
	cmd.Env = append(os.Environ(), "LPC_TEST_ROLE="+role, "LPC_ROOT="+root, "GOTRACEBACK=crash")
	cmd.Dir = t.TempDir()
	if os.Getenv("LPC_TEST_STDERR") != "" {
		cmd.Stderr = os.Stderr // a crash prints every goroutine
	}
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
	c := &child{cmd: cmd, in: in, out: bufio.NewReader(out)}
	t.Cleanup(func() {
		_ = in.Close()
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	c.expect(t, "ready")
	return c
}

func (c *child) expect(t *testing.T, want string) {
	t.Helper()
	line, err := c.out.ReadString('\n')
	if got := strings.TrimSpace(line); got != want {
		t.Fatalf("process %d said %q (%v), want %q", c.pid(), got, err, want)
	}
}

// say sends a line to the process.
func (c *child) say(t *testing.T, line string) {
	t.Helper()
	if _, err := io.WriteString(c.in, line+"\n"); err != nil {
		t.Fatal(err)
	}
}
