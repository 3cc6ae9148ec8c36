package proctest

import (
	"bufio"
	"bytes"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// A Child is a process that a test started. Its methods are for the test's goroutine.
type Child struct {
	Cmd *exec.Cmd      // started; Kill, Wait and End wait for it, and nobody else may
	In  io.WriteCloser // its standard input
	Out *bufio.Reader  // its standard output
}

// Start starts a command. When the test ends its input is closed and it is killed.
func Start(t testing.TB, cmd *exec.Cmd) *Child {
	t.Helper()
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
	c := &Child{Cmd: cmd, In: in, Out: bufio.NewReader(out)}
	t.Cleanup(func() {
		_ = in.Close()
		c.Kill()
	})
	return c
}

// PID is the process's id.
func (c *Child) PID() int { return c.Cmd.Process.Pid }

// Line is the next line that the process says; its end is a failure.
func (c *Child) Line(t testing.TB) string {
	t.Helper()
	line, err := c.Out.ReadString('\n')
	if err != nil {
		t.Fatalf("process %d said %q and no more: %v", c.PID(), line, err)
	}
	return strings.TrimSpace(line)
}

// Expect waits for the process's next line, which must be want.
func (c *Child) Expect(t testing.TB, want string) {
	t.Helper()
	if got := c.Line(t); got != want {
		t.Fatalf("process %d said %q, want %q", c.PID(), got, want)
	}
}

// Say sends the process a line.
func (c *Child) Say(t testing.TB, line string) {
	t.Helper()
	if _, err := io.WriteString(c.In, line+"\n"); err != nil {
		t.Fatalf("telling process %d %q: %v", c.PID(), line, err)
	}
}

// Signal sends the process a signal.
func (c *Child) Signal(t testing.TB, s os.Signal) {
	t.Helper()
	if err := c.Cmd.Process.Signal(s); err != nil {
		t.Fatalf("sending %v to process %d: %v", s, c.PID(), err)
	}
}

// Kill is kill -9. It returns when the kernel has closed all that the process had, which
// is at once where it has ended before.
func (c *Child) Kill() {
	_ = c.Cmd.Process.Kill()
	_ = c.Cmd.Wait()
}

// Wait waits for the process's end, which must be with status 0, and gives what it still
// said.
func (c *Child) Wait(t testing.TB) []byte {
	t.Helper()
	said, err := io.ReadAll(c.Out)
	if ended := c.Cmd.Wait(); err != nil || ended != nil {
		t.Fatalf("process %d: %v, %v; it said %q", c.PID(), err, ended, said)
	}
	return said
}

// End closes the process's input, and waits for its end as Wait does.
func (c *Child) End(t testing.TB) []byte {
	t.Helper()
	if err := c.In.Close(); err != nil {
		t.Fatalf("closing the input of process %d: %v", c.PID(), err)
	}
	return c.Wait(t)
}

// Freeze stops the process and waits until all its threads have stopped: proc_pid_stat(5),
// state T.
func (c *Child) Freeze(t testing.TB) {
	t.Helper()
	c.Signal(t, syscall.SIGSTOP)
	tasks := "/proc/" + strconv.Itoa(c.PID()) + "/task/"
	for moving := true; moving; {
		list, err := os.ReadDir(tasks)
		if err != nil {
			t.Fatal(err)
		}
		moving = false
		for _, task := range list {
			stat, err := os.ReadFile(tasks + task.Name() + "/stat")
			if err != nil {
				moving = true // it ended between the two
				break
			}
			// The name stands in parentheses and may hold some.
			if !bytes.HasPrefix(stat[bytes.LastIndexByte(stat, ')')+1:], []byte(" T")) {
				moving = true
				break
			}
		}
	}
}
