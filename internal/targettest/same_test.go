package targettest

import (
	"encoding/binary"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/seed-eedd8485/lpc/internal/golden"
	"github.com/seed-eedd8485/lpc/target"
	"github.com/seed-eedd8485/lpc/target/elfcore"
	"github.com/seed-eedd8485/lpc/target/live"
	"github.com/seed-eedd8485/lpc/target/lpcpool"
	"github.com/seed-eedd8485/lpc/target/snapshot"
)

// TestSameAnswers reads one state of two processes in four ways.
func TestSameAnswers(t *testing.T) {
	watchdog(t)
	srv, cl := states(t)
	pids := []int{srv.pid(), cl.pid()}
	for _, pid := range pids {
		clocked(t, pid)
	}
	// Stopped, so that no goroutine moves between the readings.
	for _, p := range []*child{srv, cl} {
		if err := p.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
			t.Fatal(err)
		}
		stopped(t, p.pid())
	}
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
		same(t, want, join(t, gcore(t, pids[0]), gcore(t, pids[1])))
	})
	t.Run("core", func(t *testing.T) {
		a, b := crash(t, srv, cl)
		same(t, want, join(t, a, b))
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

// stopped waits until a process has stopped.
func stopped(t *testing.T, pid int) {
	t.Helper()
	for {
		b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(string(b[strings.LastIndexByte(string(b), ')')+1:]), " T") {
			return
		}
	}
}

// taken is a snapshot of processes.
func taken(t *testing.T, procs ...*child) *snapshot.Target {
	t.Helper()
	var pools []*lpcpool.Pool
	for _, p := range procs {
		pools = append(pools, only(t, p.pid()).Pools()...)
	}
	path := filepath.Join(t.TempDir(), "snapshot")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(snapshot.Write(f, lpcpool.New(pools), snapshot.Here()), f.Close()); err != nil {
		t.Fatal(err)
	}
	tg, err := snapshot.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tg.Close() })
	if tg.Lost() != "" {
		t.Errorf("the snapshot says of itself: %s", tg.Lost())
	}
	return tg
}

// skip skips a test that this machine cannot run, and fails it in CI.
func skip(t *testing.T, why string) {
	t.Helper()
	if os.Getenv("LPC_CI") != "" {
		t.Fatal(why)
	}
	t.Skip(why)
}

// gcore makes a core of a running process.
func gcore(t *testing.T, pid int) *elfcore.Target {
	t.Helper()
	tool, err := exec.LookPath("gcore")
	if err != nil {
		skip(t, "gcore (of gdb) is not installed")
	}
	prefix := filepath.Join(t.TempDir(), "core")
	if out, err := exec.Command(tool, "-o", prefix, strconv.Itoa(pid)).CombinedOutput(); err != nil {
		t.Fatalf("gcore: %v\n%s", err, out)
	}
	return opened(t, prefix+"."+strconv.Itoa(pid))
}

func opened(t *testing.T, path string) *elfcore.Target {
	t.Helper()
	tg, err := elfcore.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tg.Close() })
	return tg
}

// crash ends two processes, which are stopped, with SIGABRT at one time, and opens
// the cores that the kernel writes.
func crash(t *testing.T, a, b *child) (ca, cb *elfcore.Target) {
	t.Helper()
	pattern, err := os.ReadFile("/proc/sys/kernel/core_pattern")
	if err != nil || strings.HasPrefix(string(pattern), "|") || strings.HasPrefix(string(pattern), "/") {
		skip(t, "/proc/sys/kernel/core_pattern does not leave core files where a process ran: "+strings.TrimSpace(string(pattern)))
	}
	for _, sig := range []os.Signal{syscall.SIGABRT, syscall.SIGCONT} {
		for _, p := range []*child{a, b} {
			if err := p.cmd.Process.Signal(sig); err != nil {
				t.Fatal(err)
			}
		}
	}
	var out []*elfcore.Target
	for _, p := range []*child{a, b} {
		_ = p.cmd.Wait()
		st, ok := p.cmd.ProcessState.Sys().(syscall.WaitStatus)
		files, _ := filepath.Glob(filepath.Join(p.dir, "core*"))
		if !ok || !st.CoreDump() || len(files) != 1 {
			skip(t, "the kernel wrote no core file: is the limit on cores (ulimit -Hc) 0?")
		}
		out = append(out, opened(t, files[0]))
	}
	return out[0], out[1]
}

var _ target.Refresher = (*live.Target)(nil)
