package channel

import (
	"runtime"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// A leaver moves a caller away from the processor that it shares with its peer.
// Two ends that call back to back and keep meeting on one processor pay for a switch
// with each call; on two they need none (lpc bench --placement same,diff). The caller narrows its thread's affinity by that one
// processor and restores it at once: the kernel must move it. When they meet again
// before that has paid, it waits twice as long before the next try, so that beside
// other work it stays out of the way.
type leaver struct {
	n    atomic.Uint32 // parks on a shared processor, back to back
	want atomic.Uint32 // so many before the next try
	last atomic.Uint64 // ticks of the last park
	left atomic.Uint32 // calls posted when it last left
}

const (
	leaveFirst = 32
	leaveMost  = 1 << 15
	leaveSoon  = 1000 // µs: parks further apart are not back to back
	leavePaid  = 2000 // calls between two tries: the first has paid
)

// parks is called by a lone caller that is about to park.
func (l *leaver) parks(s *spinner, posted uint32) {
	if s.off.Load() || !s.sharesCPU() {
		return
	}
	now := ticks()
	gap := (now - l.last.Swap(now)) / TicksPerMicrosecond()
	if gap > leaveSoon {
		l.n.Store(1)
		return
	}
	want := max(l.want.Load(), leaveFirst)
	if l.n.Add(1) < want {
		return
	}
	l.n.Store(0)
	if posted-l.left.Swap(posted) > want+leavePaid {
		l.want.Store(leaveFirst)
	} else {
		l.want.Store(min(want*2, leaveMost))
	}
	leaveCPU()
}

// leaveCPU makes the kernel move this thread to another processor that it may run
// on. The thread is locked meanwhile: one that Go starts from a locked thread does
// not inherit its affinity.
func leaveCPU() {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	cpu := CPU()
	var all, others unix.CPUSet
	if cpu == 0 || unix.SchedGetaffinity(0, &all) != nil || all.Count() < 2 {
		return
	}
	others = all
	others.Clear(int(cpu - 1))
	if unix.SchedSetaffinity(0, &others) == nil {
		_ = unix.SchedSetaffinity(0, &all)
	}
}
