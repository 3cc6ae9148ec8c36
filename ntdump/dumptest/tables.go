package dumptest

import (
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
)

// Entries of pages that are not valid (reference 5.1).

// Transition is the entry of a page that is in memory but in no working set.
func (m *Machine) Transition(frame uint64) uint64 { return frame*page | 1<<11 | 4<<5 }

// PageFile is the entry of a page that was written to a page file.
func (m *Machine) PageFile(at uint64) uint64 {
	if m.wide() {
		return at<<32 | 4<<5
	}
	return at<<12 | 4<<5
}

// DemandZero is the entry of a page that was never touched.
func (m *Machine) DemandZero() uint64 { return 4 << 5 }

// ProtoEntry is the entry of a page of a section whose prototype entry stands at a
// kernel address. Without PAE it holds an offset from the start of paged pool.
func (m *Machine) ProtoEntry(at uint64) uint64 {
	switch {
	case m.Bits == 64:
		return at<<16 | 1<<10
	case m.PAE:
		return at<<32 | 1<<10
	}
	off := (at - m.GetPtr(m.Variable("MmPagedPoolStart"))) >> 2
	return off>>7<<11 | off&0x7f<<1 | 1<<10
}

// EntryBytes is the size of a page table entry.
func (m *Machine) EntryBytes() int {
	if m.wide() {
		return 8
	}
	return 4
}

func (m *Machine) wide() bool { return m.PAE || m.Bits == 64 }

// shape is the tables of a machine, from the root: shifts of the indexes.
func (m *Machine) shape() []uint {
	switch {
	case m.Bits == 64:
		return []uint{39, 30, 21, 12}
	case m.PAE:
		return []uint{30, 21, 12}
	}
	return []uint{22, 12}
}

// buildTables writes the page tables of all spaces into physical memory.
func (m *Machine) buildTables() {
	for _, s := range m.spaces {
		for _, list := range []map[uint64]uint64{m.kernel, s.user} {
			for _, vpn := range slices.Sorted(maps.Keys(list)) {
				m.enter(s, vpn*page, list[vpn], 12)
			}
		}
		for _, vpn := range slices.Sorted(maps.Keys(m.large)) {
			l := m.large[vpn]
			shift := uint(12)
			for n := l.pages; n > 1; n /= 2 {
				shift++
			}
			m.enter(s, vpn*page, l.entry, shift)
		}
		m.selfMap(s)
	}
}

// selfMap maps a space's tables into the space itself, as every kernel does (reference
// 5.1): the tables of x86 stand at c0000000, those of x64 at fffff68000000000, or on
// Windows 10 wherever chance puts them.
func (m *Machine) selfMap(s *Space) {
	root := m.phys[s.DTB/page][s.DTB%page:]
	switch {
	case m.Bits == 64 && m.modern:
		put(root[8*0x1a3:], s.DTB|valid|1<<63, 8)
	case m.Bits == 64:
		put(root[8*0x1ed:], s.DTB|valid, 8)
	case !m.PAE:
		put(root[4*0x300:], s.DTB|valid, 4)
	default:
		var directories [4]uint64
		for i := range directories {
			e := binary.LittleEndian.Uint64(root[8*i:])
			if e == 0 {
				e = m.frame()*page | 1
				put(root[8*i:], e, 8)
			}
			directories[i] = e &^ (page - 1)
		}
		for i, d := range directories {
			put(m.phys[directories[3]/page][8*i:], d|valid, 8)
		}
	}
}

// enter sets the entry for va in the table whose index has that shift; tables above
// it are made as needed.
func (m *Machine) enter(s *Space, va, entry uint64, last uint) {
	table := s.DTB
	size := m.EntryBytes()
	for _, shift := range m.shape() {
		bits := uint(9)
		if !m.wide() {
			bits = 10
		}
		index := va >> shift & (1<<bits - 1)
		if m.Bits == 32 && m.PAE && shift == 30 {
			index = va >> 30 & 3
		}
		b := m.phys[table/page][table%page+index*uint64(size):]
		if shift == last {
			put(b, entry, size)
			return
		}
		have := uint64(binary.LittleEndian.Uint32(b))
		if size == 8 {
			have = binary.LittleEndian.Uint64(b)
		}
		if have&1 == 0 {
			flags := uint64(valid)
			if m.Bits == 32 && m.PAE && shift == 30 {
				flags = 1 // the root of PAE tables has no other flags
			}
			have = m.frame()*page | flags
			put(b, have, size)
		}
		if have>>7&1 != 0 {
			panic(fmt.Sprintf("dumptest: %#x lies in a large page", va))
		}
		table = have &^ (page - 1)
	}
}

func put(b []byte, v uint64, size int) {
	if size == 4 {
		binary.LittleEndian.PutUint32(b, uint32(v))
		return
	}
	binary.LittleEndian.PutUint64(b, v)
}
