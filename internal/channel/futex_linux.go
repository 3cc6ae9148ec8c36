package channel

import (
	"runtime"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// Shared futexes, without FUTEX_PRIVATE_FLAG: the two ends map the same memfd at
// different addresses (futex(2)).
const (
	futexWaitOp = 0
	futexWakeOp = 1
)

// futexWait sleeps while *p is v, at most d (0: for ever). It returns for any
// reason: the caller looks again. It goes through Syscall6, which tells the Go
// scheduler: parked in a raw call, the thread would hold up the garbage collector.
func futexWait(p *uint32, v uint32, d time.Duration) {
	if d == 0 {
		_, _, _ = unix.Syscall6(unix.SYS_FUTEX, uintptr(ptr32(p)), futexWaitOp, uintptr(v), 0, 0, 0)
		return
	}
	ts := unix.NsecToTimespec(int64(d))
	_, _, _ = unix.Syscall6(unix.SYS_FUTEX, uintptr(ptr32(p)), futexWaitOp, uintptr(v), uintptr(timespecPtr(&ts)), 0, 0)
}

// futexWake wakes who sleeps on p; it does not block, so it is a raw call.
func futexWake(p *uint32) {
	_, _, _ = unix.RawSyscall6(unix.SYS_FUTEX, uintptr(ptr32(p)), futexWakeOp, 1<<30, 0, 0, 0)
}

// parkedThreads counts the goroutines of this process that hold a thread in a
// futex. At most GOMAXPROCS do: 2,000 goroutines in futexes are 2,000 threads.
var parkedThreads atomic.Int32

var maxParked = int32(runtime.GOMAXPROCS(0))

func takeFutex() bool {
	if parkedThreads.Add(1) <= maxParked {
		return true
	}
	parkedThreads.Add(-1)
	return false
}

func giveFutex() { parkedThreads.Add(-1) }
