package nt

import (
	"unsafe"

	"github.com/seed-eedd8485/lpc/internal/engine"
)

// native is the same memory as the engine names it. It is sound because both structs
// have the same fields, which the two constants below hold.
func native(m *Message) *engine.Native { return (*engine.Native)(unsafe.Pointer(m)) }

const (
	_ = uint(unsafe.Sizeof(Message{}) - unsafe.Sizeof(engine.Native{}))
	_ = uint(unsafe.Sizeof(engine.Native{}) - unsafe.Sizeof(Message{}))
)

// View is the memory of a view: base and size as a call gave them. It must not be used
// after the view is unmapped, which the end of its port does too; the other end may change
// it at any time.
func View(base uintptr, size uint64) []byte {
	if base == 0 || size == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(*(*unsafe.Pointer)(unsafe.Pointer(&base))), int(size))
}
