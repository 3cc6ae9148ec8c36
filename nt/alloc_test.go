//go:build !race

package nt

import "testing"

// TestAllocations: a round trip takes no memory from the heap.
func TestAllocations(t *testing.T) {
	s, c := thread(t), thread(t)
	ccp, _, clp := connected(t, s, c)
	go func() {
		var m Message
		r := (*Message)(nil)
		for s.NtReplyWaitReceivePort(ccp, nil, r, &m) == StatusSuccess {
			if r = &m; m.Type != LPCRequest {
				return
			}
		}
	}()
	var q Message
	q.SetData(make([]byte, 32))
	n := testing.AllocsPerRun(200, func() {
		q.Type = LPCNewMessage
		must(t, c.NtRequestWaitReplyPort(clp, &q, &q))
	})
	if n != 0 {
		t.Errorf("%v allocations a round trip", n)
	}
}
