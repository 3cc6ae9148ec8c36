package engine

import "unsafe"

// memoryAt is memory of this process that its own thread named in a message: it may be
// any address. It is sound because it is touched only under section.Guard, which turns a
// fault into an error, and only while the thread that named it waits.
func memoryAt(base, n uint64) []byte {
	if n == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(*(*unsafe.Pointer)(unsafe.Pointer(&base))), int(n))
}
