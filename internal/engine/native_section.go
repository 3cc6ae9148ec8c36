package engine

import "github.com/seed-eedd8485/lpc/internal/pool"

// A SectionRecord is a section object of the native face as a debugger sees it.
type SectionRecord struct {
	proc *process
	rec  *pool.Section
	addr pool.Addr
}

// NewSectionRecord enters a section of size bytes in the pool, with its first handle.
func NewSectionRecord(size uint64, access uint32) (*SectionRecord, uint32, error) {
	pr, err := theProcess()
	if err != nil {
		return nil, 0, err
	}
	rec, a, err := pool.New[pool.Section](pr.pool, pool.TagSection, 0)
	if err != nil {
		return nil, 0, err
	}
	*rec = pool.Section{Size: size, Mine: 1}
	s := &SectionRecord{pr, rec, a}
	h, err := s.NewHandle(access)
	if err != nil {
		pr.pool.Free(a)
		return nil, 0, err
	}
	return s, h, nil
}

// NewHandle enters the section in the handle table once more.
func (s *SectionRecord) NewHandle(access uint32) (uint32, error) {
	h, err := s.proc.pool.NewHandle(s.addr, access)
	return uint32(h), err
}

// CloseHandle takes a handle out of the table.
func (s *SectionRecord) CloseHandle(h uint32) { s.proc.pool.CloseHandle(pool.Handle(h)) }

// Free gives the record back, when its last handle was closed.
func (s *SectionRecord) Free() { s.proc.pool.Free(s.addr) }
