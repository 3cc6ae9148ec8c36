package link

import (
	"errors"
	"fmt"
	"io"

	"golang.org/x/sys/unix"

	"github.com/seed-eedd8485/lpc/security"
)

// Forks: this process may make children by fork(2) without execve(2), as C programs do.
// Such a child has all sockets of its parent, and the peers would not see that end: CONNECT
// and ACCEPT frames say so, and who receives one watches the process itself. It is set
// before the first link is made.
var Forks bool

// Watch has the socket end when the process of the peer does, even if a child of it holds
// the other end: what was sent before is still read. It takes a descriptor, the link's, and
// does nothing when called again. An error leaves the hang-up as the only sign.
func (l *Link) Watch() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.fd < 0:
		return io.ErrClosedPipe
	case l.process >= 0:
		return nil
	}
	pidfd, err := security.WatchPeer(l.fd)
	if errors.Is(err, security.ErrPeerEnded) {
		return unix.Shutdown(l.fd, unix.SHUT_RD)
	}
	if err != nil {
		return fmt.Errorf("watching the peer's process: %w", err)
	}
	if l.death, err = l.poller.Add(pidfd, l.hangUp); err != nil {
		_ = unix.Close(pidfd)
		return err
	}
	l.process = pidfd
	return nil
}

// hangUp ends the reading behind what has come: the socket becomes readable, and gives its
// end as if the peer had closed it (unix(7), shutdown(2)).
func (l *Link) hangUp() {
	_ = l.Use(func(fd int) error { return unix.Shutdown(fd, unix.SHUT_RD) })
}

// unwatch lets go of the process. l.mu is held.
func (l *Link) unwatch() {
	if l.process >= 0 {
		l.poller.Remove(l.death)
		_ = unix.Close(l.process)
		l.process, l.death = -1, nil
	}
}
