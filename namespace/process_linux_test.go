package namespace

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

const (
	roleEnv   = "NAMESPACE_TEST_ROLE"
	systemEnv = "NAMESPACE_TEST_SYSTEM_ROOT"
	nobody    = 65534
)

// TestMain makes the test binary the second process where a test needs one.
func TestMain(m *testing.M) {
	if root := os.Getenv(systemEnv); root != "" {
		systemRoot = root
	}
	if role := strings.Fields(os.Getenv(roleEnv)); len(role) > 0 {
		os.Exit(play(role[0], role[1:]))
	}
	before := descriptors()
	code := m.Run()
	if after := descriptors(); code == 0 && after != before {
		fmt.Fprintf(os.Stderr, "descriptors leaked: %d before the tests, %d after\n", before, after)
		code = 1
	}
	os.Exit(code)
}

// play does one thing and says on a line how it came out.
func play(role string, args []string) int {
	in := bufio.NewReader(os.Stdin)
	wait := func() { _, _ = in.ReadString('\n') }
	switch role {
	case "listen": // NAME MODE: until the input ends or a line comes
		l, err := Listen(mustParse(args[0]), Options{Mode: octal(args[1])})
		if err != nil {
			fmt.Println(kind(err), err)
			return 0
		}
		fmt.Println("ok", l.Path())
		wait()
		if err := l.Close(); err != nil {
			fmt.Println(err)
			return 1
		}
	case "race": // NAME: when a line comes
		n := mustParse(args[0])
		fmt.Println("ready")
		wait()
		_, err := Listen(n, Options{})
		fmt.Println(kind(err))
		wait()
	case "die": // NAME STEP
		failpoint = func(step string) {
			if step == args[1] {
				_ = unix.Kill(unix.Getpid(), unix.SIGKILL)
				select {}
			}
		}
		_, err := Listen(mustParse(args[0]), Options{})
		fmt.Println("survived", err)
	case "connect": // NAME
		fd, err := Connect(context.Background(), mustParse(args[0]))
		unix.Close(fd)
		fmt.Println(kind(err), err)
	case "touch": // PATH: a bare connect(2)
		fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
		if err == nil {
			err = unix.Connect(fd, &unix.SockaddrUnix{Name: args[0]})
		}
		fmt.Println(kind(err), err)
	case "list":
		entries, err := List(context.Background(), SearchRoots())
		if err != nil {
			fmt.Println(err)
			return 1
		}
		for _, e := range entries {
			fmt.Printf("%s %s stale=%v pid=%d uid=%d %s\n", kind(e.Err), e.Name.Short(), e.Stale, e.PID, e.UID, filepath.Base(e.Path))
		}
	case "roots":
		root, err := ListenRoot()
		_ = json.NewEncoder(os.Stdout).Encode(roots{root, kind(err), SearchRoots()})
	case "search": // makes nothing
		_ = json.NewEncoder(os.Stdout).Encode(roots{Search: SearchRoots()})
	default:
		fmt.Println("no such role")
		return 1
	}
	return 0
}

type roots struct {
	Listen string
	Kind   string
	Search []string
}

// kind is an error's sentinel in one word.
func kind(err error) string {
	for _, k := range []struct {
		err  error
		word string
	}{{nil, "ok"}, {ErrInUse, "in-use"}, {ErrUntrustedRoot, "untrusted"}, {ErrPermission, "permission"}, {ErrNotFound, "not-found"}, {ErrInvalidName, "invalid"}, {fs.ErrPermission, "EACCES"}} {
		if errors.Is(err, k.err) {
			return k.word
		}
	}
	return "other"
}

// process is a test binary in a role. It is killed when the test ends.
type process struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

type processOption func(*exec.Cmd)

func asUser(uid uint32) processOption {
	return func(c *exec.Cmd) {
		c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}}
	}
}

func withEnv(pairs ...string) processOption {
	return func(c *exec.Cmd) { c.Env = append(c.Env, pairs...) }
}

// withProgram runs a copy of the test binary.
func withProgram(path string) processOption {
	return func(c *exec.Cmd) { c.Path = path }
}

func start(t *testing.T, role string, options ...processOption) *process {
	t.Helper()
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), roleEnv+"="+role, "GORACE=atexit_sleep_ms=0")
	cmd.Dir = "/"
	cmd.Stderr = os.Stderr
	for _, o := range options {
		o(cmd)
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
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	return &process{cmd, in, bufio.NewReader(out)}
}

// line returns the next line of output, "" at its end.
func (p *process) line() string {
	s, _ := p.out.ReadString('\n')
	return strings.TrimSuffix(s, "\n")
}

func (p *process) expect(t *testing.T, word string) string {
	t.Helper()
	line := p.line()
	if first, _, _ := strings.Cut(line, " "); first != word {
		t.Fatalf("the other process says %q, want %s", line, word)
	}
	return line
}

func (p *process) tell(t *testing.T) {
	t.Helper()
	if _, err := io.WriteString(p.in, "\n"); err != nil {
		t.Fatal(err)
	}
}

// kill is kill -9, until the kernel has closed all that the process had.
func (p *process) kill(t *testing.T) {
	t.Helper()
	if err := p.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = p.cmd.Wait()
}

// run starts a process in a role and returns its first line.
func run(t *testing.T, role string, options ...processOption) string {
	t.Helper()
	return start(t, role, options...).line()
}

// newRoot makes $LPC_ROOT a new directory that all may enter.
func newRoot(t *testing.T) string {
	t.Helper()
	root := publicDir(t)
	t.Setenv("LPC_ROOT", root)
	return root
}

// publicDir is a directory of the caller's that all may enter; the one that
// t.TempDir stands in is closed to them.
func publicDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "namespace-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

func mustParse(s string) Name {
	n, err := Parse(s)
	if err != nil {
		panic(err)
	}
	return n
}

func octal(s string) fs.FileMode {
	n, err := strconv.ParseUint(s, 8, 32)
	if err != nil {
		panic(err)
	}
	return fs.FileMode(n)
}

func listenOn(t *testing.T, name string, o Options) *Listener {
	t.Helper()
	l, err := Listen(mustParse(name), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

// reach connects, and checks that it is to l.
func reach(t *testing.T, l *Listener, name string) {
	t.Helper()
	fd, err := Connect(context.Background(), mustParse(name))
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	c, _, err := unix.Accept4(l.FD(), unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK)
	if err != nil {
		t.Fatalf("the listener on %s has no connection: %v", l.Path(), err)
	}
	unix.Close(c)
}

func descriptors() int {
	if r, w, err := os.Pipe(); err == nil { // the runtime's own for polling
		r.Close()
		w.Close()
	}
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return 0
	}
	return len(entries)
}
