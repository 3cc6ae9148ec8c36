package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"lpc": main, "testserver": testServer, "mkdisk": mkDisk, "toppanic": topPanic})
}

// TestScript runs testdata/script with real processes. Beside testscript's own
// commands the scripts have:
//
//	server WHO COMMAND...   start a process; go on when it has said "serving"
//	start WHO COMMAND...    start a process
//	await WHO REGEXP        wait for a line on its stderr
//	signal WHO KILL|TERM|INT
//	ended WHO STATUS        wait for its end; STATUS is a number, or "killed"
//	silent WHO              wait until no process holds its stderr any more
//	status N COMMAND...     run it: exit status N, and if not 0, one sentence on stderr
//	nobody N COMMAND...     the same as uid 65534
//	needs WHAT WHY          what the script needs of the machine: cmdNeeds
//
// Nothing waits for a time: a script that hangs is ended shortly before the
// test's deadline.
func TestScript(t *testing.T) {
	ctx := t.Context()
	deadline, ok := t.Deadline()
	if ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, deadline.Add(-10*time.Second))
		t.Cleanup(cancel) // the scripts are parallel subtests, done by then
	}
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Deadline:            deadline,
		Setup: func(e *testscript.Env) error {
			root := filepath.Join(e.WorkDir, "root")
			e.Setenv("LPC_ROOT", root)
			e.Setenv("PORT", `\RPC Control\x`)
			withTest(e)
			e.Values[procsKey{}] = map[string]*proc{}
			e.Values[deadlineKey{}] = ctx
			return os.Mkdir(root, 0o755)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"server": func(ts *testscript.TestScript, neg bool, args []string) {
				need(ts, neg, len(args) > 1)
				start(ts, args).await(ts, regexp.MustCompile(`^serving `))
			},
			"start": func(ts *testscript.TestScript, neg bool, args []string) {
				need(ts, neg, len(args) > 1)
				start(ts, args)
			},
			"await": func(ts *testscript.TestScript, neg bool, args []string) {
				need(ts, neg, len(args) == 2)
				lookup(ts, args[0]).await(ts, regexp.MustCompile(args[1]))
			},
			"signal": func(ts *testscript.TestScript, neg bool, args []string) {
				need(ts, neg, len(args) == 2)
				sig := map[string]os.Signal{"KILL": syscall.SIGKILL, "TERM": syscall.SIGTERM, "INT": syscall.SIGINT}[args[1]]
				ts.Check(lookup(ts, args[0]).cmd.Process.Signal(sig))
			},
			"ended": func(ts *testscript.TestScript, neg bool, args []string) {
				need(ts, neg, len(args) == 2)
				lookup(ts, args[0]).ended(ts, args[1])
			},
			"silent": func(ts *testscript.TestScript, neg bool, args []string) {
				need(ts, neg, len(args) == 1)
				lookup(ts, args[0]).silent(ts)
			},
			"status": func(ts *testscript.TestScript, neg bool, args []string) {
				need(ts, neg, len(args) > 1)
				ts.Logf("%s", args)
				checkStatus(ts, args[0], ts.Exec(args[1], args[2:]...), ts.ReadFile("stderr"))
			},
			"nobody": cmdNobody,
			"needs":  cmdNeeds,
		},
	})
}

func need(ts *testscript.TestScript, neg, ok bool) {
	if neg || !ok {
		ts.Fatalf("wrong use; see TestScript")
	}
}

// checkStatus wants the exit status and, for a failure, one sentence.
func checkStatus(ts *testscript.TestScript, want string, err error, stderr string) {
	n, convErr := strconv.Atoi(want)
	ts.Check(convErr)
	got := 0
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != n {
		ts.Fatalf("exit status %d instead of %d; stderr: %.2000s", got, n, stderr)
	}
	if n != 0 && (strings.Count(stderr, "\n") != 1 || !strings.HasPrefix(stderr, "lpc: ")) {
		ts.Fatalf("stderr is not one sentence: %.2000q", stderr)
	}
}

// cmdNobody runs a command as uid and gid 65534 with no groups, which must be
// able to reach the program and $WORK for it. Its output is shown in the log
// and stands in $WORK/nobody.out and $WORK/nobody.err.
func cmdNobody(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, len(args) > 1)
	path, err := exec.LookPath(args[1])
	ts.Check(err)
	for _, dir := range []string{filepath.Dir(path), ts.Getenv("WORK")} {
		for ; dir != os.TempDir() && len(dir) > len(os.TempDir()); dir = filepath.Dir(dir) {
			ts.Check(os.Chmod(dir, 0o755))
		}
	}
	cmd := exec.Command(path, args[2:]...)
	cmd.Args[0] = args[1]
	cmd.Dir = "/"
	cmd.Env = []string{"LPC_ROOT=" + ts.Getenv("LPC_ROOT"), "PATH=" + os.Getenv("PATH")}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534, Groups: []uint32{}}}
	var out, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &stderr
	err = cmd.Run()
	ts.Logf("as uid 65534: %s\n[stdout]\n%s[stderr]\n%s", args[1:], out.Bytes(), stderr.Bytes())
	ts.Check(os.WriteFile(ts.MkAbs("nobody.out"), out.Bytes(), 0o600))
	ts.Check(os.WriteFile(ts.MkAbs("nobody.err"), stderr.Bytes(), 0o600))
	checkStatus(ts, args[0], err, stderr.String())
}

