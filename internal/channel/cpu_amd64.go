package channel

// pause tells the processor that this is a spin loop (PAUSE).
func pause()

// ticks is the time stamp counter.
func ticks() uint64

func rdpid() uint64
func rdtscp() uint64
func cpuid(leaf, sub uint32) (ax, bx, cx, dx uint32)

// cpuSource tells how a thread learns its processor number: the cheapest way that the
// processor has (BenchmarkCPU).
var cpuSource = func() int {
	if _, _, cx, _ := cpuid(7, 0); cx&(1<<22) != 0 {
		return cpuByRDPID
	}
	if _, _, _, dx := cpuid(0x80000001, 0); dx&(1<<27) != 0 {
		return cpuByRDTSCP
	}
	return cpuBySyscall
}()

// CPU is the number of the processor that the calling thread runs on now, plus
// one: 0 stands for not known.
func CPU() uint32 {
	switch cpuSource {
	case cpuByRDPID:
		return uint32(rdpid()&0xfff) + 1
	case cpuByRDTSCP:
		return uint32(rdtscp()&0xfff) + 1
	}
	return getcpu()
}

// tickHz is 0 where only a measurement can tell.
func tickHz() uint64 { return 0 }
