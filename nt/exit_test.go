package nt

import (
	"runtime"
	"strings"
	"testing"
	"time"
)

// ends waits for a call to return.
func ends(t testing.TB, what string, done <-chan Status) Status {
	t.Helper()
	dog := time.NewTimer(watchdog)
	defer dog.Stop()
	select {
	case st := <-done:
		return st
	case <-dog.C:
		t.Fatalf("%s has not returned", what)
	}
	return 0
}

// sleeping returns when so many goroutines stand in a function.
func sleeping(function string, n int) {
	b := make([]byte, 1<<20)
	for strings.Count(string(b[:runtime.Stack(b, true)]), function) < n {
		runtime.Gosched()
	}
}

// TestExitWaitingForSlot: a thread that waits for a slot of its connection is ended.
func TestExitWaitingForSlot(t *testing.T) {
	s, c := thread(t), thread(t)
	_, _, clp := connected(t, s, c)
	for range 127 {
		x := thread(t)
		go func() { q := data("x"); x.NtRequestWaitReplyPort(clp, &q, &q) }()
	}
	done := make(chan Status, 1)
	x := thread(t)
	sleeping("(*Caller).Wait(", 127)
	go func() { q := data("x"); done <- x.NtRequestWaitReplyPort(clp, &q, &q) }()
	sleeping("(*Caller).waitSlot(", 1)
	x.Exit()
	if st := ends(t, "a thread's wait for a slot", done); st != StatusThreadIsTerminating {
		t.Error(st)
	}
}

// TestExitCalledBack: a thread that is called back is ended by another at the same moment.
// Whatever comes of it, its slot is given back: the connection goes on.
func TestExitCalledBack(t *testing.T) {
	s, k := thread(t), thread(t)
	ccp, scp, clp := connected(t, s, k)
	for i := range 1000 { // some hundred rounds use the slots up, where they are lost
		c, err := NewThread()
		if err != nil {
			t.Fatal(err)
		}
		var q Message
		res := make(chan Status, 1)
		go func() {
			q = data("x")
			res <- c.NtRequestWaitReplyPort(clp, &q, &q)
		}()
		m, _ := receive(t, s, ccp)
		go func() {
			for range i % 64 {
				runtime.Gosched()
			}
			c.Exit()
		}()
		r := m
		r.Type = LPCRequest
		r.SetData([]byte("back?"))
		got := make(chan Status, 1)
		go func() { var x Message; got <- s.NtRequestWaitReplyPort(scp, &r, &x) }()
		if st := ends(t, "the request", res); st == StatusSuccess && q.Type == LPCRequest {
			q.SetData([]byte("yes")) // a fellow of the ended thread answers
			_ = k.NtReplyPort(clp, &q)
		}
		ends(t, "the callback", got)
		m.SetData(nil)
		_ = s.NtReplyPort(ccp, &m)
	}
}
