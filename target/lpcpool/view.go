package lpcpool

import (
	"cmp"
	"fmt"
	"iter"
	"maps"
	"slices"
	"time"

	"github.com/seed-eedd8485/lpc/internal/pool"
	"github.com/seed-eedd8485/lpc/isf"
	"github.com/seed-eedd8485/lpc/target"
)

// View is target.System and target.Memory over pools. A target embeds it and
// adds where the pools come from. It is for one goroutine at a time.
type View struct {
	pools   map[uint32]*poolState
	order   []*poolState     // by pid
	refused []target.Process // whose pool number another process has
	strays  []target.Object  // ports of nobody knows whom
}

var (
	_ target.System  = (*View)(nil)
	_ target.Records = (*View)(nil)
	_ target.Clock   = (*View)(nil)
	_ target.Holder  = (*View)(nil)
)

// poolState is a pool and what was learned of it.
type poolState struct {
	src     *Pool
	extents map[uint32]*extent
	types   isf.Types // once found
}

// New makes the system of these pools.
func New(pools []*Pool) *View {
	v := &View{}
	v.Reset(pools)
	return v
}

// Reset replaces the pools. What was learned of a pool that stays (the same
// *Pool) is kept.
func (v *View) Reset(pools []*Pool) {
	old := v.pools
	v.pools, v.order, v.refused = map[uint32]*poolState{}, nil, nil
	for _, src := range slices.SortedStableFunc(slices.Values(pools), func(a, b *Pool) int { return cmp.Compare(a.Process.ID, b.Process.ID) }) {
		if other := v.pools[src.Number]; other != nil || src.Number == 0 || src.Number >= 1<<(64-poolShift) {
			p := src.Process
			p.Addr = 0
			if p.Err == nil {
				p.Err = fmt.Errorf("the pool of process %d has the number %d, which no pool can have", p.ID, src.Number)
				if other != nil {
					p.Err = fmt.Errorf("the pool of process %d has the number %d like that of process %d (another pid namespace); open it alone", p.ID, src.Number, other.src.Process.ID)
				}
			}
			v.refused = append(v.refused, p)
			continue
		}
		p := old[src.Number]
		if p == nil || p.src != src {
			p = &poolState{src: src, extents: map[uint32]*extent{}}
		}
		for i, b := range src.Extents {
			switch e := p.extents[i]; {
			case e != nil:
				e.found = 0
			case i < maxExtents:
				p.extents[i] = newExtent(i, b)
			}
		}
		v.pools[src.Number] = p
		v.order = append(v.order, p)
	}
}

// SetStrays gives the ports that are known without their process, each with Err.
// Ports and Names yield them last.
func (v *View) SetStrays(ports []target.Object) { v.strays = ports }

// address makes an address of an offset in the pool.
func (p *poolState) address(off uint64) uint64 { return uint64(p.src.Number)<<poolShift | off }

// ordered are the pool's extents by index.
func (p *poolState) ordered() []*extent {
	if n := p.extentCount(); n > uint32(len(p.extents)) {
		_, _ = p.extent(uint64(n - 1)) // grows
	}
	var l []*extent
	for _, i := range slices.Sorted(maps.Keys(p.extents)) {
		l = append(l, p.extents[i])
	}
	return l
}

// of are the pools of a process, all when p is 0.
func (v *View) of(p uint64) iter.Seq[*poolState] {
	return func(yield func(*poolState) bool) {
		if p == 0 {
			for _, p := range v.order {
				if !yield(p) {
					return
				}
			}
			return
		}
		if p, err := v.find(p); err == nil {
			yield(p)
		}
	}
}

// find is the pool at an address, or of the process with that id.
func (v *View) find(addr uint64) (*poolState, error) {
	if p := v.pools[uint32(addr>>poolShift)]; p != nil {
		return p, nil
	}
	for _, p := range v.order {
		if uint64(p.src.Process.ID) == addr {
			return p, nil
		}
	}
	if addr < 1<<32 {
		return nil, fmt.Errorf("there is no process %d with a pool", addr)
	}
	return nil, fmt.Errorf("no process stands at %#x: %s", addr, noPool(addr))
}

