package nt

import (
	"testing"

	"golang.org/x/sys/unix"
)

// waiting is a waitable port with a thread that waits for it.
func waiting(t *testing.T) (s, w *Thread, ccp Handle, done chan Status) {
	s, w = thread(t), thread(t)
	name := `\Test\` + t.Name()
	must(t, s.NtCreateWaitablePort(&ccp, &ObjectAttributes{ObjectName: &name}, MaxConnectionInfo, MaxMessageLength, 0))
	t.Cleanup(func() { s.NtClose(ccp) })
	done = make(chan Status, 1)
	go func() { done <- w.NtWaitForSingleObject(ccp, false, nil) }()
	sleeping("(*Thread).Await(", 1) // behind the look at the handle
	return
}

// TestWaitEnds: a wait for a port ends when the port goes, or the thread that waits.
func TestWaitEnds(t *testing.T) {
	t.Run("closed", func(t *testing.T) {
		s, _, ccp, done := waiting(t)
		must(t, s.NtClose(ccp))
		if st := ends(t, "the wait for a port that was closed", done); st != StatusPortClosed {
			t.Error(st)
		}
	})
	t.Run("exit", func(t *testing.T) {
		_, w, _, done := waiting(t)
		w.Exit()
		if st := ends(t, "the wait of a thread that exits", done); st != StatusThreadIsTerminating {
			t.Error(st)
		}
	})
	t.Run("message", func(t *testing.T) {
		s, w, ccp, done := waiting(t)
		m := data("x")
		must(t, s.NtRequestPort(ccp, &m))
		must(t, ends(t, "the wait for a port with a message", done))
		zero := int64(0)
		must(t, w.NtWaitForSingleObject(ccp, false, &zero)) // it is still there
		receive(t, w, ccp)
		if st := w.NtWaitForSingleObject(ccp, false, &zero); st != StatusTimeout {
			t.Errorf("a port whose message was received: %v", st)
		}
	})
}

// TestEventFD: a waitable port's descriptor is readable while a message is there, and for
// good when the port is gone.
func TestEventFD(t *testing.T) {
	s, c := thread(t), thread(t)
	name := `\Test\` + t.Name()
	var ccp, plain Handle
	must(t, s.NtCreateWaitablePort(&ccp, &ObjectAttributes{ObjectName: &name}, MaxConnectionInfo, MaxMessageLength, 0))
	fd, st := EventFD(ccp)
	must(t, st)
	defer unix.Close(fd)
	readable := func(want bool) {
		t.Helper()
		wait := 0
		if want {
			wait = -1
		}
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, wait)
		if err != nil && err != unix.EINTR || (n == 1) != want && err == nil {
			t.Fatalf("readable: %d, %v; want %v", n, err, want)
		}
	}
	readable(false)
	m := data("x")
	must(t, s.NtRequestPort(ccp, &m))
	readable(true)
	second, st := EventFD(ccp)
	must(t, st)
	if err := unix.Close(second); err != nil {
		t.Error(err)
	}
	receive(t, s, ccp)
	readable(false)

	connected := make(chan Status, 1) // what comes from a client, too
	go func() {
		var clp Handle
		connected <- c.NtConnectPort(&clp, &name, qos(), nil, nil, nil, nil, nil)
	}()
	readable(true)
	var r Message
	var scp Handle
	must(t, s.NtListenPort(ccp, &r))
	must(t, s.NtAcceptConnectPort(&scp, 0, &r, true, nil, nil))
	must(t, s.NtCompleteConnectPort(scp))
	must(t, ends(t, "the connect", connected))

	other := name + "2"
	must(t, s.NtCreatePort(&plain, &ObjectAttributes{ObjectName: &other}, MaxConnectionInfo, MaxMessageLength, 0))
	defer s.NtClose(plain)
	if _, st := EventFD(plain); st != StatusObjectTypeMismatch {
		t.Errorf("a port that is not waitable: %v", st)
	}
	must(t, s.NtClose(scp))
	must(t, s.NtClose(ccp))
	readable(true)
	if _, st := EventFD(ccp); st != StatusInvalidHandle {
		t.Errorf("a closed handle: %v", st)
	}
}
