package nt

import (
	"sync/atomic"
	"testing"
)

// TestHandleClosedInCall: a handle is used while another thread closes it.
func TestHandleClosedInCall(t *testing.T) {
	s, u := thread(t), thread(t)
	name := `\Test\` + t.Name()
	var ccp Handle
	must(t, s.NtCreatePort(&ccp, &ObjectAttributes{ObjectName: &name}, MaxConnectionInfo, MaxMessageLength, 0))
	t.Cleanup(func() { s.NtClose(ccp) })
	var now atomic.Uint64 // the handle, of which there is one at a time
	done := make(chan Status, 1)
	go func() {
		st := StatusSuccess
		for i := 0; i < 100_000 && st == StatusSuccess; i++ {
			var d Handle
			if st = u.NtDuplicateObject(CurrentProcess, ccp, CurrentProcess, &d, 0, 0, DuplicateSameAccess); st == StatusSuccess {
				now.Store(uint64(d))
				st = u.NtClose(d)
			}
		}
		done <- st
	}()
	for {
		select {
		case st := <-done:
			must(t, st)
			return
		default:
		}
		switch st := s.NtCompleteConnectPort(Handle(now.Load())); st {
		case StatusInvalidHandle, StatusInvalidPortHandle:
		default:
			t.Fatal(st)
		}
	}
}
