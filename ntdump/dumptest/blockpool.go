package dumptest

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"slices"
)

// A BlockPool is one of a machine's pools of small blocks (reference 5.3). The debugger
// data names its range.
type BlockPool struct {
	m      *Machine
	paged  bool
	next   uint64
	end    uint64
	blocks map[uint64][]placedBlock // by page
}

// placedBlock is an allocated block of a page.
type placedBlock struct {
	off, size uint64 // with its header
	tag       string
	kind      uint64 // PoolType: 1 nonpaged, 2 paged, 8 charged to a process
}

// NewBlockPool makes a pool that takes addresses from start to end.
func (m *Machine) NewBlockPool(paged bool, start, end uint64) *BlockPool {
	p := &BlockPool{m: m, paged: paged, next: start, end: end, blocks: map[uint64][]placedBlock{}}
	names := [2]string{"MmNonPagedPoolStart", "MmNonPagedPoolEnd"}
	if paged {
		names = [2]string{"MmPagedPoolStart", "MmPagedPoolEnd"}
	}
	m.SetVariable(names[0], start)
	m.SetVariable(names[1], end)
	return p
}

// unit is the granularity of a pool, and the size of a block's header.
func (p *BlockPool) unit() uint64 {
	if p.m.Bits == 64 {
		return 16
	}
	return 8
}

// Alloc makes an allocated block for that many bytes and returns their address.
// Nothing but what is put there stands in them.
func (p *BlockPool) Alloc(tag string, bytes int) uint64 {
	u := p.unit()
	size := (uint64(bytes)+u-1)&^(u-1) + u
	if p.next%page+size > page {
		p.next = p.next&^(page-1) + page
	}
	at := p.next + u
	p.next += size
	p.AllocAt(at, tag, bytes)
	return at
}

// AllocAt is Alloc at an address, which a unit must divide. What lies between the
// blocks of a page is free.
func (p *BlockPool) AllocAt(at uint64, tag string, bytes int) {
	u := p.unit()
	size := (uint64(bytes)+u-1)&^(u-1) + u
	b := placedBlock{off: (at - u) % page, size: size, tag: tag, kind: 1}
	if p.paged {
		b.kind = 2
	}
	if at%u != 0 || b.off+size > page || at+uint64(bytes) > p.end {
		panic(fmt.Sprintf("dumptest: no block of %#x bytes can stand at %#x of a pool that ends at %#x", bytes, at, p.end))
	}
	base := at &^ (page - 1)
	list := append(p.blocks[base], b)
	slices.SortFunc(list, func(a, b placedBlock) int { return cmp.Compare(a.off, b.off) })
	for i := 1; i < len(list); i++ {
		if list[i].off < list[i-1].off+list[i-1].size {
			panic(fmt.Sprintf("dumptest: the pool's page %#x is taken at %#x", base, list[i].off))
		}
	}
	p.blocks[base] = list
	p.chain(base)
}

// Free makes the block at an address a free one; what stood in it stays.
func (p *BlockPool) Free(at uint64) {
	base, off := at&^(page-1), (at-p.unit())%page
	p.blocks[base] = slices.DeleteFunc(p.blocks[base], func(b placedBlock) bool { return b.off == off })
	p.chain(base)
}

// chain writes the headers of a page: its blocks and, between them, free ones.
func (p *BlockPool) chain(base uint64) {
	at, previous := uint64(0), uint64(0)
	put := func(size, kind uint64, tag string) {
		p.header(base+at, previous, size, kind, tag)
		at, previous = at+size, size
	}
	for _, b := range p.blocks[base] {
		if b.off > at {
			put(b.off-at, 0, "Free")
		}
		put(b.size, b.kind, b.tag)
	}
	if at < page {
		put(page-at, 0, "Free")
	}
}

func (p *BlockPool) header(at, previous, size, kind uint64, tag string) {
	u := p.unit()
	previous, size = previous/u, size/u
	var b []byte
	if u == 16 {
		b = []byte{byte(previous), 0, byte(size), byte(kind)}
	} else {
		b = binary.LittleEndian.AppendUint16(nil, uint16(previous))
		b = binary.LittleEndian.AppendUint16(b, uint16(size|kind<<9))
	}
	p.m.Put(at, append(b, tag...))
}
