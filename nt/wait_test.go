package nt

import "testing"

// waiting is a waitable port with a thread that waits for it.
func waiting(t *testing.T) (s, w *Thread, ccp Handle, done chan Status) {
	s, w = thread(t), thread(t)
	name := `\Test\` + t.Name()
	must(t, s.NtCreateWaitablePort(&ccp, &ObjectAttributes{ObjectName: &name}, MaxConnectionInfo, MaxMessageLength, 0))
	t.Cleanup(func() { s.NtClose(ccp) })
	done = make(chan Status, 1)
	go func() { done <- w.NtWaitForSingleObject(ccp, false, nil) }()
	sleeping("NtWaitForSingleObject(", 1)
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
