package dumptest

// Process describes a process to be made. Zero values are left zero.
type Process struct {
	At     uint64 // address of its _EPROCESS; 0: the next free place
	ID     uint64
	Parent uint64
	Image  string
	Peb    uint64
	DTB    uint64 // physical address of its page tables; 0: the next free page
}

// AddProcess makes a process with an address space of its own, puts it into the
// list of processes, and returns the address of its _EPROCESS.
func (m *Machine) AddProcess(p Process) uint64 {
	at, _ := m.AddProcessSpace(p)
	return at
}

// AddProcessSpace is AddProcess, and returns the space too.
func (m *Machine) AddProcessSpace(p Process) (uint64, *Space) {
	at := p.At
	if at == 0 {
		at = m.Alloc(m.Size("_EPROCESS"))
	}
	s := m.NewSpace()
	if p.DTB != 0 {
		m.phys[p.DTB/page] = m.phys[s.DTB/page]
		delete(m.phys, s.DTB/page)
		s.DTB = p.DTB
	}
	m.Put(at, make([]byte, m.Size("_EPROCESS")))
	m.Set(at, "_EPROCESS.UniqueProcessId", p.ID)
	m.Set(at, "_EPROCESS.InheritedFromUniqueProcessId", p.Parent)
	m.Set(at, "_EPROCESS.Peb", p.Peb)
	m.Set(at, "_KPROCESS.DirectoryTableBase", s.DTB)
	m.Put(at+m.Offset("_EPROCESS.ImageFileName"), []byte(p.Image))
	m.Insert(m.processes, at+m.Offset("_EPROCESS.ActiveProcessLinks"))
	if m.Has("_EPROCESS.ThreadListHead") {
		m.Empty(at + m.Offset("_EPROCESS.ThreadListHead"))
		m.Empty(at + m.Offset("_KPROCESS.ThreadListHead"))
	}
	return at, s
}
