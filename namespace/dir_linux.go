package namespace

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"
)

// dir is a directory that was checked and is held open, so that what was
// checked is what is used. It belongs to whoever opened it, who closes it.
type dir struct {
	fd    int    // O_PATH
	path  string // for messages, and for Listener.Path and Entry.Path
	owner uint32
	perm  uint32 // permission bits
}

func (d *dir) close() { unix.Close(d.fd) }

// proc returns a path that leads to an open descriptor whatever its own name is
// by now, and however long (proc_pid_fd(5)). It fits in a sun_path.
func proc(fd int) string { return "/proc/self/fd/" + strconv.Itoa(fd) }

// openDirFlags: O_PATH, for a directory may be searched by more people than
// read it; O_NOFOLLOW, for a link is owned apart from what it leads to.
const openDirFlags = unix.O_PATH | unix.O_DIRECTORY | unix.O_NOFOLLOW | unix.O_CLOEXEC

// openRoot opens and checks a root. The directories above it may be anybody's,
// and links: whoever can change them can do no more than lead to another
// directory that belongs to the caller or root and that others cannot write.
func openRoot(path string) (*dir, error) {
	if !filepath.IsAbs(path) {
		return nil, fmt.Errorf("opening root %q: %w: the path is relative, expected an absolute one", path, ErrUntrustedRoot)
	}
	path = filepath.Clean(path)
	d, err := openDir(unix.AT_FDCWD, path, path)
	if errors.Is(err, unix.ENOTDIR) {
		return nil, fmt.Errorf("%w: %w", ErrUntrustedRoot, err)
	}
	if err != nil {
		return nil, err
	}
	if err := d.check(uint32(unix.Geteuid()), 0); err != nil {
		d.close()
		return nil, err
	}
	return d, nil
}

// child opens and checks a directory inside d. With own set it must belong to
// the caller or root, as a root must; without, d's own owner will do too, and
// anybody if d is root's: only root can have put it there.
func (d *dir) child(name string, own bool) (*dir, error) {
	c, err := openDir(d.fd, name, filepath.Join(d.path, name))
	if err != nil {
		return nil, err
	}
	owners := []uint32{uint32(unix.Geteuid()), 0}
	if !own {
		owners = append(owners, d.owner)
		if d.owner == 0 {
			owners = append(owners, c.owner)
		}
	}
	if err := c.check(owners...); err != nil {
		c.close()
		return nil, err
	}
	return c, nil
}

func openDir(at int, name, path string) (*dir, error) {
	fd, err := openat(at, name, openDirFlags, 0)
	if err == unix.ENOTDIR || err == unix.ELOOP {
		var st unix.Stat_t
		if unix.Fstatat(at, name, &st, unix.AT_SYMLINK_NOFOLLOW) == nil && st.Mode&unix.S_IFMT == unix.S_IFLNK {
			return nil, fmt.Errorf("opening directory %s: %w: it is a symbolic link", path, ErrUntrustedRoot)
		}
		return nil, fmt.Errorf("opening directory %s: %w", path, unix.ENOTDIR)
	}
	if err != nil {
		return nil, fmt.Errorf("opening directory %s: %w", path, permission(err))
	}
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("reading owner of directory %s: %w", path, err)
	}
	return &dir{fd: fd, path: path, owner: st.Uid, perm: st.Mode & 0o777}, nil
}

// check is the rule for every directory. With a POSIX ACL the group bits are
// its mask (acl(5)), so that a writer named there shows as well. The sticky bit
// is not looked at: it stops others from renaming a socket, not from making one
// where there is none.
func (d *dir) check(owners ...uint32) error {
	owned := false
	for _, uid := range owners {
		owned = owned || d.owner == uid
	}
	if owned && d.perm&0o022 == 0 {
		return nil
	}
	return fmt.Errorf("checking directory %s: %w: it belongs to uid %d and has mode %04o, expected uid %d (the caller) or 0 as owner and no other writer",
		d.path, ErrUntrustedRoot, d.owner, d.perm, unix.Geteuid())
}

// makeDir makes a directory with exactly the permission bits given, whatever
// the umask. One that exists is left alone, and may be anything: the caller
// opens and checks it.
func makeDir(at int, name string, perm uint32) error {
	if err := unix.Mkdirat(at, name, perm); err == unix.EEXIST {
		return nil
	} else if err != nil {
		return permission(err)
	}
	d, err := openDir(at, name, name)
	if err != nil {
		return err
	}
	defer d.close()
	if d.perm == perm || d.owner != uint32(unix.Geteuid()) {
		return nil
	}
	return unix.Chmod(proc(d.fd), perm)
}

// openat is openat(2), made again when a signal interrupts it.
func openat(at int, name string, flags int, perm uint32) (int, error) {
	for {
		fd, err := unix.Openat(at, name, flags, perm)
		if err != unix.EINTR {
			return fd, err
		}
	}
}

// permission makes the kernel's refusals ErrPermission, and keeps them.
func permission(err error) error {
	if errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("%w: %w", ErrPermission, err)
	}
	return err
}
