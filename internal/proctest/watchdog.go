package proctest

import (
	"fmt"
	"os"
	"runtime"
	"testing"
	"time"
)

// Watchdog ends the process with all its stacks when the test hangs. It asserts no time:
// limit is far beyond what any test takes.
func Watchdog(t testing.TB, limit time.Duration) {
	t.Helper()
	t.Cleanup(Watch(t.Name(), limit))
}

// Watch is Watchdog for a process without a test; stop ends it.
func Watch(what string, limit time.Duration) (stop func()) {
	w := time.AfterFunc(limit, func() {
		b := make([]byte, 1<<20)
		fmt.Fprintf(os.Stderr, "%s hangs:\n%s\n", what, b[:runtime.Stack(b, true)])
		os.Exit(2)
	})
	return func() { w.Stop() }
}
