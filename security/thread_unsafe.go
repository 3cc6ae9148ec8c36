//go:build linux

package security

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// setThreadGroups sets the supplementary groups of the calling thread alone.
// unix.Setgroups would set those of every thread.
//
// Sound because the kernel reads len(groups) ids of 4 bytes from the address of
// a live slice of that length, and nothing from a slice without elements.
func setThreadGroups(groups []uint32) error {
	_, _, errno := unix.RawSyscall(unix.SYS_SETGROUPS, uintptr(len(groups)), uintptr(unsafe.Pointer(unsafe.SliceData(groups))), 0)
	if errno != 0 {
		return errno
	}
	return nil
}

// deathSignal returns the signal that the calling thread gets when its parent
// dies, 0 for none (PR_GET_PDEATHSIG(2const)).
//
// Sound because the kernel writes one int through the address of one.
func deathSignal() (int, error) {
	var sig int32
	_, _, errno := unix.RawSyscall(unix.SYS_PRCTL, unix.PR_GET_PDEATHSIG, uintptr(unsafe.Pointer(&sig)), 0)
	if errno != 0 {
		return 0, errno
	}
	return int(sig), nil
}