// proc is a process that a script started beside itself.
type proc struct {
	cmd  *exec.Cmd
	who  string
	over chan struct{} // closed: stderr is at its end and the process was waited for

	mu      sync.Mutex
	changed sync.Cond // lines or closed changed
	lines   []string  // of stderr, not awaited yet; guarded by mu
	closed  bool      // no more lines will come; guarded by mu
}

type (
	procsKey    struct{} // of the map of processes by name
	deadlineKey struct{} // of the context that ends when waits must
)

// deadline ends before the test's deadline.
func deadline(ts *testscript.TestScript) context.Context {
	return ts.Value(deadlineKey{}).(context.Context)
}

func lookup(ts *testscript.TestScript, who string) *proc {
	p := ts.Value(procsKey{}).(map[string]*proc)[who]
	if p == nil {
		ts.Fatalf("nobody is called %s", who)
	}
	return p
}

// start starts args[1:] under the name args[0]. It is killed at the script's end.
// Its stdout goes to the file WHO.out.
func start(ts *testscript.TestScript, args []string) *proc {
	p := &proc{who: args[0], cmd: exec.Command(args[1], args[2:]...), over: make(chan struct{})}
	p.changed.L = &p.mu
	p.cmd.Dir = ts.MkAbs(".")
	p.cmd.Env = append(os.Environ(), "LPC_ROOT="+ts.Getenv("LPC_ROOT"), "TMPDIR="+ts.Getenv("TMPDIR"))
	out, err := os.Create(ts.MkAbs(p.who + ".out"))
	ts.Check(err)
	defer out.Close()
	p.cmd.Stdout = out
	// Not cmd.StderrPipe: a child of the process may hold stderr for longer.
	r, w, err := os.Pipe()
	ts.Check(err)
	p.cmd.Stderr = w
	err = p.cmd.Start()
	w.Close()
	if err != nil {
		r.Close()
		ts.Fatalf("starting %s: %v", args[1:], err)
	}
	ts.Value(procsKey{}).(map[string]*proc)[p.who] = p
	ts.Logf("%s is pid %d: %s", p.who, p.cmd.Process.Pid, args[1:])
	ts.Setenv("PID_"+p.who, strconv.Itoa(p.cmd.Process.Pid))
	go p.read(r)
	go func() {
		_ = p.cmd.Wait() // ended looks at the state
		close(p.over)
	}()
	ts.Defer(func() {
		_ = p.cmd.Process.Kill()
		<-p.over
		r.Close()
	})
	return p
}

func (p *proc) read(r *os.File) {
	for in := bufio.NewScanner(r); in.Scan(); {
		p.mu.Lock()
		p.lines = append(p.lines, in.Text())
		p.changed.Broadcast()
		p.mu.Unlock()
	}
	p.mu.Lock()
	p.closed = true
	p.changed.Broadcast()
	p.mu.Unlock()
}

// await takes lines up to the first that matches.
func (p *proc) await(ts *testscript.TestScript, re *regexp.Regexp) {
	p.mu.Lock()
	defer p.mu.Unlock()
	ctx := deadline(ts)
	defer context.AfterFunc(ctx, p.changed.Broadcast)()
	var seen []string
	for {
		for len(p.lines) > 0 {
			line := p.lines[0]
			p.lines = p.lines[1:]
			seen = append(seen, line)
			if re.MatchString(line) {
				ts.Logf("%s said: %s", p.who, line)
				return
			}
		}
		if p.closed || ctx.Err() != nil {
			ts.Fatalf("%s did not say %q but %q", p.who, re, seen)
		}
		p.changed.Wait()
	}
}

func (p *proc) silent(ts *testscript.TestScript) {
	p.mu.Lock()
	defer p.mu.Unlock()
	ctx := deadline(ts)
	defer context.AfterFunc(ctx, p.changed.Broadcast)()
	for !p.closed {
		if ctx.Err() != nil {
			ts.Fatalf("a child of %s does not end", p.who)
		}
		p.changed.Wait()
	}
}

func (p *proc) ended(ts *testscript.TestScript, want string) {
	select {
	case <-p.over:
	case <-deadline(ts).Done():
		ts.Fatalf("%s does not end", p.who)
	}
	got := strconv.Itoa(p.cmd.ProcessState.ExitCode())
	if st := p.cmd.ProcessState.Sys().(syscall.WaitStatus); st.Signaled() && st.Signal() == syscall.SIGKILL {
		got = "killed"
	}
	if got != want {
		p.mu.Lock()
		defer p.mu.Unlock()
		ts.Fatalf("%s ended with %s instead of %s; the rest of its stderr: %q", p.who, got, want, p.lines)
	}
}
