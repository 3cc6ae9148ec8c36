package proctest

import (
	"fmt"
	"os"
	"testing"
)

// InOwnRoot runs a package's tests with names of their own ($LPC_ROOT), and gives the
// status to exit with.
func InOwnRoot(m *testing.M) int {
	dir, err := os.MkdirTemp("", "lpc-test-")
	if err == nil {
		err = os.Setenv("LPC_ROOT", dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "preparing the tests:", err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }()
	return m.Run()
}

// PublicDir is a directory that every user may enter, until the test ends; the one that
// t.TempDir stands in is closed to others.
func PublicDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "lpc-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// Descriptors counts the open ones, with the runtime's own for polling, which it opens at
// the first pipe or socket and keeps.
func Descriptors() int {
	if r, w, err := os.Pipe(); err == nil {
		r.Close()
		w.Close()
	}
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return 0
	}
	return len(entries)
}
