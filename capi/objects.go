//go:build cgo && linux

package main

import "C"

import (
	"sync"

	"github.com/seed-eedd8485/lpc/nt"
)

//export lpcgoImpersonateClientOfPort
func lpcgoImpersonateClientOfPort(self uint32, h, message uintptr) uint32 {
	t := at(self)
	s := getHeader(message, &t.message)
	if s == nt.StatusSuccess {
		s = t.NtImpersonateClientOfPort(nt.Handle(h), &t.message)
	}
	return uint32(s)
}

// lpcgoSetInformationThread reads as much as the largest class may have.
//
//export lpcgoSetInformationThread
func lpcgoSetInformationThread(self uint32, h uintptr, class uint32, info uintptr, length uint32) uint32 {
	const most = 64
	b := make([]byte, min(length, most))
	s := check(info, uintptr(length), 4)
	if s == nt.StatusSuccess {
		s = getBytes(info, b)
	}
	if s == nt.StatusSuccess {
		s = at(self).NtSetInformationThread(nt.Handle(h), class, b)
	}
	return uint32(s)
}

//export lpcgoRegisterThreadTerminatePort
func lpcgoRegisterThreadTerminatePort(self uint32, h uintptr) uint32 {
	return uint32(at(self).NtRegisterThreadTerminatePort(nt.Handle(h)))
}

// lpcgoQueryInformationPort passes no memory on: no class writes any.
//
//export lpcgoQueryInformationPort
func lpcgoQueryInformationPort(self uint32, h uintptr, class uint32, info uintptr, length uint32, returned uintptr) uint32 {
	if s := probe(info, uintptr(length), 4); s != nt.StatusSuccess {
		return uint32(s)
	}
	if s := mayProbe(returned, 4, 4); s != nt.StatusSuccess {
		return uint32(s)
	}
	var n uint32
	s := at(self).NtQueryInformationPort(nt.Handle(h), class, nil, &n)
	if s == nt.StatusSuccess && returned != 0 {
		s = put(returned, &n)
	}
	return uint32(s)
}

//export lpcgoCreateSection
func lpcgoCreateSection(self uint32, out uintptr, access uint32, attributes, maximum uintptr, protection, allocation uint32, file uintptr) uint32 {
	return uint32(createSection(at(self), out, access, attributes, maximum, protection, allocation, file))
}

func createSection(t *thread, out uintptr, access uint32, attributes, maximum uintptr, protection, allocation uint32, file uintptr) nt.Status {
	if s := probe(out, handleSize, 4); s != nt.StatusSuccess {
		return s
	}
	var a *nt.ObjectAttributes
	if attributes != 0 {
		oa, name, s := getAttributes(attributes)
		if s != nt.StatusSuccess {
			return s
		}
		if oa.Length != objectAttributesSize {
			return nt.StatusInvalidParameter
		}
		a = &nt.ObjectAttributes{RootDirectory: oa.RootDirectory, ObjectName: name, Attributes: oa.Attributes}
	}
	var size *int64
	if maximum != 0 {
		size = new(int64)
		if s := get(maximum, 4, size); s != nt.StatusSuccess {
			return s
		}
	}
	var h nt.Handle
	if s := t.NtCreateSection(&h, access, a, size, protection, allocation, nt.Handle(file)); s != nt.StatusSuccess {
		return s
	}
	return putHandle(t, out, h)
}

//export lpcgoMapViewOfSection
func lpcgoMapViewOfSection(self uint32, section, process, base, zeroBits, commit, offset, size uintptr, inherit, allocation, protect uint32) uint32 {
	return uint32(mapViewOfSection(at(self), section, process, base, zeroBits, commit, offset, size, inherit, allocation, protect))
}

