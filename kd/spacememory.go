package kd

import "github.com/seed-eedd8485/lpc/ntdump"

// spaceMemory is one address space of a dump for one stack walk, which reads it word by
// word: whole pages are kept.
type spaceMemory struct {
	d     *ntdump.Dump
	space ntdump.Space
	blind bool              // user addresses are those of no space that is known
	pages map[uint64][]byte // by number; nil: not there as a whole
}

// maxKept bounds the pages that are kept: the largest stacks have fewer.
const maxKept = 64

// ReadMemory is stack.Memory's.
func (m *spaceMemory) ReadMemory(addr uint64, dst []byte) (int, error) {
	if m.blind && m.d.IsUser(addr) {
		return 0, &ntdump.Absent{Addr: addr, Reason: ntdump.NoTables}
	}
	number, in := addr/pageBytes, addr%pageBytes
	page, known := m.pages[number]
	if !known {
		if len(m.pages) >= maxKept {
			clear(m.pages)
		}
		page = make([]byte, pageBytes)
		if n, err := m.d.ReadVirtual(m.space, number*pageBytes, page); n < pageBytes || err != nil {
			page = nil
		}
		m.pages[number] = page
	}
	if page != nil && in+uint64(len(dst)) <= pageBytes {
		return copy(dst, page[in:]), nil
	}
	return m.d.ReadVirtual(m.space, addr, dst)
}

// threadMemory is the space of the process that a thread belongs to, for the user part of
// its stack; of no thread, that of the default process. Where it is not known, no user
// address can be read.
func (s *Session) threadMemory(d *ntdump.Dump, thread uint64) *spaceMemory {
	m := &spaceMemory{d: d, pages: map[uint64][]byte{}}
	process := s.process
	if thread != 0 {
		process = d.Thread(thread).Owner
	} else if process == 0 {
		return m
	}
	var err error
	m.space, err = d.SpaceOf(process)
	m.blind = err != nil && d.Header().Type != ntdump.Triage
	return m
}
