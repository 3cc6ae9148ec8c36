package lpc

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"
)

// Tests that need a second process start this binary again with LPC_TEST_ROLE: a
// role is a function that runs in a process of its own.
var roles = map[string]func() error{}

func TestMain(m *testing.M) {
	if name := os.Getenv("LPC_TEST_ROLE"); name != "" {
		if err := roles[name](); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	dir, err := os.MkdirTemp("", "lpc-test")
	if err != nil {
		panic(err)
	}
	os.Setenv("LPC_ROOT", dir)
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
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

// name is a port name of the test's own.
func name(t *testing.T) string { return strings.ReplaceAll(t.Name(), "/", "-") }

// served listens and serves until the test ends.
func served(t *testing.T, o *ListenOptions, h HandlerFunc) *Port {
	t.Helper()
	watchdog(t)
	p, err := Listen(name(t), o)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- Serve(context.Background(), p, h) }()
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
		if err := <-done; !errors.Is(err, ErrPortClosed) {
			t.Errorf("Serve returned %v, want ErrPortClosed", err)
		}
	})
	return p
}

func dialed(t *testing.T, o *DialOptions) *Conn {
	t.Helper()
	c, err := Dial(t.Context(), name(t), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func echo(r Request) { _ = r.Reply(r.View()) }

// A child is a second process.
type child struct {
	cmd *exec.Cmd
	out *bufio.Reader
}

// start starts a role; its environment gets env.
func start(t *testing.T, role string, env ...string) *child {
	t.Helper()
	cmd := exec.Command("/proc/self/exe")
	if e := os.Getenv("LPC_TEST_EMULATOR"); e != "" { // this binary is another processor's
		cmd = exec.Command(e, os.Args[0])
	}
	cmd.Env = append(append(os.Environ(), "LPC_TEST_ROLE="+role), env...)
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
	c := &child{cmd: cmd, out: bufio.NewReader(out)}
	t.Cleanup(func() {
		_ = in.Close() // a role ends when its input does
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	return c
}

// line is the child's next line of output.
func (c *child) line(t *testing.T) string {
	t.Helper()
	s, err := c.out.ReadString('\n')
	if err != nil {
		t.Fatalf("reading the child's output: %v", err)
	}
	return strings.TrimSpace(s)
}
