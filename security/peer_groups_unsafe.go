//go:build linux

package security

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// maxGroups is NGROUPS_MAX (getgroups(2)): what a process can have at most.
const maxGroups = 65536

// peerGroups returns the supplementary groups of fd's peer by SO_PEERGROUPS,
// for which x/sys has no call: its GetsockoptString stops at the first zero
// byte, of which a list of ids is full.
//
// Sound because the kernel is given the address of a live slice of uint32 and
// the slice's exact length in bytes, writes no more than that many (and whole
// ids only), and the slice is kept alive by the use after the call. The pointer
// becomes a uintptr only in the call's argument list (unsafe.Pointer, rule 4).
func peerGroups(fd int) ([]uint32, error) {
	for groups := make([]uint32, 32); ; {
		size := uint32(len(groups)) * 4
		_, _, errno := unix.Syscall6(unix.SYS_GETSOCKOPT, uintptr(fd), unix.SOL_SOCKET, unix.SO_PEERGROUPS,
			uintptr(unsafe.Pointer(&groups[0])), uintptr(unsafe.Pointer(&size)), 0)
		switch {
		case errno == 0:
			return groups[: size/4 : size/4], nil
		case errno == unix.ERANGE && int(size/4) > len(groups) && size/4 <= maxGroups:
			groups = make([]uint32, size/4) // the kernel said how many there are
		case errno == unix.ENODATA:
			return nil, ErrNoPeer
		default:
			return nil, errno
		}
	}
}
