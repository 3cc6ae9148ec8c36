//go:build !race

package channel

// StoreRelease stores v so that everything written before is seen by who sees
// v. On amd64 every store is that (x86-TSO), and unlike atomic.Store it does not
// wait for the lines written before.
func StoreRelease(p *uint32, v uint32) { *p = v }

// StoreRelease64 is StoreRelease for 64 bits.
func StoreRelease64(p *uint64, v uint64) { *p = v }
