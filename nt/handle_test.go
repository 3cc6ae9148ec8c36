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

// TestDuplicateClosed: a handle is duplicated while its last is closed. Either there is a
// new handle, of a port that lives, or none.
func TestDuplicateClosed(t *testing.T) {
	s, u := thread(t), thread(t)
	go1, done := make(chan Handle), make(chan Status)
	var d Handle
	go func() {
		for h := range go1 {
			done <- u.NtDuplicateObject(CurrentProcess, h, CurrentProcess, &d, 0, 0, DuplicateSameAccess)
		}
	}()
	defer close(go1)
	for range 20_000 {
		var h Handle
		must(t, s.NtCreatePort(&h, &ObjectAttributes{}, 0, MaxMessageLength, 0))
		go1 <- h
		must(t, s.NtClose(h))
		switch st := <-done; st {
		case StatusInvalidHandle:
		case StatusSuccess:
			m := data("x")
			must(t, s.NtRequestPort(d, &m))
			must(t, s.NtClose(d))
		default:
			t.Fatal(st)
		}
	}
}

// TestFirstHandleClosed: the first handle of a port is closed, which its callers' records
// name, while a thread calls through another.
func TestFirstHandleClosed(t *testing.T) {
	for range 20 {
		t.Run("", func(t *testing.T) {
			s, c, u := thread(t), thread(t), thread(t)
			ccp, _, clp := connected(t, s, c)
			var d Handle
			must(t, c.NtDuplicateObject(CurrentProcess, clp, CurrentProcess, &d, 0, 0, DuplicateSameAccess))
			served := make(chan struct{})
			go func() { defer close(served); echo(s, ccp) }()
			done := make(chan Status, 1)
			go func() {
				q := data("x")
				done <- u.NtRequestWaitReplyPort(d, &q, &q)
			}()
			must(t, c.NtClose(clp))
			must(t, <-done)
			must(t, u.NtClose(d))
			<-served
		})
	}
}
