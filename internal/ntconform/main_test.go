package ntconform

import (
	"flag"
	"os"
	"testing"
	"time"

	"github.com/seed-eedd8485/lpc/internal/capitest"
	"github.com/seed-eedd8485/lpc/internal/proctest"
)

// hangs is far beyond what any test takes.
const hangs = 5 * time.Minute

// TestMain makes the test binary another process of a scene where it is told to.
func TestMain(m *testing.M) {
	proctest.Run(map[string]func() error{"calls": func() error { return ServeCalls(os.Stdin, os.Stdout) }})
	flag.DurationVar(&patience, "patience", patience, "how long a call may take before its scene is given up")
	flag.Parse()
	_ = flag.Set("rapid.nofailfile", "true") // a failure tells its story; which thread was first is no part of a seed
	os.Exit(capitest.Main(m))
}
