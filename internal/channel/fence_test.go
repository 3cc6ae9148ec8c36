package channel

import (
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/seed-eedd8485/lpc/section"
	"golang.org/x/sys/unix"
)

// TestStoreFence: of two that each store, and then look at what the other stores, one at
// least sees it. The memory is a channel's: the race detector treats Go's own otherwise.
func TestStoreFence(t *testing.T) {
	const rounds = 500_000
	mem, fd, err := section.Create("lpc:test", Size)
	if err != nil {
		t.Fatal(err)
	}
	_ = unix.Close(fd)
	defer func() { _ = mem.Unmap() }()
	v := newView(mem.Bytes(), &clientToServer)
	stored := [2]*uint32{&v.caller.Sleep, &v.receiver.State}
	var seen [2][]uint32
	var meet [2]atomic.Uint32
	var wg sync.WaitGroup
	for me := range 2 {
		seen[me] = make([]uint32, rounds)
		wg.Go(func() {
			for i := range uint32(rounds) {
				meet[me].Add(1)
				for tries := 0; meet[1-me].Load() <= i; tries++ {
					if tries > 1000 {
						runtime.Gosched()
					}
				}
				storeFence(stored[me], i+1)
				seen[me][i] = atomic.LoadUint32(stored[1-me])
			}
		})
	}
	wg.Wait()
	missed := 0
	for i := range uint32(rounds) {
		if seen[0][i] <= i && seen[1][i] <= i {
			missed++
		}
	}
	if missed > 0 {
		t.Errorf("neither saw the other's store in %d of %d rounds", missed, rounds)
	}
}
