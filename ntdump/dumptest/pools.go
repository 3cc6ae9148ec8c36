package dumptest

import (
	"encoding/binary"
	"fmt"
)

// PoolOptions say where a machine's pools are and how the kernel counts. Zero values
// are those of the profile.
type PoolOptions struct {
	NonPaged  [2]uint64 // the range of the start
	Expansion [2]uint64 // that by which nonpaged pool grows
	Paged     [2]uint64
	Tables    int  // tables of tags beside the global one: one a processor
	NoTags    bool // the kernel does not count by tag
}

// Pools are the kernel's pools under construction (reference 5.3): pages of small
// blocks, allocations of whole pages, and the tables that count them. Finish writes
// what is still open.
type Pools struct {
	m        *Machine
	opt      PoolOptions
	nonPaged poolArea
	paged    poolArea
	big      []bigAllocation
	counts   map[string]*poolCount
	order    []string // tags as they came
	turn     int      // of the processor that counts next
}

// poolArea is where the next page of a pool stands.
type poolArea struct {
	ranges   [][2]uint64
	next     uint64 // of the ranges' first
	page     []byte // that is being filled; nil: none
	at       uint64 // of page
	off      int
	previous int
	kind     byte // PoolType of a plain block
	pages    uint64
	bigPages uint64
	allocs   uint64
	frees    uint64
}

type bigAllocation struct {
	va, pages uint64
	tag       string
	free      bool
}

// poolCount is what one tag has in each table.
type poolCount struct{ tables []tagCount }

type tagCount struct {
	allocs, frees, bytes    uint64
	pAllocs, pFrees, pBytes uint64
}

// PoolBlock is a block to be made.
type PoolBlock struct {
	Tag       string // of four characters
	Size      int    // bytes with the header; the unit of the machine divides it
	Paged     bool
	Protected bool
	Billed    uint64 // the process that it is charged to; 0: none
	Content   []byte // at the start of its data
}

// AddPools makes the machine's pools, with nothing in them. The debugger data tells
// their ranges; what it has no field for are globals of the kernel, which ISF names.
func (m *Machine) AddPools(opt PoolOptions) *Pools {
	if opt.NonPaged[1] == 0 {
		opt.NonPaged, opt.Expansion, opt.Paged = [2]uint64{0x8a000000, 0x8c000000}, [2]uint64{0xf9000000, 0xffb00000}, [2]uint64{0xe1000000, 0xe8000000}
		if m.Bits == 64 {
			opt.NonPaged, opt.Expansion = [2]uint64{0xfffffadfa0000000, 0xfffffadfb0000000}, [2]uint64{0xfffffadfc0000000, 0xfffffadfd0000000}
			opt.Paged = [2]uint64{0xfffffa8000000000, 0xfffffa8010000000}
		}
	}
	p := &Pools{m: m, opt: opt, counts: map[string]*poolCount{}}
	p.nonPaged = poolArea{ranges: [][2]uint64{opt.NonPaged, opt.Expansion}, next: opt.NonPaged[0], kind: 1}
	p.paged = poolArea{ranges: [][2]uint64{opt.Paged}, next: opt.Paged[0], kind: 2}
	for name, v := range map[string]uint64{
		"MmNonPagedPoolStart": opt.NonPaged[0], "MmNonPagedPoolEnd0": opt.NonPaged[1],
		"MmNonPagedPoolExpansionStart": opt.Expansion[0], "MmNonPagedPoolEnd": opt.Expansion[1],
		"MmPagedPoolStart": opt.Paged[0], "MmPagedPoolEnd": opt.Paged[1],
	} {
		m.SetVariable(name, v)
	}
	return p
}

// Unit is the granularity of the blocks, and the size of a header.
func (p *Pools) Unit() int {
	if p.m.Bits == 64 {
		return 16
	}
	return 8
}

func (p *Pools) area(paged bool) *poolArea {
	if paged {
		return &p.paged
	}
	return &p.nonPaged
}

// take takes the next pages of a pool.
func (p *Pools) take(a *poolArea, pages uint64) uint64 {
	for a.next+pages*page > a.ranges[0][1] {
		if len(a.ranges) == 1 {
			panic(fmt.Sprintf("dumptest: the pool that ends at %#x is full", a.ranges[0][1]))
		}
		a.ranges = a.ranges[1:]
		a.next = a.ranges[0][0]
	}
	at := a.next
	a.next += pages * page
	return at
}

