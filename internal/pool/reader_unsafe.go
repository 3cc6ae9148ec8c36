package pool

import "unsafe"

// view is a T inside bytes that were read from another process: nil where it does
// not lie in them whole or is not aligned. T holds no pointers, so any bytes are a
// T; b is a private copy, so it does not change.
func view[T any](b []byte, off uint64) *T {
	n := uint64(sizeof[T]())
	if off > uint64(len(b)) || n > uint64(len(b))-off || off%8 != 0 {
		return nil
	}
	return (*T)(unsafe.Pointer(&b[off]))
}
