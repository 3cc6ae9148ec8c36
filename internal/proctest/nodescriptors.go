package proctest

import (
	"sync"
	"syscall"
	"testing"
)

// NoDescriptors uses up the descriptors of this process, until release is called, as the
// end of the test does.
func NoDescriptors(t testing.TB) (release func()) {
	t.Helper()
	var was syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &was); err != nil {
		t.Fatal(err)
	}
	few := syscall.Rlimit{Cur: min(was.Cur, 512), Max: was.Max} // so that it takes no time
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &few); err != nil {
		t.Fatal(err)
	}
	var fds []int
	for fd, err := syscall.Dup(0); err == nil; fd, err = syscall.Dup(0) {
		fds = append(fds, fd)
	}
	release = sync.OnceFunc(func() {
		for _, fd := range fds {
			_ = syscall.Close(fd)
		}
		_ = syscall.Setrlimit(syscall.RLIMIT_NOFILE, &was)
	})
	t.Cleanup(release)
	return release
}
