package security

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// FromSocket returns the identity of the peer of fd, a connected AF_UNIX socket
// of any type. It neither reads from the socket nor keeps fd, which stays the
// caller's. On a socket without a peer it returns [ErrNoPeer]; on one that
// listens, the kernel answers with whoever called listen(2).
func FromSocket(fd int) (Identity, error) {
	if err := checkUnixSocket(fd); err != nil {
		return Identity{}, err
	}
	cred, err := unix.GetsockoptUcred(fd, unix.SOL_SOCKET, unix.SO_PEERCRED)
	if err != nil {
		return Identity{}, fmt.Errorf("reading peer credentials (SO_PEERCRED): %w", err)
	}
	// A socket without a peer is no error to the kernel: it answers with ids of
	// -1, which no process can have (setresuid(2) takes -1 for "leave it").
	if cred.Uid == ^uint32(0) {
		return Identity{}, ErrNoPeer
	}
	groups, err := peerGroups(fd)
	if err != nil {
		return Identity{}, fmt.Errorf("reading peer groups (SO_PEERGROUPS): %w", err)
	}
	return Identity{PID: int(cred.Pid), UID: cred.Uid, GID: cred.Gid, Groups: groups}, nil
}

// PeerPIDFD returns a pidfd of the process that [FromSocket] tells of. The
// caller owns the descriptor, which is close-on-exec. It needs Linux 6.5
// (ENOPROTOOPT before), and it may fail for a peer that is dead already: a
// caller must be able to go on without it.
func PeerPIDFD(fd int) (int, error) {
	if err := checkUnixSocket(fd); err != nil {
		return -1, err
	}
	pidfd, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_PEERPIDFD)
	if err == unix.ENODATA {
		return -1, ErrNoPeer
	}
	if err != nil {
		return -1, fmt.Errorf("taking peer pidfd (SO_PEERPIDFD): %w", err)
	}
	return pidfd, nil
}

// PeerEnded tells whether the process that [FromSocket] tells of has ended, with all its
// threads. A socket that is open says nothing of that: a child made by fork(2) without
// execve(2) has its parent's descriptors, and an end of a socket lives as long as one
// process has it. Where the process cannot be asked after, it has not ended.
func PeerEnded(fd int) bool {
	pidfd, err := WatchPeer(fd)
	if err != nil {
		return errors.Is(err, ErrPeerEnded)
	}
	defer closeFD(pidfd)
	fds := []unix.PollFd{{Fd: int32(pidfd), Events: unix.POLLIN}} // pidfd_open(2): readable when it has ended
	for {
		n, err := unix.Poll(fds, 0)
		if err != unix.EINTR {
			return err == nil && n == 1
		}
	}
}

// WatchPeer returns a descriptor that becomes readable when the process that [FromSocket]
// tells of ends; it is close-on-exec and the caller's. [ErrPeerEnded]: it has. On a kernel
// without SO_PEERPIDFD (before Linux 6.5) the process is found by its number, which another
// may have by then; it is then that one's end that is told.
func WatchPeer(fd int) (int, error) {
	pidfd, err := PeerPIDFD(fd)
	switch {
	case errors.Is(err, unix.ESRCH), errors.Is(err, unix.EINVAL): // the latter before Linux 6.9
		return -1, ErrPeerEnded
	case !errors.Is(err, unix.ENOPROTOOPT):
		return pidfd, err
	}
	cred, err := unix.GetsockoptUcred(fd, unix.SOL_SOCKET, unix.SO_PEERCRED)
	if err != nil {
		return -1, fmt.Errorf("reading peer credentials (SO_PEERCRED): %w", err)
	}
	if cred.Pid <= 0 {
		return -1, fmt.Errorf("watching a peer of another pid namespace: %w", unix.ESRCH)
	}
	pidfd, err = unix.PidfdOpen(int(cred.Pid), 0)
	if err == unix.ESRCH {
		return -1, ErrPeerEnded
	}
	if err != nil {
		return -1, fmt.Errorf("opening process %d (pidfd_open): %w", cred.Pid, err)
	}
	return pidfd, nil
}

// checkUnixSocket refuses all but AF_UNIX sockets. The kernel would answer
// SO_PEERCRED for a TCP socket too, with ids that mean nothing.
func checkUnixSocket(fd int) error {
	domain, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_DOMAIN)
	if err == unix.ENOTSOCK || err == nil && domain != unix.AF_UNIX {
		return ErrNoPeer
	}
	if err != nil {
		return fmt.Errorf("reading socket domain (SO_DOMAIN) of descriptor %d: %w", fd, err)
	}
	return nil
}
