package channel

import (
	"context"
	"runtime"
	"sync/atomic"
	"testing"
)

// A hostile peer writes DONE and then WAITING again: the call ends once, with its reply
// or a Violation.
func TestFlip(t *testing.T) {
	held := 0
	for range 500 {
		s, _, err := Create(7)
		if err != nil {
			t.Fatal(err)
		}
		c := NewCaller(s, false, false, func() {})
		stop, ended := make(chan struct{}), make(chan struct{})
		word := &c.slot(0).Word
		go func() {
			defer close(ended)
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				w := atomic.LoadUint64(word)
				if w&stateMask == stWaiting && atomic.CompareAndSwapUint64(word, w, w&^stateMask|stDone) {
					pos := atomic.AddUint32(&c.replies.Tail, 1) - 1
					atomic.StoreUint32(&c.hints[pos%hintSize], hint(pos, 0))
					atomic.StoreUint32(&c.caller.Sleep, 0)
					futexWake(&c.caller.Sleep)
					c.Bell()
					for range n % 64 {
						pause()
					}
					giveWay(n % 3)
					atomic.CompareAndSwapUint64(word, w&^stateMask|stDone, w)
				}
				for range n % 300 {
					pause()
				}
				giveWay(n % 2)
			}
		}()
		sl, _, err := c.Take(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		c.Reserve(sl)
		c.Post(sl, &Request{})
		for range 20 {
			runtime.Gosched()
		}
		err = c.Wait(context.Background(), sl, false, nil, new(uint64))
		if err == nil && c.heldCount.Load() != 0 {
			held++
		}
		close(stop)
		<-ended
		c.Down(context.Canceled)
	}
	if held > 0 {
		t.Errorf("%d of 500 calls have returned without an error and hold their slot", held)
	}
}

// giveWay lets the caller look where there is one processor: else each of its looks
// waits for a time slice of 10 ms. Not every time: then it would see one state only.
func giveWay(n int) {
	if n == 0 && runtime.GOMAXPROCS(0) == 1 {
		runtime.Gosched()
	}
}
