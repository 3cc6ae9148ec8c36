package lpcpool

import "iter"

// Peers yields, for each connection of the pools, the process at the other end as
// the kernel told it to the owner of the pool.
func (v *View) Peers() iter.Seq[uint64] {
	return func(yield func(uint64) bool) {
		ports, _ := v.Ports()
		for o := range ports {
			if o.Err != nil || o.Path != "" {
				continue
			}
			p := v.pools[uint32(o.Addr>>poolShift)]
			if pid, ok := p.record("_LPCP_PORT_OBJECT", o.Addr).u64("PeerProcess"); ok && pid != 0 {
				if !yield(pid) {
					return
				}
			}
		}
	}
}
