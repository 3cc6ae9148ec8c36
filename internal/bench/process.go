package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// process is a child. Orders are given by one goroutine at a time.
type process struct {
	what    string // "the server of lpc", for sentences
	cmd     *exec.Cmd
	in      io.WriteCloser
	answers chan answer
	stderr  tail
	dead    chan struct{} // closed after the child was waited for
	exit    error         // of the child; valid after dead
}

// grace is how long a child may take to end by itself, or to print its stacks.
const grace = 5 * time.Second

// errHang is wrapped when a child did not answer in time.
var errHang = errors.New("hangs")

// spawn starts this binary again in a role.
func (l *launcher) spawn(role, what string, cpu int, env []string) (*process, error) {
	exe, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("finding the binary to start again: %w", err)
	}
	p := &process{what: what, cmd: exec.Command(exe), answers: make(chan answer), dead: make(chan struct{})}
	p.cmd.Env = append(childEnviron(), append(env, RoleEnv+"="+role)...)
	p.cmd.Stderr = &p.stderr
	p.cmd.WaitDelay = grace
	var out io.ReadCloser
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	if out, err = p.cmd.StdoutPipe(); err != nil {
		return nil, err
	}
	if err := l.start(p.cmd, cpu); err != nil {
		return nil, fmt.Errorf("starting %s: %w", what, err)
	}
	go p.listen(out)
	return p, nil
}

// childEnviron is this process's environment without what would change a
// measurement; stacks are to be of all goroutines. A child built with the race
// detector need not wait a second for late reports when it ends.
func childEnviron() []string {
	env := slices.DeleteFunc(os.Environ(), func(s string) bool {
		return strings.HasPrefix(s, "LPC_") || strings.HasPrefix(s, "GOTRACEBACK=")
	})
	return append(env, "GOTRACEBACK=all", "GORACE=atexit_sleep_ms=0 "+os.Getenv("GORACE"))
}

// listen hands the child's answers on until it dies.
func (p *process) listen(out io.Reader) {
	dec := json.NewDecoder(out)
	for {
		var a answer
		if dec.Decode(&a) != nil {
			break // it died, or prints nonsense: then it dies of a broken pipe
		}
		p.answers <- a
	}
	p.exit = p.cmd.Wait()
	close(p.dead)
}

// tell gives an order and waits at most limit for its answer.
func (p *process) tell(ctx context.Context, o order, limit time.Duration) (answer, error) {
	if err := json.NewEncoder(p.in).Encode(o); err != nil {
		<-p.dead // nothing reads the pipe any more
		return answer{}, p.death()
	}
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case a := <-p.answers:
		if a.Err != "" {
			return a, fmt.Errorf("%s: %s", p.what, a.Err)
		}
		return a, nil
	case <-p.dead:
		return answer{}, p.death()
	case <-timer.C:
		return answer{}, fmt.Errorf("%s %w: no answer to %q for %v", p.what, errHang, o.Op, limit)
	case <-ctx.Done():
		return answer{}, ctx.Err()
	}
}

// death says how the child died, with the end of its stderr.
func (p *process) death() error {
	how := "exit status 0"
	if p.exit != nil {
		how = p.exit.Error()
	}
	if said := strings.TrimSpace(p.stderr.String()); said != "" {
		return fmt.Errorf("%s died (%s):\n%s", p.what, how, said)
	}
	return fmt.Errorf("%s died (%s)", p.what, how)
}

// alive tells whether the child has not ended.
func (p *process) alive() bool {
	select {
	case <-p.dead:
		return false
	default:
		return true
	}
}

// stacks makes the child print all its stacks, ends it, and returns them.
func (p *process) stacks() string {
	_ = p.cmd.Process.Signal(syscall.SIGQUIT) // dead already: its stderr says why
	p.await(grace)
	return fmt.Sprintf("---- %s, pid %d, on SIGQUIT ----\n%s\n", p.what, p.cmd.Process.Pid, &p.stderr)
}

// end closes the child's stdin, which ends it, and reaps it.
func (p *process) end() {
	_ = p.in.Close()
	p.await(grace)
}

// kill ends the child at once and reaps it.
func (p *process) kill() {
	_ = p.cmd.Process.Kill() // an error means that it has ended
	p.await(grace)
}

// await reaps the child, and kills it if it has not ended within d.
func (p *process) await(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	for {
		select {
		case <-p.dead:
			return
		case <-p.answers: // nobody asked; listen must not be stuck with it
		case <-timer.C:
			_ = p.cmd.Process.Kill() // reaped by listen
		}
	}
}

// tail keeps the end of what is written to it. It is safe for concurrent use.
type tail struct {
	mu  sync.Mutex
	buf []byte
}

// tailBytes holds the stacks of some hundred goroutines.
const tailBytes = 256 << 10

func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.buf = append(t.buf, b...)
	if over := len(t.buf) - tailBytes; over > 0 {
		t.buf = append(t.buf[:0], t.buf[over:]...)
	}
	return len(b), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.buf)
}
