package robust

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// wakeFutex wakes who sleeps on p, which is in a mapping.
func wakeFutex(p *uint32) error {
	if _, _, e := unix.Syscall6(unix.SYS_FUTEX, uintptr(unsafe.Pointer(p)), 1, 1<<30, 0, 0, 0); e != 0 {
		return e
	}
	return nil
}

// word32 and word64 are a place in the channel. The mapping is page-aligned and at
// is a multiple of their size, below the channel's.
func (r *raw) word32(at int) *uint32 { return (*uint32)(unsafe.Pointer(&r.mem[at])) }
func (r *raw) word64(at int) *uint64 { return (*uint64)(unsafe.Pointer(&r.mem[at])) }

// address is where memory stands.
func address(b []byte) uint64 { return uint64(uintptr(unsafe.Pointer(unsafe.SliceData(b)))) }
