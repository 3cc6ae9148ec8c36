package namespace

import (
	"errors"
	"fmt"
	"path/filepath"
	"sync"

	"golang.org/x/sys/unix"
)

// Listener is a listening socket that has a name. It owns the socket, the
// name's lock and a descriptor of the directory. FD, Name and Path are fixed
// from the start and may be called from any goroutine.
type Listener struct {
	name Name
	path string
	fd   int         // the socket; listening, non-blocking
	node unix.Stat_t // the socket's inode, which fd keeps alive
	base string      // its name in dir
	dir  *dir
	lock int

	mu     sync.Mutex // makes Close happen once
	closed bool       // guarded by mu
}

// Listen takes the name n and returns a socket that listens on it: AF_UNIX,
// SOCK_SEQPACKET, non-blocking, close-on-exec. Directories of the name that are
// missing under the root are made, with the mode of the one they stand in but
// never with other writers.
//
// A name whose server died is taken over. One that a live server has, in this
// process or another, is ErrInUse, and so is one that another Listen is just
// taking, and one that something else than a socket stands in the way of.
//
// Nobody can connect before Listen is done, and nobody at any time whom o.Mode
// does not admit, whatever the umask is.
func Listen(n Name, o Options) (*Listener, error) {
	if n.path == "" {
		return nil, fmt.Errorf("listening: %w: the zero Name", ErrInvalidName)
	}
	l, err := listen(n, o)
	if err != nil {
		return nil, fmt.Errorf("listening on %s: %w", n.label(), err)
	}
	return l, nil
}

// listen keeps the order of steps: each makes the next one safe.
func listen(n Name, o Options) (l *Listener, err error) {
	l = &Listener{name: n, fd: -1, lock: -1}
	defer func() {
		if err != nil {
			l.release()
			l = nil
		}
	}()

	// 1. A directory that only the caller or root can change.
	if err := l.openDir(o.Root); err != nil {
		return l, err
	}
	l.path = filepath.Join(l.dir.path, l.base)
	failpoint("directory")

	// 2. The lock, so that from here on nobody else takes this name.
	if l.lock, err = l.dir.lock(l.base); err != nil {
		return l, err
	}
	failpoint("locked")

	// 3. What has the name now must be dead.
	if err := l.dir.free(l.base); err != nil {
		return l, err
	}
	failpoint("probed")

	// 4. A socket that only the owner can connect to, under a private name.
	hidden := newFile(l.base)
	if err := l.bind(hidden, o.Backlog); err != nil {
		return l, err
	}
	// 5. The mode that was asked for, then the name, in one step with the end
	// of the stale one.
	if err := l.publish(hidden, o); err != nil {
		_ = unix.Unlinkat(l.dir.fd, hidden, 0)
		return l, err
	}
	failpoint("named")
	return l, nil
}

// openDir opens the directory that the name stands in, and makes what is missing
// below the root.
func (l *Listener) openDir(root string) (err error) {
	if root == "" {
		if root, err = rootFor(l.name); err != nil {
			return err
		}
	}
	if l.dir, err = openRoot(root); err != nil {
		return err
	}
	var dirs []string
	dirs, l.base = l.name.components()
	for _, name := range dirs {
		c, err := l.dir.child(name, true)
		if errors.Is(err, unix.ENOENT) {
			if err := makeDir(l.dir.fd, name, l.dir.perm&^0o022); err != nil {
				return fmt.Errorf("making directory %s/%s: %w", l.dir.path, name, err)
			}
			c, err = l.dir.child(name, true)
		}
		if errors.Is(err, unix.ENOTDIR) {
			return fmt.Errorf("%w: %w", ErrInUse, err) // by a port
		}
		if err != nil {
			return err
		}
		l.dir.close()
		l.dir = c
	}
	return nil
}

func (l *Listener) bind(hidden string, backlog int) error {
	var err error
	l.fd, err = unix.Socket(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		l.fd = -1
		return fmt.Errorf("making socket: %w", err)
	}
	// bind(2) gives the inode the mode of the socket less the umask (unix(7)),
	// so there is no moment at which others could connect.
	if err := unix.Fchmod(l.fd, 0o600); err != nil {
		return fmt.Errorf("making socket private: %w", err)
	}
	if err := unix.Unlinkat(l.dir.fd, hidden, 0); err != nil && err != unix.ENOENT {
		return fmt.Errorf("removing %s/%s: %w", l.dir.path, hidden, permission(err))
	}
	if err := unix.Bind(l.fd, &unix.SockaddrUnix{Name: proc(l.dir.fd) + "/" + hidden}); err != nil {
		return fmt.Errorf("binding socket %s/%s: %w", l.dir.path, hidden, permission(err))
	}
	failpoint("bound")
	if backlog <= 0 {
		backlog = defaultBacklog
	}
	if err := unix.Listen(l.fd, backlog); err != nil {
		_ = unix.Unlinkat(l.dir.fd, hidden, 0)
		return fmt.Errorf("listening: %w", err)
	}
	failpoint("listening")
	return nil
}

func (l *Listener) publish(hidden string, o Options) error {
	mode := o.Mode.Perm() | defaultMode
	node, err := openat(l.dir.fd, hidden, unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("opening socket %s/%s: %w", l.dir.path, hidden, permission(err))
	}
	defer unix.Close(node)
	if err := unix.Fstat(node, &l.node); err != nil {
		return fmt.Errorf("reading socket %s/%s: %w", l.dir.path, hidden, err)
	}
	failpoint("opened")
	if err := unix.Chmod(proc(node), uint32(mode)); err != nil {
		return fmt.Errorf("setting mode of socket %s/%s: %w", l.dir.path, hidden, permission(err))
	}
	if err := unix.Renameat(l.dir.fd, hidden, l.dir.fd, l.base); err != nil {
		return fmt.Errorf("naming socket %s: %w", l.path, permission(err))
	}
	return nil
}

// FD returns the listening socket. It stays the Listener's: accept on it and
// poll it, but do not close it, and stop using it before Close.
func (l *Listener) FD() int { return l.fd }

// Name returns the name in the spelling that Listen was given.
func (l *Listener) Name() Name { return l.name }

// Path returns the socket's path.
func (l *Listener) Path() string { return l.path }

// Close gives the name up and closes the socket: whoever waits in its backlog
// gets a hang-up. Connections that were accepted live on. It removes the name
// only if it is still this socket's, and leaves the lock file, which another
// process may have open. Close is idempotent.
func (l *Listener) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil
	}
	l.closed = true
	defer l.release()

	// The socket is open, so its inode's number can be no other file's.
	var there unix.Stat_t
	err := unix.Fstatat(l.dir.fd, l.base, &there, unix.AT_SYMLINK_NOFOLLOW)
	if err == nil && sameFile(&there, &l.node) {
		err = unix.Unlinkat(l.dir.fd, l.base, 0)
	}
	if err != nil && err != unix.ENOENT {
		return fmt.Errorf("closing %s: removing socket %s: %w", l.name.label(), l.path, permission(err))
	}
	return nil
}

// release closes what there is, the lock last.
func (l *Listener) release() {
	if l.fd >= 0 {
		unix.Close(l.fd)
	}
	if l.lock >= 0 {
		unlock(l.lock)
	}
	if l.dir != nil {
		l.dir.close()
	}
}
