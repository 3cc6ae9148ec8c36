package section

import "unsafe"

// Base is the address that the section is mapped at in this process. It is for people and
// for the native API, whose callers deal in addresses.
func (s *Section) Base() uintptr {
	if len(s.mem) == 0 {
		return 0
	}
	return uintptr(unsafe.Pointer(unsafe.SliceData(s.mem)))
}
