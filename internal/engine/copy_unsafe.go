package engine

import (
	"unsafe"

	"github.com/seed-eedd8485/lpc/section"
)

// The addresses here are compared, never followed.

// copyIn copies src to dst, which may be the same memory: a handler may reply
// with a part of its request.
func copyIn(dst, src []byte) {
	if len(src) == 0 {
		return
	}
	d, s := uintptr(unsafe.Pointer(unsafe.SliceData(dst))), uintptr(unsafe.Pointer(unsafe.SliceData(src)))
	switch {
	case d == s:
	case d < s+uintptr(len(src)) && s < d+uintptr(len(src)):
		copy(dst, src) // they overlap: only one move is right
	default:
		section.Copy(dst, src)
	}
}
