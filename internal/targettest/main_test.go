package targettest

import (
	"os"
	"testing"
	"time"

	"github.com/seed-eedd8485/lpc/internal/proctest"
)

// Processes that a test looks at are this binary in a role of roles_test.go.
func TestMain(m *testing.M) {
	proctest.Run(roles)
	os.Exit(proctest.InOwnRoot(m))
}

func watchdog(t *testing.T) {
	t.Helper()
	proctest.Watchdog(t, 8*time.Minute)
}

// start starts a role, which may dump core, and waits until it says "ready".
func start(t *testing.T, role string) *proctest.Child {
	t.Helper()
	cmd := proctest.Command(role)
	proctest.MayDump(t, cmd)
	c := proctest.Start(t, cmd)
	c.Expect(t, "ready")
	return c
}
