package namespace

import (
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// dying is how long a process may take to lose its last descriptors after the
// first are gone.
const dying = 200 * time.Millisecond

// free returns nil if base may be taken: nothing is there, or the socket of a
// dead server. The caller holds the lock of base.
//
// A live socket there, beside a lock that was free, has two explanations. The
// lock file was removed under a live server: then the name is in use. Or the
// server has just been killed, and the kernel, which closes the descriptors of a
// dead process in an order of its own, has come to the lock but not yet to the
// socket. So the probe's connection is watched for a while: in the second case
// it hangs up.
func (d *dir) free(base string) error {
	for end := time.Now().Add(dying); ; {
		c, err := d.connect(base)
		switch {
		case errors.Is(err, unix.ENOENT), errors.Is(err, errStale):
			return nil
		case err != nil && !errors.Is(err, errBacklog):
			return fmt.Errorf("%w: %w", ErrInUse, err)
		}
		left := time.Until(end)
		if c != nil {
			hangUp(c.fd, left)
			c.close()
		}
		if left <= 0 {
			return fmt.Errorf("%w: a live server listens on %s", ErrInUse, filepath.Join(d.path, base))
		}
		time.Sleep(time.Millisecond) // it may hang up on everybody, or have a full backlog
	}
}

// hangUp waits until the peer of fd is gone, for at most the time given. An
// interrupted wait is a short one: the caller looks at the clock.
func hangUp(fd int, most time.Duration) {
	fds := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLRDHUP}}
	ts := unix.NsecToTimespec(max(0, most.Nanoseconds()))
	_, _ = unix.Ppoll(fds, &ts, nil)
}
