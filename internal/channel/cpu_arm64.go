package channel

// pause tells the processor that this is a spin loop (YIELD).
func pause()

// ticks is the virtual counter (CNTVCT_EL0).
func ticks() uint64

// tickHz is its frequency (CNTFRQ_EL0).
func tickHz() uint64

// CPU is the number of the processor that the calling thread runs on now, plus
// one: 0 stands for not known.
func CPU() uint32 { return getcpu() }
