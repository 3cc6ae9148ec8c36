package targettest

import (
	"encoding/binary"
	"strings"
	"testing"

	"github.com/seed-eedd8485/lpc/internal/golden"
	"github.com/seed-eedd8485/lpc/internal/proctest"
	"github.com/seed-eedd8485/lpc/target"
	"github.com/seed-eedd8485/lpc/target/live"
	"github.com/seed-eedd8485/lpc/target/lpcpool"
	"github.com/seed-eedd8485/lpc/target/snapshot"
)

// TestSameAnswers reads one state of two processes in four ways.
func TestSameAnswers(t *testing.T) {
	watchdog(t)
	srv, cl := states(t)
	pids := []int{srv.PID(), cl.PID()}
	for _, pid := range pids {
		clocked(t, pid)
	}
	// Stopped, so that no goroutine moves between the readings.
	srv.Freeze(t)
	cl.Freeze(t)
	l := join(t, only(t, pids[0]), only(t, pids[1]))
	want := dump(t, l)
	for _, s := range []string{"thread", "busy", `Deep\er\Later`, "message", "handle", "since 1"} {
		if !strings.Contains(want, s) {
			t.Errorf("the dump does not have %q", s)
		}
	}
	if strings.Contains(want, "err no memory") || strings.Contains(want, "whole false") {
		t.Errorf("a running process has absent or torn records:\n%s", want)
	}
	t.Run("again", func(t *testing.T) { same(t, want, l) })
	t.Run("snapshot", func(t *testing.T) { same(t, want, taken(t, srv, cl)) })
	t.Run("gcore", func(t *testing.T) {
		same(t, want, Cores(t, proctest.Cores(t, srv, cl)))
	})
	t.Run("core", func(t *testing.T) {
		same(t, want, Cores(t, proctest.Crash(t, srv, cl)))
	})
}

// clocked waits until a process has measured its clock well, a second after its start:
// until then its header says a whole number of ticks a microsecond.
func clocked(t *testing.T, pid int) {
	t.Helper()
	const clockHz = 0x38 // in _LPC_POOL_HEADER
	for {
		l := only(t, pid)
		for p := range l.Processes() {
			var b [8]byte
			if _, err := l.ReadMemory(p.Addr+clockHz, b[:]); err != nil {
				t.Fatal(err)
			}
			if binary.LittleEndian.Uint64(b[:])%1e6 != 0 {
				return
			}
		}
	}
}

func same(t *testing.T, want string, tg target.Target) {
	t.Helper()
	t.Log(tg.Describe())
	if got := dump(t, tg); got != want {
		t.Errorf("this target and the live one: %s", golden.Differ(got, want))
	}
}

// taken is a snapshot of processes.
func taken(t *testing.T, procs ...*proctest.Child) *snapshot.Target {
	t.Helper()
	var pools []*lpcpool.Pool
	for _, p := range procs {
		pools = append(pools, only(t, p.PID()).Pools()...)
	}
	tg := Snapshot(t, pools)
	if tg.Lost() != "" {
		t.Errorf("the snapshot says of itself: %s", tg.Lost())
	}
	return tg
}

var _ target.Refresher = (*live.Target)(nil)
