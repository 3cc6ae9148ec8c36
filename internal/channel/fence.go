package channel

import "sync/atomic"

// storeFence stores v, and no load that follows is made before all can see it. A plain
// atomic store has that order too and costs as much (on amd64 both are one XCHG), but not
// with the race detector, whose runtime makes a release store of it
// (https://go.dev/issue/58020); there a wakeup would be lost now and then.
func storeFence(p *uint32, v uint32) { atomic.SwapUint32(p, v) }
