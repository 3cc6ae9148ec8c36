package dumptest

import "maps"

// Finish closes the pages and writes the tables: descriptors, tags, and allocations of
// whole pages. Nothing may be allocated afterwards.
func (p *Pools) Finish() {
	p.close(&p.nonPaged)
	p.close(&p.paged)
	p.NonPagedPages(p.nonPaged.pages, p.nonPaged.bigPages)
	p.PagedPages([2]uint64{p.paged.pages, p.paged.bigPages})
	m := p.m
	m.SetVariable("MmMaximumNonPagedPoolInBytes", p.opt.NonPaged[1]-p.opt.NonPaged[0]+p.opt.Expansion[1]-p.opt.Expansion[0])
	m.SetVariable("MmSizeOfPagedPoolInBytes", p.opt.Paged[1]-p.opt.Paged[0])
	p.writeBig()
	if p.opt.NoTags {
		m.SetVariable("PoolTrackTable", 0)
		return
	}
	size := uint64(64)
	for size < 2*uint64(len(p.order)) {
		size *= 2
	}
	m.SetVariable("PoolTrackTableSize", size)
	n := max(p.opt.Tables, 1)
	var tables []uint64
	for i := range n {
		tables = append(tables, p.writeTags(i, size))
	}
	m.SetVariable("PoolTrackTable", tables[0])
	if p.opt.Tables > 0 {
		at := m.Variable("ExPoolTagTables")
		for i, t := range tables {
			m.Ptr(at+uint64(i*m.Pointer()), t)
		}
		m.variables += uint64(n * m.Pointer())
	}
}

// NonPagedPages sets what the descriptor of nonpaged pool counts.
func (p *Pools) NonPagedPages(small, big uint64) {
	p.descriptor(p.m.Variable("NonPagedPoolDescriptor"), 0, 0, &p.nonPaged, small, big)
}

// PagedPages sets what the descriptors of the paged pools count: small pages and large
// ones of each.
func (p *Pools) PagedPages(pools ...[2]uint64) {
	m := p.m
	m.SetVariable("ExpNumberOfPagedPools", uint64(len(pools)-1))
	array := m.Variable("ExpPagedPoolDescriptor")
	for i, n := range pools {
		at := m.Alloc(m.Size("_POOL_DESCRIPTOR"))
		p.descriptor(at, 1, i, &p.paged, n[0], n[1])
		m.Ptr(array+uint64(i*m.Pointer()), at)
	}
}

func (p *Pools) descriptor(at uint64, kind, index int, a *poolArea, small, big uint64) {
	m := p.m
	m.Set(at, "_POOL_DESCRIPTOR.PoolType", uint64(kind))
	m.Set(at, "_POOL_DESCRIPTOR.PoolIndex", uint64(index))
	m.Set(at, "_POOL_DESCRIPTOR.RunningAllocs", a.allocs)
	m.Set(at, "_POOL_DESCRIPTOR.RunningDeAllocs", a.frees)
	m.Set(at, "_POOL_DESCRIPTOR.TotalPages", small)
	m.Set(at, "_POOL_DESCRIPTOR.TotalBigPages", big)
}

// writeTags writes the table of a processor: a hash, so with empty places between.
func (p *Pools) writeTags(table int, size uint64) uint64 {
	m := p.m
	each := uint64(m.Size("_POOL_TRACKER_TABLE"))
	m.next = (m.next + page - 1) &^ (page - 1) // whole pages, with nothing behind them
	at := m.Alloc(int(size * each))
	m.next = (m.next+page-1)&^(page-1) + page
	for i, tag := range p.order {
		c := p.counts[tag].tables[table]
		e := at + (uint64(i)*2+1)%size*each
		m.Put(e, []byte(tag))
		for member, v := range map[string]uint64{
			"NonPagedAllocs": c.allocs, "NonPagedFrees": c.frees, "NonPagedBytes": c.bytes,
			"PagedAllocs": c.pAllocs, "PagedFrees": c.pFrees, "PagedBytes": c.pBytes,
		} {
			m.Set(e, "_POOL_TRACKER_TABLE."+member, v)
		}
	}
	return at
}

// writeBig writes the table of allocations of whole pages. A free entry has bit 0 of
// its address set; between the entries are empty ones.
func (p *Pools) writeBig() {
	m := p.m
	each := uint64(m.Size("_POOL_TRACKER_BIG_PAGES"))
	n := uint64(len(p.big)*2 + 16)
	at := m.Alloc(int(n * each))
	for i := range n {
		m.Set(at+i*each, "_POOL_TRACKER_BIG_PAGES.Va", 1)
	}
	for i, b := range p.big {
		e := at + (uint64(i)*2+3)*each
		va := b.va
		if b.free {
			va |= 1
		}
		m.Set(e, "_POOL_TRACKER_BIG_PAGES.Va", va)
		tag := tagBytes(b.tag, false)
		m.Put(e+m.Offset("_POOL_TRACKER_BIG_PAGES.Key"), tag[:])
		m.Set(e, "_POOL_TRACKER_BIG_PAGES.NumberOfPages", b.pages)
	}
	m.SetVariable("PoolBigPageTable", at)
	m.SetVariable("PoolBigPageTableSize", n)
}

// PageFile is a paging file. Sizes are pages.
type PageFile struct {
	Name                         string
	Current, Free, Minimum, Most uint64
}

// AddPageFiles makes the kernel's array of paging files.
func (m *Machine) AddPageFiles(files ...PageFile) {
	array := m.Variable("MmPagingFile")
	m.variables += uint64(16 * m.Pointer())
	for i, f := range files {
		at := m.Alloc(m.Size("_MMPAGING_FILE"))
		m.Set(at, "_MMPAGING_FILE.Size", f.Current)
		m.Set(at, "_MMPAGING_FILE.FreeSpace", f.Free)
		m.Set(at, "_MMPAGING_FILE.MinimumSize", f.Minimum)
		m.Set(at, "_MMPAGING_FILE.MaximumSize", f.Most)
		m.Unicode(at+m.Offset("_MMPAGING_FILE.PageFileName"), f.Name)
		m.Ptr(array+uint64(i*m.Pointer()), at)
	}
	m.SetVariable("MmNumberOfPagingFiles", uint64(len(files)))
}

// Variables are the kernel's globals so far, by name, with their addresses.
func (m *Machine) Variables() map[string]uint64 { return maps.Clone(m.variable) }
