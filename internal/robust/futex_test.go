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
