//go:build !amd64 || race

package channel

import "sync/atomic"

// StoreRelease stores v so that everything written before is seen by who sees v.
// The race detector, which does not know x86-TSO, is given this form too.
func StoreRelease(p *uint32, v uint32) { atomic.StoreUint32(p, v) }

// StoreRelease64 is StoreRelease for 64 bits.
func StoreRelease64(p *uint64, v uint64) { atomic.StoreUint64(p, v) }
