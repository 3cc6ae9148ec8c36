package ntdump

import "unsafe"

// offsetIn is where in b an address lies. The address is compared, never followed.
func offsetIn(b []byte, addr uintptr) (off int64, ok bool) {
	d := addr - uintptr(unsafe.Pointer(unsafe.SliceData(b)))
	return int64(d), d < uintptr(len(b))
}
