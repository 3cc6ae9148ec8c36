package proctest

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/seed-eedd8485/lpc/internal/needs"
)

// dumpEnv tells a role's process that it may dump core.
const dumpEnv = "LPC_TEST_DUMP"

// MayDump has a command that is not started yet leave a core file when it ends by
// SIGABRT. It runs in a directory of its own, where the kernel puts the file. What it says
// on standard error, every goroutine that is, is shown where LPC_TEST_STDERR is set.
func MayDump(t testing.TB, cmd *exec.Cmd) {
	t.Helper()
	cmd.Env = append(cmd.Env, dumpEnv+"=1", "GOTRACEBACK=crash")
	cmd.Dir = t.TempDir()
	if os.Getenv("LPC_TEST_STDERR") == "" {
		cmd.Stderr = nil
	}
}

// mayDump raises the limit on core files as far as the process may, if the command was
// made so.
func mayDump() {
	var most syscall.Rlimit
	if os.Getenv(dumpEnv) == "" || syscall.Getrlimit(syscall.RLIMIT_CORE, &most) != nil {
		return
	}
	if os.Geteuid() == 0 {
		most.Max = ^uint64(0) // RLIM_INFINITY
	}
	most.Cur = most.Max
	_ = syscall.Setrlimit(syscall.RLIMIT_CORE, &most) // Crash sees what came of it
}

// Cores has gdb write a core file of each process, which goes on, and gives their paths.
func Cores(t testing.TB, procs ...*Child) (paths []string) {
	t.Helper()
	gcore := needs.Tool(t, "gcore", "gdb")
	for _, p := range procs {
		prefix, pid := filepath.Join(t.TempDir(), "core"), strconv.Itoa(p.PID())
		if out, err := exec.Command(gcore, "-o", prefix, pid).CombinedOutput(); err != nil {
			t.Fatalf("gcore: %v\n%s", err, out)
		}
		paths = append(paths, prefix+"."+pid)
	}
	return paths
}

// Crash ends processes that MayDump prepared and Freeze stopped with SIGABRT, all at one
// time, and gives the paths of the core files that the kernel writes.
func Crash(t testing.TB, procs ...*Child) (paths []string) {
	t.Helper()
	pattern, err := os.ReadFile("/proc/sys/kernel/core_pattern")
	if err != nil || strings.HasPrefix(string(pattern), "|") || strings.HasPrefix(string(pattern), "/") {
		needs.Missing(t, "needs core files where a process ran (core(5)): /proc/sys/kernel/core_pattern is %q, want core (%v)", strings.TrimSpace(string(pattern)), err)
	}
	for _, s := range []os.Signal{syscall.SIGABRT, syscall.SIGCONT} {
		for _, p := range procs {
			p.Signal(t, s)
		}
	}
	for _, p := range procs {
		_ = p.Cmd.Wait()
		st, ok := p.Cmd.ProcessState.Sys().(syscall.WaitStatus)
		files, _ := filepath.Glob(filepath.Join(p.Cmd.Dir, "core*"))
		if !ok || !st.CoreDump() || len(files) != 1 {
			needs.Missing(t, "needs a core file of each process that ends by SIGABRT: process %d ended with %v and left %d; is the limit on cores (ulimit -Hc) 0?", p.PID(), p.Cmd.ProcessState, len(files))
		}
		paths = append(paths, files...)
	}
	return paths
}
