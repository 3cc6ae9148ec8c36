package robust

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/seed-eedd8485/lpc/internal/proctest"
)

// A child is another process of a test: this test binary in a role. It says lines
// on its standard output, is told lines on its standard input, and ends when that
// ends.
type child struct {
	t     testing.TB
	role  string
	cmd   *exec.Cmd
	in    io.WriteCloser
	lines chan string   // what it says; closed at its end
	ended chan struct{} // closed when it has been waited for
	diag  bytes.Buffer  // its standard error, to be read once ended is closed
	kill  func()
}

// nameEnv is the port's name for a child.
const nameEnv = "LPC_ROBUST_NAME"

// start runs a child until the test ends.
func start(t testing.TB, role, name string, env ...string) *child {
	t.Helper()
	return startAttr(t, nil, role, name, env...)
}

// startAs runs it as another user.
func startAs(t testing.TB, as *syscall.Credential, role, name string, env ...string) *child {
	t.Helper()
	return startAttr(t, &syscall.SysProcAttr{Credential: as}, role, name, env...)
}

func startAttr(t testing.TB, attr *syscall.SysProcAttr, role, name string, env ...string) *child {
	t.Helper()
	c := &child{t: t, role: role, lines: make(chan string, 1024), ended: make(chan struct{})}
	c.cmd = proctest.Command(role, "GORACE=atexit_sleep_ms=0", "GOTRACEBACK=all", nameEnv+"="+name)
	c.cmd.Env = append(c.cmd.Env, env...)
	c.cmd.Stderr = &c.diag
	c.cmd.SysProcAttr = attr
	out, err := c.cmd.StdoutPipe()
	if err == nil {
		c.in, err = c.cmd.StdinPipe()
	}
	if err == nil {
		err = c.cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	c.kill = sync.OnceFunc(func() { _ = c.cmd.Process.Kill() })
	go func() {
		for s := bufio.NewScanner(out); s.Scan(); {
			c.lines <- s.Text()
		}
		close(c.lines)
		_ = c.cmd.Wait()
		close(c.ended)
	}()
	t.Cleanup(func() {
		_ = c.in.Close()
		c.kill()
		for range c.lines {
		}
		await(t, "the end of a "+role+" process", c.ended)
	})
	return c
}

// tell sends the child a line.
func (c *child) tell(line string) {
	c.t.Helper()
	if _, err := io.WriteString(c.in, line+"\n"); err != nil {
		c.t.Fatalf("telling the %s process %q: %v", c.role, line, err)
	}
}

// expect waits for a line with that first word and returns the rest of it.
func (c *child) expect(word string) string {
	c.t.Helper()
	line := receive(c.t, fmt.Sprintf("%q from the %s process", word, c.role), c.lines)
	first, rest, _ := strings.Cut(line, " ")
	if first != word {
		c.kill()
		<-c.ended
		c.t.Fatalf("the %s process says %q, want %q; its standard error:\n%s", c.role, line, word, c.diag.Bytes())
	}
	return rest
}

// finish ends the child's input and gives its last lines; it must exit with 0.
func (c *child) finish() (last []string) {
	c.t.Helper()
	_ = c.in.Close()
	within(c.t, "the "+c.role+" process after its input's end", func() {
		for line := range c.lines {
			last = append(last, line)
		}
		<-c.ended
	})
	if !c.cmd.ProcessState.Success() {
		c.t.Errorf("the %s process ended with %v; its standard error:\n%s", c.role, c.cmd.ProcessState, c.diag.Bytes())
	}
	return last
}

// killedItself waits for the child's end, which must be by SIGKILL.
func (c *child) killedItself(point string) {
	c.t.Helper()
	await(c.t, fmt.Sprintf("the end of the %s process at %s: the scenario never passes it, or it", c.role, point), c.ended)
	if s := c.cmd.ProcessState.Sys().(syscall.WaitStatus); !s.Signaled() || s.Signal() != syscall.SIGKILL {
		c.t.Fatalf("the %s process ended with %v, want a kill at %s; its standard error:\n%s", c.role, c.cmd.ProcessState, point, c.diag.Bytes())
	}
}

func (c *child) signal(s syscall.Signal) {
	if err := c.cmd.Process.Signal(s); err != nil {
		c.t.Error(err)
	}
}

// nice gives every thread of the child the nice value n; threads that they start
// inherit it (setpriority(2)).
func (c *child) nice(n int) {
	tasks, _ := os.ReadDir(fmt.Sprintf("/proc/%d/task", c.cmd.Process.Pid))
	for _, t := range tasks {
		if tid, err := strconv.Atoi(t.Name()); err == nil {
			if err := syscall.Setpriority(syscall.PRIO_PROCESS, tid, n); err != nil && !errors.Is(err, syscall.ESRCH) {
				c.t.Error(err)
			}
		}
	}
}

// stop stops the child: all its threads, as /proc tells (proc(5), state T).
func (c *child) stop() {
	c.t.Helper()
	c.signal(syscall.SIGSTOP)
	stat := fmt.Sprintf("/proc/%d/task/", c.cmd.Process.Pid)
	if !eventually(hangs, func() bool {
		tasks, _ := os.ReadDir(stat)
		for _, t := range tasks {
			b, _ := os.ReadFile(stat + t.Name() + "/stat")
			if _, after, _ := bytes.Cut(b, []byte(") ")); len(after) > 0 && after[0] != 'T' {
				return false
			}
		}
		return true
	}) {
		c.t.Fatalf("the %s process does not stop", c.role)
	}
}

// dump ends the child with the stacks of all its goroutines.
func (c *child) dump() string {
	_ = c.cmd.Process.Signal(syscall.SIGQUIT)
	for range c.lines {
	}
	<-c.ended
	return c.diag.String()
}

// say is a child's word to its parent.
func say(format string, args ...any) { fmt.Printf(format+"\n", args...) }

// ask waits for the parent's next line, false at the end.
var ask = sync.OnceValue(func() func() (string, bool) {
	s := bufio.NewScanner(os.Stdin)
	return func() (string, bool) {
		ok := s.Scan()
		return s.Text(), ok
	}
})