// Alloc makes a block, counts it, and returns the address of its data.
func (p *Pools) Alloc(b PoolBlock) uint64 {
	a := p.area(b.Paged)
	kind := a.kind
	if b.Billed != 0 {
		kind |= 8
	}
	tag := tagBytes(b.Tag, b.Protected)
	at := p.put(a, b.Size, kind, tag)
	data := a.page[at%page:][:b.Size-p.Unit()]
	copy(data, b.Content)
	if b.Billed != 0 {
		where := data[len(data)-p.m.Pointer():] // x86: at the block's end
		if p.m.Bits == 64 {
			where = a.page[at%page-8:]
		}
		put(where, b.Billed, p.m.Pointer())
	}
	a.allocs++
	p.Count(b.Tag, b.Paged, 1, 0, uint64(b.Size))
	return at
}

// Hole makes a free block, which keeps the tag that it had.
func (p *Pools) Hole(paged bool, size int, tag string) uint64 {
	return p.put(p.area(paged), size, 0, tagBytes(tag, false))
}

// Left is how many bytes of the page that is being filled are left.
func (p *Pools) Left(paged bool) int {
	if a := p.area(paged); a.page != nil {
		return page - a.off
	}
	return page
}

// Pages is how many pages of small blocks a pool has so far.
func (p *Pools) Pages(paged bool) uint64 { return p.area(paged).pages }

func tagBytes(tag string, protected bool) [4]byte {
	if len(tag) != 4 {
		panic(fmt.Sprintf("dumptest: the tag %q has no four characters", tag))
	}
	b := [4]byte([]byte(tag))
	if protected {
		b[3] |= 0x80
	}
	return b
}

// put writes the header of a block, in a new page where it does not fit, and returns
// the address of its data.
func (p *Pools) put(a *poolArea, size int, kind byte, tag [4]byte) uint64 {
	u := p.Unit()
	if size%u != 0 || size < 2*u || size > page-2*u {
		panic(fmt.Sprintf("dumptest: a pool block of %d bytes, expected a multiple of %d from two to what leaves two of a page", size, u))
	}
	if a.page != nil && a.off+size > page {
		p.close(a)
	}
	if a.page == nil {
		a.at = p.take(a, 1)
		a.page, a.off, a.previous = p.m.page(a.at), 0, 0
		a.pages++
	}
	p.header(a, size, kind, tag)
	return a.at + uint64(a.off-size+u)
}

func (p *Pools) header(a *poolArea, size int, kind byte, tag [4]byte) {
	u := p.Unit()
	h := a.page[a.off:]
	if u == 16 {
		copy(h, []byte{byte(a.previous / u), 0, byte(size / u), kind})
	} else {
		binary.LittleEndian.PutUint16(h, uint16(a.previous/u))
		binary.LittleEndian.PutUint16(h[2:], uint16(size/u)|uint16(kind)<<9)
	}
	copy(h[4:], tag[:])
	a.previous = size
	a.off += size
}

// close fills the rest of a page with a free block.
func (p *Pools) close(a *poolArea) {
	if a.page != nil && a.off < page {
		p.header(a, page-a.off, 0, [4]byte{})
	}
	a.page = nil
}

// Big makes an allocation of whole pages, counts bytes of it, and returns its address.
// Only its first page is in memory unless content says more.
func (p *Pools) Big(tag string, paged bool, pages, bytes uint64, content []byte) uint64 {
	a := p.area(paged)
	at := p.take(a, pages)
	p.m.page(at)
	p.m.Put(at, content)
	p.big = append(p.big, bigAllocation{va: at, pages: pages, tag: tag})
	a.bigPages += pages
	a.allocs++
	p.Count(tag, paged, 1, 0, bytes)
	return at
}

// FreeBig enters an allocation that was given back: its entry stays.
func (p *Pools) FreeBig(tag string, pages uint64) {
	p.big = append(p.big, bigAllocation{va: p.take(&p.nonPaged, pages), pages: pages, tag: tag, free: true})
}

// Count adds to what the kernel counts of a tag: each time in the table of the next
// processor.
func (p *Pools) Count(tag string, paged bool, allocs, frees, bytes uint64) {
	c := p.counts[tag]
	if c == nil {
		c = &poolCount{tables: make([]tagCount, max(p.opt.Tables, 1))}
		p.counts[tag] = c
		p.order = append(p.order, tag)
	}
	t := &c.tables[p.turn%len(c.tables)]
	p.turn++
	if paged {
		t.pAllocs, t.pFrees, t.pBytes = t.pAllocs+allocs, t.pFrees+frees, t.pBytes+bytes
	} else {
		t.allocs, t.frees, t.bytes = t.allocs+allocs, t.frees+frees, t.bytes+bytes
	}
}

// Freed counts an allocation of the past: one processor made it, another one gave its
// bytes back, so that the tables of both are off and their sum is not.
func (p *Pools) Freed(tag string, paged bool, bytes uint64) {
	p.Count(tag, paged, 1, 0, bytes)
	p.Count(tag, paged, 0, 1, -bytes)
}
