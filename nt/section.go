package nt

import (
	"sync"

	"golang.org/x/sys/unix"

	"github.com/seed-eedd8485/lpc/internal/engine"
	"github.com/seed-eedd8485/lpc/section"
)

// A sharedSection is a section object: memory without a name that views of a port show
// to both ends. It lives as long as its handles and views.
type sharedSection struct {
	rec  *engine.SectionRecord
	fd   int
	size uint64

	mu   sync.Mutex
	open bool // fd
}

// Rights of a section's handle.
const (
	SectionQuery    = 0x1
	SectionMapWrite = 0x2
	SectionMapRead  = 0x4
	SectionAll      = 0xF001F
)

// Protections of pages that are known; a port's views are read and written.
const (
	PageReadOnly  = 0x02
	PageReadWrite = 0x04
)

const pageSize = 4096

// NtCreateSection makes a section of MaximumSize bytes, rounded up to pages, that
// belongs to no file: FileHandle is 0, else StatusNotSupported. Names of sections are not
// supported either.
func (t *Thread) NtCreateSection(SectionHandle *Handle, DesiredAccess uint32, ObjectAttributes *ObjectAttributes, MaximumSize *int64, SectionPageProtection, AllocationAttributes uint32, FileHandle Handle) Status {
	switch {
	case SectionHandle == nil:
		return StatusAccessViolation
	case FileHandle != 0, ObjectAttributes != nil && ObjectAttributes.ObjectName != nil && *ObjectAttributes.ObjectName != "":
		return StatusNotSupported
	case MaximumSize == nil, *MaximumSize <= 0:
		return StatusInvalidParameter4
	case SectionPageProtection != PageReadOnly && SectionPageProtection != PageReadWrite:
		return StatusInvalidPageProtection
	case *MaximumSize > 1<<40:
		return StatusSectionTooBig
	}
	size := (uint64(*MaximumSize) + pageSize - 1) &^ (pageSize - 1)
	fd, err := section.Make("lpc:nt", int(size))
	if err != nil {
		return StatusInsufficientResources
	}
	access := DesiredAccess
	if access&maximumAllowed != 0 || access == 0x10000000 { // GENERIC_ALL
		access = SectionAll
	}
	rec, h, err := engine.NewSectionRecord(size, access)
	if err != nil {
		_ = unix.Close(fd)
		return status(err)
	}
	s := &sharedSection{rec: rec, fd: fd, size: size, open: true}
	*SectionHandle = enter(h, &object{kind: sectionObject, section: s}, access)
	return StatusSuccess
}

// close takes the section away, whose last handle was closed.
func (s *sharedSection) close() {
	s.rec.Free()
	s.mu.Lock()
	defer s.mu.Unlock()
	_ = unix.Close(s.fd)
	s.open = false
}

// findSection finds a section by a handle that must have the rights.
func findSection(h Handle, access uint32) (*sharedSection, Status) {
	e := lookup(h)
	switch {
	case e == nil:
		return nil, StatusInvalidHandle
	case e.o.kind != sectionObject:
		return nil, StatusObjectTypeMismatch
	case e.access&access != access:
		return nil, StatusAccessDenied
	}
	return e.o.section, StatusSuccess
}

// use calls f with the descriptor, which stays open over the call.
func (s *sharedSection) use(f func(fd int) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.open {
		return unix.EBADF
	}
	return f(s.fd)
}

// mapOwn maps a view of one's own section for a port, and is what the other end is
// offered; sent closes its descriptor.
func (o *object) mapOwn(v *PortView) (*engine.ViewOffer, Status) {
	s, st := findSection(v.SectionHandle, SectionMapRead|SectionMapWrite)
	if st != StatusSuccess {
		return nil, st
	}
	size, st := viewSize(s.size, uint64(v.SectionOffset), v.ViewSize)
	if st != StatusSuccess {
		return nil, st
	}
	offer := &engine.ViewOffer{Total: s.size, Offset: v.SectionOffset, Size: size}
	var m *section.Section
	err := s.use(func(fd int) (err error) {
		if m, err = section.Map(fd, int64(v.SectionOffset), int(size), true); err != nil {
			return err
		}
		if offer.FD, err = unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 3); err != nil {
			_ = m.Unmap()
		}
		return err
	})
	if err != nil {
		return nil, StatusNoMemory
	}
	o.views, o.offered = append(o.views, m), offer.FD
	v.ViewBase, v.ViewSize = m.Base(), size
	return offer, StatusSuccess
}

// sent closes the descriptor of what was offered.
func (o *object) sent() {
	if o.offered != 0 {
		_ = unix.Close(o.offered)
		o.offered = 0
	}
}

// views are those that NtMapViewOfSection made, by address.
var views struct {
	sync.Mutex
	all map[uintptr]*section.Section
}

// NtMapViewOfSection maps a section into this process: ProcessHandle is CurrentProcess,
// else StatusNotSupported. BaseAddress is out only: an address asked for is
// StatusConflictingAddresses. ViewSize 0 is to the section's end.
func (t *Thread) NtMapViewOfSection(SectionHandle, ProcessHandle Handle, BaseAddress *uintptr, ZeroBits uint64, CommitSize uint64, SectionOffset *int64, ViewSize *uint64, InheritDisposition, AllocationType, Win32Protect uint32) Status {
	if BaseAddress == nil || ViewSize == nil {
		return StatusAccessViolation
	}
	if ProcessHandle != CurrentProcess {
		return StatusNotSupported
	}
	if *BaseAddress != 0 {
		return StatusConflictingAddresses
	}
	access, write := uint32(SectionMapRead), Win32Protect == PageReadWrite
	switch {
	case write:
		access |= SectionMapWrite
	case Win32Protect != PageReadOnly:
		return StatusInvalidPageProtection
	}
	s, st := findSection(SectionHandle, access)
	if st != StatusSuccess {
		return st
	}
	off := uint64(0)
	if SectionOffset != nil {
		off = uint64(*SectionOffset)
	}
	size, st := viewSize(s.size, off, *ViewSize)
	if st != StatusSuccess {
		return st
	}
	var v *section.Section
	err := s.use(func(fd int) (err error) {
		v, err = section.Map(fd, int64(off), int(size), write)
		return err
	})
	if err != nil {
		return StatusNoMemory
	}
	base := v.Base()
	views.Lock()
	defer views.Unlock()
	if views.all == nil {
		views.all = map[uintptr]*section.Section{}
	}
	views.all[base] = v
	*BaseAddress, *ViewSize = base, size
	return StatusSuccess
}

// viewSize is how large a view is: whole pages, inside the section.
func viewSize(section, off, size uint64) (uint64, Status) {
	switch {
	case off%pageSize != 0:
		return 0, StatusMappedAlignment
	case off >= section, size > section-off:
		return 0, StatusInvalidViewSize
	case size == 0:
		size = section - off
	}
	return (size + pageSize - 1) &^ (pageSize - 1), StatusSuccess
}

// NtUnmapViewOfSection takes a view that NtMapViewOfSection made away. Views of a port go
// with their port.
func (t *Thread) NtUnmapViewOfSection(ProcessHandle Handle, BaseAddress uintptr) Status {
	if ProcessHandle != CurrentProcess {
		return StatusNotSupported
	}
	views.Lock()
	v := views.all[BaseAddress]
	delete(views.all, BaseAddress)
	views.Unlock()
	if v == nil {
		return StatusNotMappedView
	}
	_ = v.Unmap()
	return StatusSuccess
}
