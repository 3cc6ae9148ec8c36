package nt

import (
	"runtime"
	"testing"
)

// NtRequestPort and NtRegisterThreadTerminatePort do not wait, also while the last word of
// a thread that has ended waits for room in front of them.
func TestNothingWaitsForRoom(t *testing.T) {
	s, c, d, e := thread(t), thread(t), thread(t), thread(t)
	_, _, clp := connected(t, s, c)
	must(t, c.NtRegisterThreadTerminatePort(clp))
	sent := 0
	for m := data("x"); d.NtRequestPort(clp, &m) == StatusSuccess; m = data("x") {
		if sent++; sent > 10000 {
			t.Fatal("there is room for every datagram")
		}
	}
	c.Exit()
	for range 1000 {
		m := data("x")
		if st := d.NtRequestPort(clp, &m); st != StatusInsufficientResources {
			t.Fatalf("NtRequestPort without room: %v", st)
		}
		runtime.Gosched() // the last word is on its way
	}
	if st := e.NtRegisterThreadTerminatePort(clp); st != StatusInsufficientResources {
		t.Errorf("NtRegisterThreadTerminatePort without room: %v", st)
	}
}