// Pools are the pools as they were given, by pid.
func (v *View) Pools() []*Pool {
	var l []*Pool
	for _, p := range v.order {
		l = append(l, p.src)
	}
	return l
}

// capabilities are what pools can answer.
const capabilities = target.Objects | target.Threads | target.Pools

// Has is target.Target'v.
func (v *View) Has(c target.Capability) bool { return c&^capabilities == 0 }

// Lacks is target.Target'v.
func (v *View) Lacks(c target.Capability) string {
	for _, l := range lacks {
		if c&l.c != 0 {
			return l.why
		}
	}
	return ""
}

var lacks = []struct {
	c   target.Capability
	why string
}{
	{target.Stacks, "the pools of Linux processes hold no stacks"},
	{target.Registers, "the pools of Linux processes hold no registers"},
	{target.Modules, "the pools of Linux processes hold no list of loaded images"},
	{target.PageTables, "a Linux process's page tables cannot be read"},
	{target.Physical, "a Linux process's physical memory cannot be read"},
	{target.Symbols, "the pools of Linux processes hold no symbols of code"},
	{target.Disk, "this target is no disk"},
}

// PointerSize is 8: addresses of a pool have 64 bits.
func (v *View) PointerSize() int { return 8 }

// System is the system itself, so that who embeds it is a target.Target.
func (v *View) System() target.System { return v }

// Holds is target.Holder'v.
func (v *View) Holds(addr uint64) bool { return v.pools[uint32(addr>>poolShift)] != nil }

// Time is target.Clock's: the pool's header holds the tick counter and the wall
// clock of one moment, and the counter's rate.
func (v *View) Time(process, ticks uint64) (time.Time, bool) {
	p, err := v.find(process)
	if err != nil {
		return time.Time{}, false
	}
	h := p.header()
	at, ok1 := h.u64("ClockTicks")
	wall, ok2 := h.u64("ClockWall")
	hz, ok3 := h.u64("ClockHz")
	if !ok1 || !ok2 || !ok3 || hz == 0 || wall == 0 || wall > 1<<63-1 || ticks == 0 {
		return time.Time{}, false
	}
	d := float64(int64(ticks-at)) / float64(hz)
	if d > 1e9 || d < -1e9 { // 30 years: no wait of anybody's
		return time.Time{}, false
	}
	return time.Unix(0, int64(wall)).Add(time.Duration(d * 1e9)), true
}

// Processes is target.System's.
func (v *View) Processes() iter.Seq[target.Process] {
	return func(yield func(target.Process) bool) {
		for _, p := range v.order {
			if !yield(p.process()) {
				return
			}
		}
		for _, p := range v.refused {
			if !yield(p) {
				return
			}
		}
	}
}

// Process is target.System's.
func (v *View) Process(addr uint64) (target.Process, error) {
	p, err := v.find(addr)
	if err != nil {
		for _, r := range v.refused {
			if uint64(r.ID) == addr {
				return r, nil
			}
		}
		return target.Process{}, err
	}
	return p.process(), nil
}

func (p *poolState) process() target.Process {
	r := p.src.Process
	r.Addr = p.address(headerBody)
	if r.Err != nil {
		return r
	}
	h := p.header()
	if name := h.text("Program"); name != "" {
		r.Image = name
	}
	if p.src.Gone != nil {
		r.Err = p.src.Gone()
	}
	return r
}

// header is the pool's header.
func (p *poolState) header() record { return p.record("_LPC_POOL_HEADER", p.address(headerBody)) }

// paged tells whether the pool is not locked in memory.
func (p *poolState) paged() bool {
	locked, _ := p.header().u64("Locked")
	return locked == 0
}

// blocks bound every walk over links of the pool: how many blocks could stand in it.
func (p *poolState) mostBlocks() int { return len(p.extents) * (pool.ExtentSize / blockAlign) }
