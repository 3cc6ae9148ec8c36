package security

import (
	"errors"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/seed-eedd8485/lpc/internal/needs"
)

// refuseAt makes the kernel seem to refuse these steps, until the test ends.
func refuseAt(t *testing.T, err error, steps ...step) {
	refuse = func(s step) error {
		for _, at := range steps {
			if s == at {
				return err
			}
		}
		return nil
	}
	t.Cleanup(func() { refuse = nil })
}

// A step that is refused on the way there leaves the thread as it was.
func TestRefusedThere(t *testing.T) {
	needs.Root(t, "to start processes as other users")
	for _, at := range stepsThere {
		t.Run(string(at), func(t *testing.T) {
			for _, c := range []struct {
				err       error
				privilege bool
			}{{unix.EPERM, true}, {unix.EINVAL, false}} {
				refuseAt(t, c.err, at)
				whole(t, func() {
					err := Impersonate(token(alice, staff), Options{}, func() error { t.Error("f was called"); return nil })
					if !errors.Is(err, c.err) || errors.Is(err, ErrNoPrivilege) != c.privilege || errors.Is(err, ErrNotRestored) {
						t.Errorf("got %v", err)
					}
					if Current() != nil {
						t.Errorf("afterwards Current is %v", Current())
					}
				})
			}
		})
	}
}

// A step that seems to be done and is not is found by looking.
func TestVerifiedThere(t *testing.T) {
	needs.Root(t, "to start processes as other users")
	for _, at := range []step{setGroups, setGroup, setUser, dropCaps} {
		refuseAt(t, errSkip, at)
		tok := token(alice, staff)
		if at == dropCaps {
			tok = token(0) // of others the kernel takes them with the user id
		}
		whole(t, func() {
			err := Impersonate(tok, Options{}, func() error { t.Error("f was called"); return nil })
			if err == nil || !strings.Contains(err.Error(), string(verifySwitch)) {
				t.Errorf("%s skipped: %v", at, err)
			}
		})
	}
}

// A step that is refused on the way back ends the thread, and nothing runs on it
// but deferred functions.
func TestRefusedBackEndsTheThread(t *testing.T) {
	needs.Root(t, "to start processes as other users")
	watchdog(t)
	makeDumpable(t)
	type try struct {
		err   error
		steps []step
		f     func() error // nil: does nothing
	}
	tries := map[string]try{
		// A thread that f has changed: its saved user id is the client's.
		"changed by f": {f: func() error {
			_, _, errno := unix.RawSyscall(unix.SYS_SETRESUID, keep, keep, alice)
			if errno != 0 {
				t.Error(errno)
			}
			return nil
		}},
	}
	for _, at := range stepsBack {
		tries[string(at)+" refused"] = try{err: unix.EPERM, steps: []step{at}}
		tries["switch and "+string(at)+" refused"] = try{err: unix.EPERM, steps: []step{verifySwitch, at}}
	}
	for _, at := range []step{backUser, backGroup, backGroups} {
		tries[string(at)+" skipped"] = try{err: errSkip, steps: []step{at}}
	}
	for name, c := range tries {
		t.Run(name, func(t *testing.T) {
			refuseAt(t, c.err, c.steps...)
			if c.f == nil {
				c.f = func() error { return nil }
			}
			tid := make(chan int, 1)
			ended := make(chan bool)
			go func() {
				defer close(ended)
				runtime.LockOSThread() // so that the thread is known; never unlocked
				defer func() { _ = recover() }()
				tid <- unix.Gettid()
				err := Impersonate(token(alice, staff), Options{}, c.f)
				t.Errorf("Impersonate returned, error %v", err)
			}()
			<-ended
			untilGone(<-tid)
			refuse = nil
			// The thread is gone, so the next to come back restores the flag.
			if err := Impersonate(token(bob), Options{}, func() error { return nil }); err != nil {
				t.Error(err)
			}
			dumpableNow(t, 1)
		})
	}
}

// As long as a thread that was not restored is there, the process stays as the
// kernel has made it.
func TestLostThreadKeepsCoresOff(t *testing.T) {
	needs.Root(t, "to start processes as other users")
	watchdog(t)
	makeDumpable(t)
	cleared := clearedDumpable(t)
	refuseAt(t, unix.EPERM, backUser)
	lost, leave, ended := make(chan int), make(chan bool), make(chan bool)
	go func() {
		defer close(ended)
		a, err := Begin(token(alice), Options{})
		if err != nil {
			t.Error(err)
		} else if err := a.Revert(); !errors.Is(err, ErrNotRestored) || unix.Geteuid() != alice {
			t.Errorf("Revert: %v, user id %d", err, unix.Geteuid())
		}
		lost <- unix.Gettid()
		<-leave // the goroutine is still locked to its thread
	}()
	tid := <-lost
	refuse = nil
	again := func() {
		t.Helper()
		if err := Impersonate(token(bob), Options{}, func() error { return nil }); err != nil {
			t.Error(err)
		}
	}
	again()
	dumpableNow(t, cleared)
	close(leave)
	<-ended
	untilGone(tid)
	again()
	dumpableNow(t, 1)
}
