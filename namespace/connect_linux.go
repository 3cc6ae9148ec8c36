package namespace

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/seed-eedd8485/lpc/security"
)

// What a single try to connect can come to, apart from the exported errors.
var (
	errAbsent  = errors.New("nothing of that name")
	errForeign = errors.New("what is there is no port")
	errStale   = fmt.Errorf("%w: stale: its server died", ErrNotFound)
	errBacklog = errors.New("its backlog of connections is full")
)

// Connect connects to the port n: in the first of [SearchRoots] that has it
// alive. The descriptor is a SOCK_SEQPACKET socket, non-blocking and
// close-on-exec, and the caller's to close.
//
// Nothing of it waits but for a port with a full backlog: that is tried again
// until ctx ends, whose error is then returned, wrapped. A name whose server died
// is ErrNotFound like one that was never taken; the text tells them apart. A
// root that cannot be trusted is passed over, and is the error only if no other
// root has the name.
func Connect(ctx context.Context, n Name) (fd int, err error) {
	if n.path == "" {
		return -1, fmt.Errorf("connecting: %w: the zero Name", ErrInvalidName)
	}
	roots := SearchRoots()
	var why error // the first thing worth telling about a root without the port
	for _, root := range roots {
		fd, err := connectIn(ctx, root, n)
		switch {
		case err == nil:
			return fd, nil
		case errors.Is(err, errAbsent):
		case errors.Is(err, errStale), errors.Is(err, ErrUntrustedRoot):
			if why == nil {
				why = err
			}
		default:
			return -1, fmt.Errorf("connecting to %s: %w", n.label(), err)
		}
	}
	if why == nil {
		why = fmt.Errorf("%w (looked in %s)", ErrNotFound, strings.Join(roots, " and "))
	}
	return -1, fmt.Errorf("connecting to %s: %w", n.label(), why)
}

// connectIn returns errAbsent if the root has nothing of that name.
func connectIn(ctx context.Context, root string, n Name) (int, error) {
	d, err := openRoot(root)
	dirs, base := n.components()
	for _, name := range dirs {
		if err != nil {
			break
		}
		var c *dir
		c, err = d.child(name, false)
		d.close()
		d = c
	}
	if errors.Is(err, ErrUntrustedRoot) {
		return -1, err
	}
	if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ENOTDIR) {
		return -1, errAbsent
	}
	if err != nil {
		return -1, err
	}
	defer d.close()

	var full error // what the last try came to
	for wait := time.Millisecond; ; wait = min(2*wait, 50*time.Millisecond) {
		if err := ctx.Err(); err != nil {
			if full != nil {
				err = fmt.Errorf("%w: %w", full, err)
			}
			return -1, err
		}
		c, err := d.connect(base)
		if err == nil {
			unix.Close(c.node)
			return c.fd, nil
		}
		if errors.Is(err, unix.ENOENT) {
			return -1, errAbsent
		}
		if errors.Is(err, errForeign) {
			return -1, fmt.Errorf("%w: %w", ErrNotFound, err)
		}
		if !errors.Is(err, errBacklog) {
			return -1, err
		}
		full = err
		// The kernel tells nobody when a place becomes free (connect(2), EAGAIN
		// on a non-blocking AF_UNIX socket), so there is only asking again, each
		// at another moment so that many callers do not come at once.
		timer := time.NewTimer(wait/2 + rand.N(wait))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
		}
	}
}

// connection is a socket connected to a name, and the name's inode.
type connection struct {
	fd   int // the socket; -1 after an error
	node int // the socket's inode, O_PATH; kept open so that its number stays its own
	st   unix.Stat_t
}

func (c *connection) close() {
	if c.fd >= 0 {
		unix.Close(c.fd)
	}
	unix.Close(c.node)
}

// connect makes one connection to base in d. Its errors wrap ENOENT (nothing
// there), errStale, errBacklog, errForeign, ErrPermission, or are of another
// kind.
//
// ECONNREFUSED says that the inode has no listener. If another inode has the
// name by now, a server has just started: it is tried in turn. Each turn needs
// one more server that started and died, so there is no end to be set.
func (d *dir) connect(base string) (*connection, error) {
	c, err := d.connectOnce(base)
	for err != nil && errors.Is(err, errStale) {
		failpoint("refused")
		next, again := d.connectOnce(base)
		if next == nil {
			c.close()
			return nil, again
		}
		same := sameFile(&c.st, &next.st)
		c.close()
		c, err = next, again
		if same {
			break
		}
	}
	if err != nil && c != nil {
		c.close()
		c = nil
	}
	return c, err
}

// connectOnce returns a connection without a socket beside an error, if there
// is an inode at all.
func (d *dir) connectOnce(base string) (*connection, error) {
	c := &connection{fd: -1}
	path := filepath.Join(d.path, base)
	var err error
	// The socket is reached through a descriptor of its inode: the path fits in
	// a sun_path however long the name is, and what is checked is what is used.
	if c.node, err = openat(d.fd, base, unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0); err != nil {
		return nil, fmt.Errorf("opening %s: %w", path, permission(err))
	}
	if err := unix.Fstat(c.node, &c.st); err != nil {
		c.close()
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	if c.st.Mode&unix.S_IFMT != unix.S_IFSOCK {
		// connect(2) would say ECONNREFUSED, and it would look like a stale name.
		return c, fmt.Errorf("%w: %s has mode %#o and is no socket", errForeign, path, c.st.Mode)
	}
	c.fd, err = unix.Socket(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		c.fd = -1
		return c, fmt.Errorf("making socket: %w", err)
	}
	for {
		err = unix.Connect(c.fd, &unix.SockaddrUnix{Name: proc(c.node)})
		if err != unix.EINTR {
			break
		}
	}
	if err == nil && security.PeerEnded(c.fd) {
		err = unix.ECONNREFUSED // who has the socket now is a child of the server, which does not accept
	}
	switch err {
	case nil:
		return c, nil
	case unix.ECONNREFUSED:
		err = fmt.Errorf("%w (socket %s)", errStale, path)
	case unix.EAGAIN:
		err = fmt.Errorf("%w (socket %s)", errBacklog, path)
	case unix.EPROTOTYPE:
		err = fmt.Errorf("%w: the socket %s is not of type SOCK_SEQPACKET", errForeign, path)
	default:
		err = fmt.Errorf("connecting to socket %s: %w", path, permission(err))
	}
	unix.Close(c.fd)
	c.fd = -1
	return c, err
}
