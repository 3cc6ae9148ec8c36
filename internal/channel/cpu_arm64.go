package channel

import "sync/atomic"

// pause tells the processor that this is a spin loop (YIELD).
func pause()

// ticks is the virtual counter (CNTVCT_EL0).
func ticks() uint64

// tickHz is its frequency (CNTFRQ_EL0).
func tickHz() uint64

// CPU is the number of the processor that the calling thread runs on now, plus
// one: 0 stands for not known.
func CPU() uint32 { return getcpu() }

// StoreRelease stores v so that everything written before is seen by who sees v.
func StoreRelease(p *uint32, v uint32) { atomic.StoreUint32(p, v) }

// StoreRelease64 is StoreRelease for 64 bits.
func StoreRelease64(p *uint64, v uint64) { atomic.StoreUint64(p, v) }
