package elfcore

import (
	"cmp"
	"debug/elf"
	"slices"

	"github.com/seed-eedd8485/lpc/internal/pool"
	"github.com/seed-eedd8485/lpc/target/lpcpool"
)

// extent is an extent of a pool as the process had it mapped.
type extent struct {
	c    *core
	base uint64 // address of its first byte
}

var _ lpcpool.Bytes = (*extent)(nil)

// ReadAt is lpcpool.Bytes's.
func (e *extent) ReadAt(dst []byte, off uint64) (int, string) { return e.c.read(dst, e.base+off) }

// Hole is lpcpool.Bytes's: zeros in a core may be memory that was never touched.
func (e *extent) Hole(uint64) bool { return true }

// Torn is lpcpool.Bytes's: the process stood still.
func (e *extent) Torn(uint64) bool { return false }

// maxProbes bounds the search for extents in a core whose mappings have no names.
const maxProbes = 1 << 16

// bases are the addresses of the pools' extents: as NT_FILE names them, or found
// by their magic number.
func (c *core) bases(f *facts) []uint64 {
	var l []uint64
	for _, m := range f.pools {
		l = append(l, m.start-m.off) // a mapping that was split names its extent more than once
	}
	if !f.files {
		l = c.probe()
	}
	slices.Sort(l)
	return c.writable(slices.Compact(l))
}

// writable leaves out what the process could only read: pools that a debugger in it had
// mapped, others' and its own once more. Where all are so, all are kept.
func (c *core) writable(bases []uint64) []uint64 {
	kept := slices.DeleteFunc(slices.Clone(bases), func(base uint64) bool {
		s := c.at(base)
		return s != nil && s.flags&elf.PF_W == 0
	})
	if len(kept) == 0 {
		return bases
	}
	return kept
}

// probe looks for extents at the places in each segment where one could begin.
func (c *core) probe() (l []uint64) {
	left := maxProbes
	for _, s := range c.segments {
		for off := uint64(0); off < s.filed && left > 0; off += pool.ExtentSize {
			left--
			if _, _, ok := lpcpool.Identify(&extent{c, s.addr + off}); ok {
				l = append(l, s.addr+off)
			}
		}
	}
	return l
}

// pools sorts extents into pools by the number that each says, and into their
// places. An extent whose header is damaged goes where its address says: the
// extents of a pool lie in a row.
func (c *core) pools(bases []uint64, pid uint32) map[uint32]map[uint32]lpcpool.Bytes {
	pools := map[uint32]map[uint32]lpcpool.Bytes{}
	starts := map[uint32]uint64{} // where a pool's extent 0 is
	var damaged []uint64
	for _, base := range bases {
		number, index, ok := lpcpool.Identify(&extent{c, base})
		if !ok || base < uint64(index)*pool.ExtentSize || pools[number][index] != nil {
			damaged = append(damaged, base)
			continue
		}
		if pools[number] == nil {
			pools[number] = map[uint32]lpcpool.Bytes{}
			starts[number] = base - uint64(index)*pool.ExtentSize
		}
		pools[number][index] = &extent{c, base}
	}
	if len(pools) == 0 && len(damaged) > 0 {
		pools[pid], starts[pid] = map[uint32]lpcpool.Bytes{}, slices.Min(damaged)
	}
	for _, base := range damaged {
		number, ok := nearest(starts, base)
		if !ok {
			continue
		}
		d := base - starts[number]
		if index := d / pool.ExtentSize; d%pool.ExtentSize == 0 && index < 1<<16 && pools[number][uint32(index)] == nil {
			pools[number][uint32(index)] = &extent{c, base}
		}
	}
	return pools
}

// nearest is the pool that begins last at or in front of an address.
func nearest(starts map[uint32]uint64, base uint64) (number uint32, ok bool) {
	for n, at := range starts {
		if at <= base && (!ok || cmp.Or(cmp.Compare(at, starts[number]), cmp.Compare(number, n)) > 0) {
			number, ok = n, true
		}
	}
	return number, ok
}