func mapViewOfSection(t *thread, section, process, base, zeroBits, commit, offset, size uintptr, inherit, allocation, protect uint32) nt.Status {
	var at uintptr
	var n uint64
	var off *int64
	if s := getToPut(base, 4, &at); s != nt.StatusSuccess {
		return s
	}
	if s := getToPut(size, 4, &n); s != nt.StatusSuccess {
		return s
	}
	if offset != 0 {
		off = new(int64)
		if s := getToPut(offset, 4, off); s != nt.StatusSuccess {
			return s
		}
	}
	s := t.NtMapViewOfSection(nt.Handle(section), nt.Handle(process), &at, uint64(zeroBits), uint64(commit), off, &n, inherit, allocation, protect)
	if s != nt.StatusSuccess {
		return s
	}
	s = put(base, &at)
	if s == nt.StatusSuccess {
		s = put(size, &n)
	}
	if s == nt.StatusSuccess && off != nil {
		s = put(offset, off)
	}
	if s != nt.StatusSuccess {
		t.NtUnmapViewOfSection(nt.CurrentProcess, at)
	}
	return s
}

//export lpcgoUnmapViewOfSection
func lpcgoUnmapViewOfSection(self uint32, process, base uintptr) uint32 {
	return uint32(at(self).NtUnmapViewOfSection(nt.Handle(process), base))
}

//export lpcgoDuplicateObject
func lpcgoDuplicateObject(self uint32, from, source, to, out uintptr, access, attributes, options uint32) uint32 {
	t := at(self)
	var target *nt.Handle
	if out != 0 {
		if s := probe(out, handleSize, 4); s != nt.StatusSuccess {
			return uint32(s)
		}
		target = new(nt.Handle)
	}
	s := t.NtDuplicateObject(nt.Handle(from), nt.Handle(source), nt.Handle(to), target, access, attributes, options)
	if s == nt.StatusSuccess && target != nil {
		s = putHandle(t, out, *target)
	}
	return uint32(s)
}

//export lpcgoClose
func lpcgoClose(self uint32, h uintptr) uint32 { return uint32(at(self).NtClose(nt.Handle(h))) }

// limit reads a timeout, nil where there is none.
func (t *thread) limit(timeout uintptr) (*int64, nt.Status) {
	if timeout == 0 {
		return nil, nt.StatusSuccess
	}
	return &t.timeout, get(timeout, 4, &t.timeout)
}

//export lpcgoWaitForSingleObject
func lpcgoWaitForSingleObject(self uint32, h uintptr, alertable uint32, timeout uintptr) uint32 {
	t := at(self)
	limit, s := t.limit(timeout)
	if s != nt.StatusSuccess {
		return uint32(s)
	}
	return uint32(t.NtWaitForSingleObject(nt.Handle(h), alertable != 0, limit))
}

var names struct {
	sync.Mutex
	all map[uint32]*C.char
}

// lpcgoEventFD gives a descriptor of a waitable port's event, -1: there is none.
//
//export lpcgoEventFD
func lpcgoEventFD(h uintptr) int32 {
	fd, s := nt.EventFD(nt.Handle(h))
	if s != nt.StatusSuccess {
		return -1
	}
	return int32(fd)
}

// lpcgoStatusName gives a status's name as text of C's that stays.
//
//export lpcgoStatusName
func lpcgoStatusName(status uint32) *C.char {
	names.Lock()
	defer names.Unlock()
	if names.all == nil {
		names.all = map[uint32]*C.char{}
	}
	const most = 4096 // of 2^32: who asks for all of them fills no memory
	if len(names.all) >= most && names.all[status] == nil {
		status = ^uint32(0)
	}
	s := names.all[status]
	if s == nil {
		s = C.CString(statusName(nt.Status(status)))
		names.all[status] = s
	}
	return s
}

// statusName knows the statuses, too, that package nt has no name for.
func statusName(s nt.Status) string {
	switch s {
	case statusUnknownRevision:
		return "STATUS_UNKNOWN_REVISION"
	case statusInvalidACL:
		return "STATUS_INVALID_ACL"
	case nt.StatusInvalidPageProtection:
		return "STATUS_INVALID_PAGE_PROTECTION"
	}
	return s.Error()
}
