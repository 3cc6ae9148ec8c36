package namespace

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/seed-eedd8485/lpc/internal/proctest"
)

const (
	systemEnv = "NAMESPACE_TEST_SYSTEM_ROOT"
	nobody    = 65534
)

// TestMain makes the test binary the second process where a test needs one.
func TestMain(m *testing.M) {
	if root := os.Getenv(systemEnv); root != "" {
		systemRoot = root
	}
	proctest.Run(map[string]func() error{"play": func() error { return play(os.Args[1], os.Args[2:]) }})
	before := proctest.Descriptors()
	code := m.Run()
	if after := proctest.Descriptors(); code == 0 && after != before {
		fmt.Fprintf(os.Stderr, "descriptors leaked: %d before the tests, %d after\n", before, after)
		code = 1
	}
	os.Exit(code)
}

// play does one thing and says on a line how it came out.
func play(role string, args []string) error {
	in := bufio.NewReader(os.Stdin)
	wait := func() { _, _ = in.ReadString('\n') }
	switch role {
	case "listen": // NAME MODE: until the input ends or a line comes
		l, err := Listen(mustParse(args[0]), Options{Mode: octal(args[1])})
		if err != nil {
			fmt.Println(kind(err), err)
			return nil
		}
		fmt.Println("ok", l.Path())
		wait()
		return l.Close()
	case "fork": // NAME: and a child holds the sockets
		if _, err := Listen(mustParse(args[0]), Options{}); err != nil {
			return err
		}
		pid, err := proctest.Fork()
		if err != nil {
			return err
		}
		fmt.Println("ok", pid)
		wait()
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
			return err
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
		return fmt.Errorf("there is no role %s", role)
	}
	return nil
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

// process is a test binary in a role.
type process struct{ *proctest.Child }

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
	cmd := proctest.Command("play", "GORACE=atexit_sleep_ms=0")
	cmd.Args = append(cmd.Args, strings.Fields(role)...)
	cmd.Dir = "/"
	for _, o := range options {
		o(cmd)
	}
	return &process{proctest.Start(t, cmd)}
}

// line returns the next line of output, "" at its end.
func (p *process) line() string {
	s, _ := p.Out.ReadString('\n')
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

// run starts a process in a role and returns its first line.
func run(t *testing.T, role string, options ...processOption) string {
	t.Helper()
	return start(t, role, options...).line()
}

// newRoot makes $LPC_ROOT a new directory that all may enter.
func newRoot(t *testing.T) string {
	t.Helper()
	root := proctest.PublicDir(t)
	t.Setenv("LPC_ROOT", root)
	return root
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
