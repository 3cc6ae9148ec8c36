package proctest

import (
	"errors"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// Lingerer is a TCP socket whose last close(2) waits, for an hour or until release is called
// (socket(7), SO_LINGER), as the end of the test does. The descriptor is the caller's. A
// signal to the waiting thread ends the close too, and the Go runtime sends some to its own
// threads: who counts on the waiting is in a process WithoutPreemption.
func Lingerer(t testing.TB) (fd int, release func()) {
	t.Helper()
	// What the other end has room for leaves in the end, and is not waited for: a page.
	small := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) (err error) {
		called := c.Control(func(fd uintptr) {
			err = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, 4096)
		})
		return errors.Join(called, err)
	}}
	small.SetMultipathTCP(false)
	l, err := small.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if fd, err = syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0); err != nil {
		t.Fatal(err)
	}
	to := &syscall.SockaddrInet4{Port: l.Addr().(*net.TCPAddr).Port, Addr: [4]byte{127, 0, 0, 1}}
	if err := syscall.Connect(fd, to); err != nil {
		t.Fatal(err)
	}
	other, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	release = sync.OnceFunc(func() {
		_ = other.(*net.TCPConn).SetLinger(0) // a reset ends the waiting
		_ = other.Close()
	})
	t.Cleanup(release)
	if err := syscall.SetNonblock(fd, true); err != nil {
		t.Fatal(err)
	}
	for b := make([]byte, 1<<16); err == nil; { // what cannot be sent is waited for
		_, err = syscall.Write(fd, b)
	}
	if err := syscall.SetsockoptLinger(fd, syscall.SOL_SOCKET, syscall.SO_LINGER, &syscall.Linger{Onoff: 1, Linger: 3600}); err != nil {
		t.Fatal(err)
	}
	return fd, release
}

// WithoutPreemption runs the whole of a test again in a process whose Go runtime does not
// signal its threads to stop them (runtime, asyncpreemptoff), and fails with it. It is true in
// that process, where the test goes on, and false in the one that has run it.
func WithoutPreemption(t *testing.T) bool {
	t.Helper()
	const off = "asyncpreemptoff=1"
	if strings.Contains(os.Getenv("GODEBUG"), off) {
		return true
	}
	cmd := exec.Command("/proc/self/exe", "-test.run=^"+t.Name()+"$", "-test.timeout=5m")
	cmd.Env = append(os.Environ(), "GODEBUG="+off, "GORACE=atexit_sleep_ms=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("with %s: %v\n%s", off, err, out)
	}
	return false
}
