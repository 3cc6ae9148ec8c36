package targettest

import (
	"testing"

	"github.com/seed-eedd8485/lpc/target"
)

// TestMoving reads a process whose records come and go: what is yielded as whole
// is possible, and nothing is yielded twice.
func TestMoving(t *testing.T) {
	watchdog(t)
	c := start(t, "load")
	l := only(t, c.PID())
	for range 200 {
		if err := l.Refresh(); err != nil {
			t.Fatal(err)
		}
		ids, last := map[uint64]uint64{}, uint64(0)
		for th := range l.Threads(0) {
			if th.Err != nil {
				t.Errorf("a thread: %v", th.Err)
				continue
			}
			if th.Addr <= last {
				t.Fatalf("thread %#x behind %#x", th.Addr, last)
			}
			last = th.Addr
			if other, twice := ids[th.ID]; twice && th.ID != 0 {
				t.Errorf("threads %#x and %#x both have id %d", other, th.Addr, th.ID)
			}
			ids[th.ID] = th.Addr
		}
		end := uint64(0)
		for b := range l.Blocks("") {
			if b.Err != nil {
				t.Errorf("block %#x: %v", b.Addr, b.Err)
				continue
			}
			if b.Addr < end || b.Addr == end && b.Previous == 0 {
				t.Fatalf("block %#x with %#x bytes in front of it, and that ends at %#x", b.Addr, b.Previous, end)
			}
			end = b.Addr + b.Size
			body := make([]byte, b.Size-(b.Body-b.Addr))
			if n, _, err := target.ReadRecord(l, b.Body, body); n != len(body) || err != nil {
				t.Errorf("body of block %#x: %d bytes, %v", b.Addr, n, err)
			}
		}
		for o := range l.Names("RPC Control") {
			if o.Err != nil || o.Name != "load" {
				t.Errorf("name %+v", o)
			}
		}
		for h := range l.Handles(uint64(c.PID())) {
			if h.Err != nil {
				t.Errorf("handle %+v", h)
			}
		}
		taken(t, c)
	}
}
