package nt

import (
	"testing"

	"github.com/seed-eedd8485/lpc/internal/pool"
)

// TestQueueFreed: a port that is closed with messages of its own process in its queue
// leaves no block.
func TestQueueFreed(t *testing.T) {
	p, err := pool.Process()
	if err != nil {
		t.Fatal(err)
	}
	s := thread(t)
	queued := func(n int) uint64 {
		var h Handle
		must(t, s.NtCreatePort(&h, &ObjectAttributes{}, 0, MaxMessageLength, 0))
		for range n {
			m := data("x")
			must(t, s.NtRequestPort(h, &m))
		}
		must(t, s.NtClose(h))
		return p.Header().Blocks
	}
	queued(1)
	few, many := queued(1), queued(1000) // more than a port keeps for its next messages
	if many > few+100 {                  // what other tests left goes meanwhile
		t.Errorf("%d blocks after a port with 1 queued message, %d after one with 1000", few, many)
	}
}
