package channel

import (
	"sync"
	"testing"
)

// TestSendersAtOnce: who may not wait for room sends all the same while others do, and while
// cells are given back to the system: there is room for all.
func TestSendersAtOnce(t *testing.T) {
	var now Interrupt
	now.Set()
	for range 50 {
		e := newEnds(t, false)
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				for i := range 32 {
					if err := e.c.Send(&now, &Request{Data: make([]byte, 8)}); err != nil {
						t.Errorf("datagram %d of a sender: %v", i, err)
						return
					}
				}
			})
		}
		wg.Go(func() {
			for range 100 {
				e.c.Trim()
			}
		})
		wg.Wait()
		if err := e.c.Send(&now, &Request{Data: make([]byte, 8)}); err != ErrInterrupted {
			t.Fatalf("the ring is full, and Send gives %v", err)
		}
	}
}
