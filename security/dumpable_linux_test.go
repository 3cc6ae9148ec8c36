package security

import (
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/seed-eedd8485/lpc/internal/needs"
)

func dumpableNow(t *testing.T, want int) {
	t.Helper()
	if d, err := unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0); d != want || err != nil {
		t.Errorf("dumpable is %d, error %v, want %d", d, err, want)
	}
}

// makeDumpable undoes what starting processes of other users has done.
func makeDumpable(t *testing.T) {
	t.Helper()
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 1, 0, 0, 0); err != nil {
		t.Fatal(err)
	}
}

// clearedDumpable returns what the kernel makes of the flag at a change of ids:
// the value of fs.suid_dumpable (proc_sys_fs(5)).
func clearedDumpable(t *testing.T) int {
	t.Helper()
	b, err := os.ReadFile("/proc/sys/fs/suid_dumpable")
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(strings.TrimSpace(string(b)))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestDumpable(t *testing.T) {
	needs.Root(t, "to start processes as other users")
	watchdog(t)
	cleared := clearedDumpable(t)
	for _, before := range []int{1, 0} {
		if err := unix.Prctl(unix.PR_SET_DUMPABLE, uintptr(before), 0, 0, 0); err != nil {
			t.Fatal(err)
		}
		// Two at once; the last one to come back restores it.
		in, out, done := make(chan bool), make(chan bool), make(chan error)
		for range 2 {
			go func() {
				done <- Impersonate(token(alice), Options{}, func() error { in <- true; <-out; return nil })
			}()
		}
		<-in
		<-in
		dumpableNow(t, cleared)
		out <- true
		if err := <-done; err != nil {
			t.Error(err)
		}
		dumpableNow(t, cleared)
		out <- true
		if err := <-done; err != nil {
			t.Error(err)
		}
		dumpableNow(t, before)
	}
	makeDumpable(t)
}

// roleAbort leaves a core before, inside or after an impersonation.
func roleAbort(args []string) error {
	if err := os.Chdir(args[1]); err != nil {
		return err
	}
	if err := unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{Cur: 1 << 16, Max: 1 << 16}); err != nil {
		return err
	}
	abort := func() error {
		if err := unix.Kill(os.Getpid(), unix.SIGABRT); err != nil {
			return err
		}
		select {}
	}
	if args[0] == "before" {
		return abort()
	}
	err := Impersonate(token(alice), Options{}, func() error {
		if args[0] == "inside" {
			return abort()
		}
		return nil
	})
	if err != nil {
		return err
	}
	return abort()
}

// A server that has impersonated leaves a core file when it crashes, and none
// while it does.
func TestCoreAfterwards(t *testing.T) {
	needs.Root(t, "to start processes as other users")
	dumped := func(when string) bool {
		dir := t.TempDir()
		cmd := role("abort", nil, when+" ", dir)
		cmd.Env = append(cmd.Env, "GOTRACEBACK=crash")
		cmd.Stderr = nil // the traces
		err := cmd.Run()
		exit, ok := err.(*exec.ExitError)
		if !ok {
			t.Fatalf("%s: %v", when, err)
		}
		w := exit.Sys().(syscall.WaitStatus)
		if !w.Signaled() || w.Signal() != unix.SIGABRT {
			t.Fatalf("%s: ended by %v, want SIGABRT", when, exit)
		}
		return w.CoreDump()
	}
	if !dumped("before") {
		needs.Missing(t, "needs core files of processes that end by SIGABRT (core(5): /proc/sys/kernel/core_pattern, ulimit -Hc)")
	}
	if !dumped("after") {
		t.Error("no core after the return")
	}
	if clearedDumpable(t) == 0 && dumped("inside") {
		t.Error("a core of a process that has a client's ids")
	}
}
