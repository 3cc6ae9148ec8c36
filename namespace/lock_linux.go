package namespace

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// lock takes the lock of base in d and returns its descriptor. The lock is held
// until unlock, or until the process ends. A lock that somebody holds is
// ErrInUse at once.
//
// The file may be removed or replaced by whoever cleans up the directory,
// between our open and our flock: then we hold the lock of a file that nobody
// else will ever look at. So the file at the path must be the one that is
// locked, or it is all done again.
func (d *dir) lock(base string) (int, error) {
	name := lockFile(base)
	const tries = 100
	for range tries {
		fd, err := openat(d.fd, name, unix.O_RDWR|unix.O_CREAT|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_CLOEXEC, 0o600)
		if err != nil {
			return -1, fmt.Errorf("opening lock file %s/%s: %w", d.path, name, permission(err))
		}
		failpoint("lock-opened")
		switch err := unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB); err {
		case nil:
		case unix.EINTR:
			unix.Close(fd)
			continue
		case unix.EWOULDBLOCK:
			unix.Close(fd)
			return -1, fmt.Errorf("%w: the lock file %s/%s is held", ErrInUse, d.path, name)
		default:
			unix.Close(fd)
			return -1, fmt.Errorf("locking %s/%s: %w", d.path, name, err)
		}
		var mine, there unix.Stat_t
		if err := unix.Fstat(fd, &mine); err != nil {
			unix.Close(fd)
			return -1, fmt.Errorf("reading lock file %s/%s: %w", d.path, name, err)
		}
		if mine.Mode&unix.S_IFMT != unix.S_IFREG {
			unix.Close(fd)
			return -1, fmt.Errorf("opening lock file %s/%s: it has mode %#o, expected a regular file", d.path, name, mine.Mode)
		}
		if unix.Fstatat(d.fd, name, &there, unix.AT_SYMLINK_NOFOLLOW) == nil && sameFile(&mine, &there) {
			return fd, nil
		}
		unix.Close(fd)
	}
	return -1, fmt.Errorf("%w: the lock file %s/%s was replaced %d times while it was opened", ErrInUse, d.path, name, tries)
}

// unlock lets go of the lock and closes it. LOCK_UN is not left to close(2): a
// child that another goroutine is just starting may have the descriptor too,
// until its execve(2), and would keep the name for so long.
func unlock(fd int) {
	_ = unix.Flock(fd, unix.LOCK_UN)
	unix.Close(fd)
}

// sameFile compares what stat(2) says identifies a file. Inode numbers are used
// again, so one of the two files must be held open.
func sameFile(a, b *unix.Stat_t) bool { return a.Dev == b.Dev && a.Ino == b.Ino }
