package deadlock

import (
	"context"
	"strings"
	"time"

	"github.com/seed-eedd8485/lpc"
	"github.com/seed-eedd8485/lpc/kd"
	"github.com/seed-eedd8485/lpc/target/live"
)

var _ lpc.DeadlockCheck = Check

// longest is how long a look may take: one that takes longer says nothing, and the
// call waits on.
const longest = 10 * time.Second

// Check is for lpc.DialOptions.RefuseDeadlock. It may be called concurrently. A look
// that fails finds nothing.
func Check(thread uint64, id uint32) (chain string) {
	ctx, cancel := context.WithTimeout(context.Background(), longest)
	defer cancel()
	t, err := live.Open(0)
	if err != nil {
		return ""
	}
	defer func() { _ = t.Close() }()
	lines, err := kd.ProvedCycle(ctx, t, thread, id)
	if err != nil {
		return ""
	}
	for i := range lines {
		lines[i] = strings.TrimSpace(lines[i])
	}
	return strings.Join(lines, "; ")
}
