package security

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/seed-eedd8485/lpc/internal/needs"
)

// attacks are what a process may do to one with its own ids, by process and
// thread id. Signal 0 asks for the right alone; SIGCONT would not do, for kill(2)
// lets others send that too.
var attacks = []struct {
	name string
	try  func(pid, tid int) error
}{
	{"kill", func(pid, _ int) error { return unix.Kill(pid, 0) }},
	{"kill the thread", func(pid, tid int) error { return unix.Tgkill(pid, tid, 0) }},
	{"signal by pidfd", func(pid, _ int) error {
		return byPIDFD(pid, func(fd int) error { return unix.PidfdSendSignal(fd, 0, nil, 0) })
	}},
	{"limits", func(pid, _ int) error { return unix.Prlimit(pid, unix.RLIMIT_CPU, nil, new(unix.Rlimit)) }},
	{"limits of the thread", func(_, tid int) error { return unix.Prlimit(tid, unix.RLIMIT_CPU, nil, new(unix.Rlimit)) }},
	{"slow the thread", func(_, tid int) error { return unix.Setpriority(unix.PRIO_PROCESS, tid, 5) }},
	{"confine the thread", func(_, tid int) error {
		var cpus unix.CPUSet
		return errors.Join(unix.SchedGetaffinity(tid, &cpus), unix.SchedSetaffinity(tid, &cpus))
	}},
	{"take a descriptor", func(pid, _ int) error {
		return byPIDFD(pid, func(fd int) error {
			got, err := unix.PidfdGetfd(fd, 0, 0)
			if err == nil {
				unix.Close(got)
			}
			return err
		})
	}},
	{"read memory", func(pid, _ int) error { return readMemory(pid) }},
	{"read memory by the thread", func(_, tid int) error { return readMemory(tid) }},
	{"open mem", func(pid, _ int) error { return tryOpen("/proc/%d/mem", unix.O_RDWR, pid) }},
	{"open mem of the thread", func(pid, tid int) error { return tryOpen("/proc/%d/task/%d/mem", unix.O_RDWR, pid, tid) }},
	{"open environ", func(pid, _ int) error { return tryOpen("/proc/%d/environ", unix.O_RDONLY, pid) }},
	{"list descriptors", func(pid, _ int) error { return tryOpen("/proc/%d/fd", unix.O_RDONLY, pid) }},
	{"list descriptors of the thread", func(pid, tid int) error { return tryOpen("/proc/%d/task/%d/fd", unix.O_RDONLY, pid, tid) }},
	{"ptrace", func(pid, _ int) error { return unix.PtraceSeize(pid) }},
	{"ptrace the thread", func(pid, tid int) error {
		if err := unix.PtraceSeize(tid); err != nil && (pid != tid || err != unix.EPERM) {
			return err // a second seize of the same thread is EPERM
		}
		return nil
	}},
}

func byPIDFD(pid int, f func(fd int) error) error {
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	return f(fd)
}

func readMemory(pid int) error {
	b := make([]byte, 1)
	local := []unix.Iovec{{Base: &b[0], Len: 1}}
	_, err := unix.ProcessVMReadv(pid, local, []unix.RemoteIovec{{Base: 1, Len: 1}}, 0)
	if err == unix.EFAULT { // it may, but there is nothing
		return nil
	}
	return err
}

func tryOpen(format string, flags int, args ...any) error {
	fd, err := unix.Open(fmt.Sprintf(format, args...), flags|unix.O_CLOEXEC, 0)
	if err == nil {
		unix.Close(fd)
	}
	return err
}

// roleAttack tries everything on process args[0], thread args[1], and says how it
// went, a line each.
func roleAttack(args []string) error {
	runtime.LockOSThread() // ptrace is by thread
	pid, tid, err := pidAndTID(args)
	if err != nil {
		return err
	}
	for _, a := range attacks {
		switch err := a.try(pid, tid); {
		case err == nil:
			fmt.Println("succeeded:", a.name)
		case denied(err):
			fmt.Println("denied:", a.name)
		default:
			fmt.Printf("%v: %s\n", err, a.name)
		}
	}
	return nil
}

func pidAndTID(args []string) (pid, tid int, err error) {
	pid, err1 := strconv.Atoi(args[0])
	tid, err2 := strconv.Atoi(args[1])
	return pid, tid, errors.Join(err1, err2)
}

// impersonating has a thread of this process impersonate tok while during runs
// on another, with the thread's id.
func impersonating(t *testing.T, tok *Token, o Options, during func(tid int)) {
	t.Helper()
	in, out, done := make(chan int), make(chan bool), make(chan error)
	go func() {
		err := Impersonate(tok, o, func() error { in <- unix.Gettid(); <-out; return nil })
		if err != nil {
			close(in)
		}
		done <- err
	}()
	if tid, ok := <-in; ok {
		during(tid)
		close(out)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// The client can neither signal nor ptrace the server that impersonates it, nor
// read it. The same attacks on a process of the client's own succeed, so that
// they could.
func TestClientCannotTouchTheServer(t *testing.T) {
	needs.Root(t, "to start processes as other users")
	watchdog(t)
	cred := &syscall.Credential{Uid: alice, Gid: alice}
	fd, own := connectFrom(t, cred)
	tok, err := Capture(fd, Impersonation)
	if err != nil {
		t.Fatal(err)
	}
	attack := func(pid, tid int, want string, of ...string) {
		t.Helper()
		lines := says(t, role("attack", &syscall.SysProcAttr{Credential: cred}, pid, tid))
		if len(lines) != len(attacks) {
			t.Fatalf("%d lines, want %d: %q", len(lines), len(attacks), lines)
		}
		for i, a := range attacks {
			if lines[i] != want+": "+a.name && (len(of) == 0 || strings.HasPrefix(a.name, of[0])) {
				t.Errorf("%s, want %s", lines[i], want)
			}
		}
	}
	impersonating(t, tok, Options{AllowForeign: true}, func(tid int) { attack(os.Getpid(), tid, "denied") })
	var only []string
	if b, err := os.ReadFile("/proc/sys/kernel/yama/ptrace_scope"); err == nil && b[0] != '0' {
		only = []string{"kill"} // the rest is for parents only (Yama)
	}
	attack(own.Process.Pid, own.Process.Pid, "succeeded", only...)
}
