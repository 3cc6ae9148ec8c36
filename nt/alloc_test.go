//go:build !race

package nt

import (
	"runtime"
	"testing"

	"github.com/seed-eedd8485/lpc/internal/needs"
)

// TestAllocations: a round trip takes no memory from the heap.
func TestAllocations(t *testing.T) {
	if n := runtime.GOMAXPROCS(0); n < 2 { // each wait is for the doorbell then
		needs.Missing(t, "needs 2 processors: GOMAXPROCS is %d", n)
	}
	s, c := thread(t), thread(t)
	ccp, _, clp := connected(t, s, c)
	go echo(s, ccp)
	var q Message
	q.SetData(make([]byte, 32))
	least := 1.0
	for range 20 { // a wait that is not over at once may take a timer or a waiter
		least = min(least, testing.AllocsPerRun(100, func() {
			q.Type = LPCNewMessage
			must(t, c.NtRequestWaitReplyPort(clp, &q, &q))
		}))
	}
	if least != 0 {
		t.Errorf("%v allocations a round trip", least)
	}
}
