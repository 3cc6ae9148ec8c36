//go:build linux

package transport

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// CPU returns the CPU that the calling thread is on, or was a moment ago
// (getcpu(2)). Sound because the kernel writes 4 bytes to cpu, which outlives
// the call, and takes NULL for what is not wanted.
func CPU() uint64 {
	var cpu uint32
	_, _, _ = unix.RawSyscall(unix.SYS_GETCPU, uintptr(unsafe.Pointer(&cpu)), 0, 0)
	return uint64(cpu)
}
