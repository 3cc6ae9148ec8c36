package namespace

import (
	"fmt"
	"io"
	"sync"

	"golang.org/x/sys/unix"
)

// locks are the locks that this process holds, by file. A record lock (fcntl(2)) is the
// process's: a child made by fork(2), who has all descriptors, does not hold it and does
// not keep a dead server's name, as it would one of flock(2). Two things follow from it.
// Within the process it keeps nobody out, so this does; and it ends with the first
// descriptor of the file that the process closes, so a file of which the lock is held is
// not opened, and should it be, stays open as long.
var locks struct {
	sync.Mutex
	held map[fileID][]int // the descriptors: that of the lock first
}

// fileID is what stat(2) says identifies a file. Numbers of inodes are used again, so it
// is good as long as the file is open.
type fileID struct{ dev, ino uint64 }

func idOf(st *unix.Stat_t) fileID { return fileID{uint64(st.Dev), st.Ino} }

// sameFile compares two files, of which one must be held open.
func sameFile(a, b *unix.Stat_t) bool { return idOf(a) == idOf(b) }

// lock takes the lock of base in d and returns its descriptor. The lock is held
// until unlock, or until the process ends. A lock that somebody holds is
// ErrInUse at once.
//
// The file may be removed or replaced by whoever cleans up the directory,
// between our open and our lock: then we hold the lock of a file that nobody
// else will ever look at. So the file at the path must be the one that is
// locked, or it is all done again.
func (d *dir) lock(base string) (int, error) {
	name := lockFile(base)
	locks.Lock()
	defer locks.Unlock()
	const tries = 100
	for range tries {
		fd, again, err := d.tryLock(name)
		if !again {
			return fd, err
		}
	}
	return -1, fmt.Errorf("%w: the lock file %s/%s was replaced %d times while it was opened", ErrInUse, d.path, name, tries)
}

// tryLock is one try; again: the file was replaced. locks is held.
func (d *dir) tryLock(name string) (fd int, again bool, err error) {
	here := fmt.Errorf("%w: this process holds the lock file %s/%s", ErrInUse, d.path, name)
	var there, mine unix.Stat_t
	if unix.Fstatat(d.fd, name, &there, unix.AT_SYMLINK_NOFOLLOW) == nil && locks.held[idOf(&there)] != nil {
		return -1, false, here
	}
	fd, err = openat(d.fd, name, unix.O_RDWR|unix.O_CREAT|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return -1, false, fmt.Errorf("opening lock file %s/%s: %w", d.path, name, permission(err))
	}
	if err := unix.Fstat(fd, &mine); err != nil {
		unix.Close(fd)
		return -1, false, fmt.Errorf("reading lock file %s/%s: %w", d.path, name, err)
	}
	if fds := locks.held[idOf(&mine)]; fds != nil { // it was moved here meanwhile
		locks.held[idOf(&mine)] = append(fds, fd)
		return -1, false, here
	}
	defer func() {
		if again || err != nil {
			unix.Close(fd)
			fd = -1
		}
	}()
	if mine.Mode&unix.S_IFMT != unix.S_IFREG {
		return fd, false, fmt.Errorf("opening lock file %s/%s: it has mode %#o, expected a regular file", d.path, name, mine.Mode)
	}
	failpoint("lock-opened")
	// From byte 0 to the end, however far that is.
	l := unix.Flock_t{Type: unix.F_WRLCK, Whence: io.SeekStart}
	switch err := unix.FcntlFlock(uintptr(fd), unix.F_SETLK, &l); err {
	case nil:
	case unix.EINTR:
		return fd, true, nil
	case unix.EAGAIN, unix.EACCES:
		by := "" // who ends before the second look is not named, and one of another namespace has no number
		if unix.FcntlFlock(uintptr(fd), unix.F_GETLK, &l) == nil && l.Type != unix.F_UNLCK && l.Pid > 0 {
			by = fmt.Sprintf(" by process %d", l.Pid)
		}
		return fd, false, fmt.Errorf("%w: the lock file %s/%s is held%s", ErrInUse, d.path, name, by)
	default:
		return fd, false, fmt.Errorf("locking %s/%s: %w", d.path, name, err)
	}
	if unix.Fstatat(d.fd, name, &there, unix.AT_SYMLINK_NOFOLLOW) != nil || !sameFile(&mine, &there) {
		return fd, true, nil
	}
	if locks.held == nil {
		locks.held = map[fileID][]int{}
	}
	locks.held[idOf(&mine)] = []int{fd}
	return fd, false, nil
}

// unlock lets go of the lock and closes it.
func unlock(fd int) {
	locks.Lock()
	defer locks.Unlock()
	for id, fds := range locks.held {
		if fds[0] == fd {
			delete(locks.held, id)
			for _, d := range fds {
				unix.Close(d)
			}
			return
		}
	}
}
