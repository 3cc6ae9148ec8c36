package security

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/seed-eedd8485/lpc/internal/needs"
	"github.com/seed-eedd8485/lpc/internal/proctest"
)

// roles are the programs that this test binary is: clients, attackers, servers of
// another user. Arguments come in SECURITY_TEST_ARGS, separated by spaces.
var roles = map[string]func(args []string) error{
	"connect":      roleConnect,
	"connect-exec": roleConnectExec,
	"stay":         roleStay,
	"attack":       roleAttack,
	"climb":        roleClimb,
	"service":      roleService,
	"unprivileged": roleUnprivileged,
	"abort":        roleAbort,
}

// The main goroutine keeps the main thread, so that no test's goroutine gets it:
// a goroutine that ends on it while locked does not end the thread, which the
// runtime parks for good.
func init() { runtime.LockOSThread() }

const argsEnv = "SECURITY_TEST_ARGS"

func TestMain(m *testing.M) {
	all := map[string]func() error{}
	for name, role := range roles {
		all[name] = func() error { return role(strings.Fields(os.Getenv(argsEnv))) }
	}
	proctest.Run(all)
	before := proctest.Descriptors()
	code := m.Run()
	if after := proctest.Descriptors(); code == 0 && after > before {
		fmt.Fprintf(os.Stderr, "descriptors leaked: %d before the tests, %d after\n", before, after)
		code = 1
	}
	os.Exit(code)
}

// roleConnect connects to the socket of args[0]. With args[1] it has that
// effective user id while it does, and its own again before it says so.
func roleConnect(args []string) error {
	if len(args) > 1 {
		uid, err := strconv.Atoi(args[1])
		if err == nil {
			err = unix.Setresuid(-1, uid, -1)
		}
		if err != nil {
			return err
		}
	}
	fd, err := connect(args[0], unix.SOCK_CLOEXEC)
	if err == nil && len(args) > 1 {
		err = unix.Setresuid(-1, unix.Getuid(), -1)
	}
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	return roleStay(nil)
}

// roleConnectExec connects to args[0], then becomes the program of args[1].
func roleConnectExec(args []string) error {
	if _, err := connect(args[0], 0); err != nil {
		return err
	}
	return syscall.Exec(args[1], args[1:2], []string{proctest.RoleEnv + "=stay"})
}

// roleStay says "connected", and stays until its input ends.
func roleStay([]string) error {
	fmt.Println("connected")
	_, _ = os.Stdin.Read(make([]byte, 1))
	return nil
}

func connect(path string, flags int) (int, error) {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_SEQPACKET|flags, 0)
	if err != nil {
		return -1, err
	}
	return fd, unix.Connect(fd, &unix.SockaddrUnix{Name: path})
}

// role is a command that runs this test binary as name.
func role(name string, attr *syscall.SysProcAttr, args ...any) *exec.Cmd {
	cmd := proctest.Command(name, argument(args...))
	cmd.Dir = "/"
	cmd.SysProcAttr = attr
	return cmd
}

// argument is a role's arguments in its environment.
func argument(args ...any) string { return argsEnv + "=" + strings.Trim(fmt.Sprint(args...), "[]") }

// says runs a role to its end and returns the lines that it printed.
func says(t *testing.T, cmd *exec.Cmd) []string {
	t.Helper()
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %v\n%s", cmd.Env[len(cmd.Env)-2:], err, out)
	}
	return strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
}

// start starts a role that says "connected", and ends it when the test ends.
func start(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	proctest.Start(t, cmd).Expect(t, "connected")
}

// connectFrom accepts a connection from a new process with those ids, which
// lives until the test ends.
func connectFrom(t *testing.T, cred *syscall.Credential) (fd int, child *exec.Cmd) {
	t.Helper()
	return connectWith(t, "connect", &syscall.SysProcAttr{Credential: cred})
}

func connectWith(t *testing.T, name string, attr *syscall.SysProcAttr, args ...any) (fd int, child *exec.Cmd) {
	t.Helper()
	listener, path := listen(t)
	child = role(name, attr, append([]any{path + " "}, args...)...)
	start(t, child)
	fd, _, err := unix.Accept4(listener, unix.SOCK_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	return fd, child
}

// client is the token of a new process with those ids.
func client(t *testing.T, cred *syscall.Credential) *Token {
	t.Helper()
	fd, _ := connectFrom(t, cred)
	tok, err := Capture(fd, Impersonation)
	if err != nil {
		t.Fatal(err)
	}
	if tok.Namespace() != OwnNamespace {
		needs.Missing(t, "needs SO_PEERPIDFD (unix(7), Linux 6.5) to see the client's user namespace: it is %v", tok.Namespace())
	}
	return tok
}

func watchdog(t *testing.T) {
	t.Helper()
	proctest.Watchdog(t, time.Minute)
}

// untilGone returns when the thread has ended.
func untilGone(tid int) {
	for !gone(tid) {
		runtime.Gosched()
	}
}

// listen listens in a directory that every user may enter.
func listen(t *testing.T) (fd int, path string) {
	t.Helper()
	path = filepath.Join(proctest.PublicDir(t), "s")
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	for _, err := range []error{
		unix.Bind(fd, &unix.SockaddrUnix{Name: path}),
		os.Chmod(path, 0o666),
		unix.Listen(fd, 8),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return fd, path
}

func pair(t *testing.T) (a, b int) {
	t.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fds[0]); unix.Close(fds[1]) })
	return fds[0], fds[1]
}

func tcp(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		needs.Missing(t, "needs a loopback interface with 127.0.0.1: %v", err)
	}
	defer l.Close()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	f, err := c.(*net.TCPConn).File()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return int(f.Fd())
}

// peerPIDFD is a descriptor of the process behind a socket, until the test ends.
func peerPIDFD(t *testing.T, fd int) int {
	t.Helper()
	pidfd, err := PeerPIDFD(fd)
	if errors.Is(err, unix.ENOPROTOOPT) {
		needs.Missing(t, "needs SO_PEERPIDFD (unix(7), Linux 6.5): %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(pidfd) })
	return pidfd
}

func sortedGroups(groups []uint32) []uint32 {
	return slices.Sorted(slices.Values(groups))
}

func sortedInts(ids []int) []int {
	return slices.Sorted(slices.Values(ids))
}

// denied reports whether the kernel said that it may not be.
func denied(err error) bool { return errors.Is(err, unix.EPERM) || errors.Is(err, unix.EACCES) }
