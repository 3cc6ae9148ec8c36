package proctest

import (
	"net"
	"sync"
	"syscall"
	"testing"
)

// Lingerer is a TCP socket whose last close(2) waits, for an hour or until release is called
// (socket(7), SO_LINGER), as the end of the test does. The descriptor is the caller's.
func Lingerer(t testing.TB) (fd int, release func()) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
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
