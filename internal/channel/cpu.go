package channel

import (
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

const (
	cpuByRDPID = iota
	cpuByRDTSCP
	cpuBySyscall
)

func getcpu() uint32 {
	var set uint32
	if _, _, e := unix.RawSyscall(unix.SYS_GETCPU, uintptr(ptr32(&set)), 0, 0); e != 0 {
		return 0
	}
	return set + 1
}

// Ticks is the processor's tick counter: one clock for all processors, and the
// cheapest there is (BenchmarkTicks).
func Ticks() uint64 { return ticks() }

// TicksPerMicrosecond is the counter's rate, measured once where the processor
// does not tell it. The measurement takes 100 µs.
var TicksPerMicrosecond = sync.OnceValue(func() uint64 {
	if hz := tickHz(); hz != 0 {
		return max(hz/1e6, 1)
	}
	t0, k0 := time.Now(), ticks()
	for time.Since(t0) < 100*time.Microsecond {
		pause()
	}
	d, k := time.Since(t0), ticks()-k0
	return max(k*1000/uint64(d.Nanoseconds()), 1)
})
