package lpcpool

import (
	"fmt"

	"github.com/seed-eedd8485/lpc/internal/pool"
	"github.com/seed-eedd8485/lpc/target"
)

// ReadMemory is target.Memory over all pools.
func (v *View) ReadMemory(addr uint64, dst []byte) (int, error) {
	p := v.pools[uint32(addr>>poolShift)]
	if p == nil {
		return 0, &target.Absent{Addr: addr, Why: noPool(addr)}
	}
	n := 0
	for off := addr & offsetMask; n < len(dst); {
		m, why := p.read(dst[n:], off)
		n, off = n+m, off+uint64(m)
		if why != "" {
			return n, &target.Absent{Addr: addr + uint64(n), Why: why}
		}
	}
	return n, nil
}

func noPool(addr uint64) string {
	if addr>>poolShift == 0 {
		return "an address is pool number << 40 | offset, and no pool has the number 0"
	}
	return fmt.Sprintf("there is no pool of process %d", addr>>poolShift)
}

// read reads from one extent: as much of dst as lies in it.
func (p *poolState) read(dst []byte, off uint64) (int, string) {
	e, why := p.extent(off / pool.ExtentSize)
	if e == nil {
		return 0, why
	}
	off %= pool.ExtentSize
	return e.read(dst[:min(uint64(len(dst)), pool.ExtentSize-off)], off)
}

// extent is the extent of that index, or why there is none.
func (p *poolState) extent(index uint64) (*extent, string) {
	if p.src.Process.Err != nil {
		return nil, p.src.Process.Err.Error()
	}
	if index >= maxExtents {
		return nil, neverUsed
	}
	if e := p.extents[uint32(index)]; e != nil {
		return e, ""
	}
	n := uint64(p.extentCount())
	if index < n && p.src.Grow != nil {
		for i, b := range p.src.Grow() {
			if i < maxExtents && p.extents[i] == nil {
				p.extents[i] = newExtent(i, b)
			}
		}
		if e := p.extents[uint32(index)]; e != nil {
			return e, ""
		}
	}
	if index < n {
		return nil, fmt.Sprintf("extent %d of the pool is missing", index)
	}
	return nil, neverUsed
}

// extentCount is what the pool's header says of how many extents there are, 0
// when it cannot be read.
func (p *poolState) extentCount() uint32 {
	var b [4]byte
	if e := p.extents[0]; e != nil {
		if n, _ := e.read(b[:], headerBody+headerExtents); n == len(b) {
			return min(le.Uint32(b[:]), maxExtents)
		}
	}
	return 0
}

// ReadRecord is target.Records: the sequence number in the block's header is read
// in front of the bytes and behind them.
func (v *View) ReadRecord(addr uint64, dst []byte) (n int, whole bool, err error) {
	p := v.pools[uint32(addr>>poolShift)]
	off := addr & offsetMask
	if p == nil || off%pool.ExtentSize < headerBody || off%blockAlign != blockHeader {
		n, err = v.ReadMemory(addr, dst) // not a block's body
		return n, true, err
	}
	if e, _ := p.extent(off / pool.ExtentSize); e != nil && e.src.Torn((off-blockHeader)%pool.ExtentSize) {
		n, err = v.ReadMemory(addr, dst)
		return n, false, err
	}
	if p.src.Grow == nil {
		n, err = v.ReadMemory(addr, dst) // it stands still
		return n, true, err
	}
	for range retries {
		before, ok := p.blockAt(off - blockHeader)
		n, err = v.ReadMemory(addr, dst)
		if !ok {
			return n, true, err
		}
		after, ok := p.blockAt(off - blockHeader)
		if ok && before.sequence == after.sequence && before.tag == after.tag {
			return n, true, err
		}
	}
	return n, false, err
}

// blockAt is the header at an offset of the pool; ok: it is whole.
func (p *poolState) blockAt(off uint64) (blockHead, bool) {
	var b [blockHeader]byte
	if n, _ := p.read(b[:], off); n < len(b) {
		return blockHead{}, false
	}
	return parseBlock(b[:], pool.ExtentSize-off%pool.ExtentSize)
}
