package link

import (
	"errors"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// A close(2) waits as long as the peer likes where it is the last one of a file that the
// peer chose: a file system that the peer serves is asked first (fuse(4), FUSE_FLUSH), a
// TCP socket sends what it holds (socket(7), SO_LINGER). The file may be one that was
// received, or one that lies unread in a control socket that is closed. So neither is
// closed by the poller, under a lock or in a program's call, but here: by threads that may
// wait, few for each user, and counted against the user whose process sent it.

const (
	// MostUnclosed is how many descriptors of a user may wait to be closed before nothing
	// more with a descriptor is received from that user, and no connection is made.
	MostUnclosed = 64
	// MostHeld is at how many nobody is accepted at a port where that user waits: who it
	// is, is known only after accept(2), and then a descriptor is spent.
	MostHeld = 1024

	threadsPerUID = 4  // in close(2) at once, for one user
	mostThreads   = 64 // for all; a Go process ends at 10,000
)

// closing is what waits to be closed.
var closing = closings{uids: map[uint32]*owed{}}

// closings has one owed for a user while anything of it waits or a thread works for it.
type closings struct {
	total atomic.Int64 // of all users: read without the lock

	mu      sync.Mutex
	uids    map[uint32]*owed
	threads int
}

// owed is what waits of one user.
type owed struct {
	n       int   // descriptors that are not closed yet
	queue   []int // those of them that no thread has taken
	threads int
}

// Discard closes a descriptor that a process of user uid sent, without waiting for it. The
// caller gives it away.
func Discard(uid uint32, fd int) { closing.discard(uid, fd) }

func (c *closings) discard(uid uint32, fd int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.total.Add(1)
	o := c.uids[uid]
	if o == nil {
		o = &owed{}
		c.uids[uid] = o
	}
	o.n++
	o.queue = append(o.queue, fd)
	if o.threads < threadsPerUID && c.threads < mostThreads {
		o.threads++
		c.threads++
		go c.work(uid, o)
	}
}

// work closes what waits of one user, and then of others that have no thread because there
// were too many.
func (c *closings) work(uid uint32, o *owed) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for o != nil {
		for len(o.queue) > 0 {
			fd := o.queue[0]
			o.queue = o.queue[1:]
			c.mu.Unlock()
			_ = unix.Close(fd) // whatever it returns, the descriptor is gone
			c.mu.Lock()
			o.n--
			c.total.Add(-1)
		}
		o.threads--
		if o.n == 0 && o.threads == 0 { // a thread that has not begun yet still counts here
			delete(c.uids, uid)
		}
		uid, o = c.starved()
	}
	c.threads--
}

// starved is a user whose descriptors wait for a thread; the caller is one now. c.mu is held.
func (c *closings) starved() (uint32, *owed) {
	for uid, o := range c.uids {
		if o.threads == 0 && len(o.queue) > 0 {
			o.threads++
			return uid, o
		}
	}
	return 0, nil
}

// Unclosed is how many descriptors of a user wait to be closed. It is a load where none
// does at all.
func Unclosed(uid uint32) int {
	if closing.total.Load() == 0 {
		return 0
	}
	closing.mu.Lock()
	defer closing.mu.Unlock()
	if o := closing.uids[uid]; o != nil {
		return o.n
	}
	return 0
}

// Held is the largest number of descriptors that wait of one user.
func Held() (most int) {
	if closing.total.Load() < MostHeld {
		return 0
	}
	closing.mu.Lock()
	defer closing.mu.Unlock()
	for _, o := range closing.uids {
		most = max(most, o.n)
	}
	return most
}

// Dispose closes a control socket without waiting for what its peer may have put in it. The
// caller gives it away. Where nothing with a descriptor lies there unread, it is closed when
// Dispose returns; else it counts for the peer's user until it is.
func Dispose(fd int) {
	// Nothing can be sent from here on: what is found now is all there is.
	_ = unix.Shutdown(fd, unix.SHUT_RDWR)
	if riders(fd) {
		Discard(peerUID(fd), fd)
		return
	}
	_ = unix.Close(fd)
}

// peerUID is the user at the other end, as the kernel says; -1, which nobody is, where it
// says nothing.
func peerUID(fd int) uint32 {
	cred, err := unix.GetsockoptUcred(fd, unix.SOL_SOCKET, unix.SO_PEERCRED)
	if err != nil {
		return ^uint32(0)
	}
	return cred.Uid
}

// riders takes off what lies unread in a socket that was shut down, and tells whether a
// packet with descriptors is among it, or more than a socket holds. That is looked at and
// left: to take it would be to receive them. A packet comes with credentials (SO_PASSCRED),
// which tells an empty one from the end; they fill the buffer, so that descriptors do not
// fit and MSG_CTRUNC says that there are some.
func riders(fd int) bool {
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_PASSCRED, 1); err != nil {
		return true
	}
	oob, one := make([]byte, unix.CmsgSpace(unix.SizeofUcred)), [1]byte{}
	for range inARow {
		n, oobn, flags, err := peek(fd, oob)
		switch {
		case errors.Is(err, unix.EAGAIN), err == nil && n == 0 && oobn == 0:
			return false
		case err != nil, flags&unix.MSG_CTRUNC != 0:
			return true
		}
		if _, _, _, _, err := unix.Recvmsg(fd, one[:], oob, unix.MSG_DONTWAIT); err != nil && !errors.Is(err, unix.EINTR) {
			return true
		}
	}
	return true
}

// peek looks at the next packet. It takes no descriptors where oob has no room for them.
func peek(fd int, oob []byte) (n, oobn, flags int, err error) {
	var one [1]byte
	for {
		n, oobn, flags, _, err = unix.Recvmsg(fd, one[:], oob, unix.MSG_PEEK|unix.MSG_DONTWAIT)
		if !errors.Is(err, unix.EINTR) && !errors.Is(err, unix.ECONNRESET) { // see Link.read
			return n, oobn, flags, err
		}
	}
}

// RefuseRights has the kernel refuse packets with descriptors for a socket, or for those
// that will be accepted from a listener: their sender gets EPERM (Linux 6.16; before that
// it does nothing). What lies in a socket already stays.
func RefuseRights(fd int) { _ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_PASSRIGHTS, 0) }
