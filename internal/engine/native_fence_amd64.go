//go:build !race

package engine

import (
	"runtime"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// Commands of membarrier(2), linux/membarrier.h.
const (
	barrierPrivate         = 1 << 3
	barrierRegisterPrivate = 1 << 4
)

// hasBarrier: the kernel lets this process have membarrier(2) by now.
var hasBarrier atomic.Bool

// prepareFence asks for it. The kernel takes some ten milliseconds, which nobody waits for.
var prepareFence = sync.OnceFunc(func() {
	go func() {
		_, _, e := unix.Syscall(unix.SYS_MEMBARRIER, barrierRegisterPrivate, 0, 0)
		hasBarrier.Store(e == 0)
	}()
})

// fence has every thread of this process pass a full barrier. It is the slow side's, so
// that the other side, begin and leave, needs none between its store and its load.
func fence() {
	if hasBarrier.Load() {
		if _, _, e := unix.Syscall(unix.SYS_MEMBARRIER, barrierPrivate, 0, 0); e == 0 {
			return
		}
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m) // it stops the world: each goroutine's processor is synchronized with
}
