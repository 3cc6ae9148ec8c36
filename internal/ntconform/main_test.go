package ntconform

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"testing"
	"time"
)

// TestMain makes the test binary another process of a scene where it is told to.
func TestMain(m *testing.M) {
	if os.Getenv(childEnv) != "" {
		if err := ServeCalls(os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	flag.DurationVar(&patience, "patience", patience, "how long a call may take before its scene is given up")
	flag.Parse()
	_ = flag.Set("rapid.nofailfile", "true") // a failure tells its story; which thread was first is no part of a seed
	dir, err := os.MkdirTemp("", "lpc-test")
	if err != nil {
		panic(err)
	}
	_ = os.Setenv("LPC_ROOT", dir)
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// watchdog ends the process with all its stacks when a test hangs. It asserts no
// time: it is far beyond what any test takes.
func watchdog(t *testing.T) {
	t.Helper()
	w := time.AfterFunc(5*time.Minute, func() {
		b := make([]byte, 1<<20)
		fmt.Fprintf(os.Stderr, "%s hangs:\n%s\n", t.Name(), b[:runtime.Stack(b, true)])
		os.Exit(2)
	})
	t.Cleanup(func() { w.Stop() })
}
