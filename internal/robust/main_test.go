package robust

import (
	"fmt"
	"os"
	"runtime"
	"testing"

	"github.com/seed-eedd8485/lpc/internal/link"
	"github.com/seed-eedd8485/lpc/internal/proctest"
)

// long: full sizes.
var long = os.Getenv("LPC_LONG") == "1"

// size is the full size, or the small one.
func size(small, full int) int {
	if long {
		return full
	}
	return small
}

// TestMain looks for descriptors, mappings and goroutines that the tests left.
func TestMain(m *testing.M) {
	all := map[string]func() error{}
	for name, role := range roles {
		all[name] = func() error { return role(os.Getenv(nameEnv)) }
	}
	proctest.Run(all)
	root, err := os.MkdirTemp("", "lpc-robust-")
	if err == nil {
		err = os.Chmod(root, 0o755) // other users look in it, too
	}
	if err == nil {
		err = os.Setenv("LPC_ROOT", root)
	}
	if err == nil {
		_, err = link.Default() // its descriptors and its goroutine are the process's
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "preparing the tests:", err)
		os.Exit(1)
	}
	base := takeCensus()
	code := m.Run()
	if left := base.settle(leakPatience); left != "" {
		fmt.Fprintf(os.Stderr, "after all tests this process still has:\n%s", left)
		code = max(code, 1)
	}
	_ = os.RemoveAll(root)
	os.Exit(code)
}

// stacks are those of all goroutines.
func stacks() string {
	b := make([]byte, 1<<20)
	return string(b[:runtime.Stack(b, true)])
}
