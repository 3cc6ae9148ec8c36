package link

import (
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// A Link is one end of a control socket. Bell, Send and Receive may be called
// concurrently, also with Close.
type Link struct {
	mu     sync.RWMutex // held for reading over each use of fd, for writing to close it
	fd     int          // -1 once closed
	uid    uint32       // of the peer: what it sends is closed at its expense
	recv   sync.Mutex   // one receiver at a time: frames keep their order
	poller *Poller
	src    *Source
	creds  atomic.Bool // packets come with credentials

	process int     // pidfd of the peer, -1: not watched
	death   *Source // it, under the poller
}

// New makes a link of a connected non-blocking socket and owns it from then on,
// also when it fails.
func New(fd int) (*Link, error) {
	p, err := Default()
	if err != nil {
		Dispose(fd)
		return nil, err
	}
	return &Link{fd: fd, uid: peerUID(fd), poller: p, process: -1}, nil
}

// Discard closes a descriptor that came from the peer and is not, or not known to be, what
// it should be; see there. Others are closed with close(2).
func (l *Link) Discard(fd int) { Discard(l.uid, fd) }

// Start has ready called on the poller's goroutine at every edge of readability;
// what came before is one. Called again, it only puts another function in place;
// the one before may still be running.
func (l *Link) Start(ready func()) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.fd < 0:
		return io.ErrClosedPipe
	case l.src != nil:
		l.src.f.Store(&ready)
		return nil
	}
	src, err := l.poller.Add(l.fd, ready)
	l.src = src
	return err
}

// Bell rings the peer's doorbell. It never blocks; a socket that is full holds
// bells enough to wake the peer.
func (l *Link) Bell() {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if l.fd >= 0 {
		_ = unix.Send(l.fd, bell, unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL)
	}
}

// Send sends a frame, with at most one descriptor (-1: none), which stays the
// caller's. It does not block: a peer that lets its socket fill up has ended.
func (l *Link) Send(f *Frame, fd int) error {
	if len(f.Text) > maxText {
		return fmt.Errorf("text of %d bytes in a %s frame, at most %d", len(f.Text), f.Kind, maxText)
	}
	b := f.append(make([]byte, 0, headSize+len(f.Text)))
	if Forks && (f.Kind == Connect || f.Kind == Accept) {
		b[flagsAt] |= FlagForks
	}
	var oob []byte
	if fd >= 0 {
		oob = unix.UnixRights(fd)
	}
	return l.send(f.Kind, b, oob)
}

// SendCredentials sends a frame with the ids of the calling thread, which the kernel
// checks.
func (l *Link) SendCredentials(f *Frame) error {
	cred := unix.Ucred{Pid: int32(unix.Getpid()), Uid: uint32(unix.Geteuid()), Gid: uint32(unix.Getegid())}
	return l.send(f.Kind, f.append(nil), unix.UnixCredentials(&cred))
}

// WantCredentials has the kernel tell with each packet who sent it, from now on.
func (l *Link) WantCredentials() error {
	return l.Use(func(fd int) error {
		if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_PASSCRED, 1); err != nil {
			return fmt.Errorf("asking for credentials (SO_PASSCRED): %w", err)
		}
		l.creds.Store(true)
		return nil
	})
}

func (l *Link) send(kind Kind, b, oob []byte) error {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if l.fd < 0 {
		return io.ErrClosedPipe
	}
	if err := unix.Sendmsg(l.fd, b, oob, nil, unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL); err != nil {
		return fmt.Errorf("sending a %s frame: %w", kind, err)
	}
	return nil
}

var bell = []byte{0}

// errAgain: nothing to read now.
var errAgain = errors.New("nothing to read")

// Receive reads what has come, until the socket is empty: it calls bell for
// doorbells (once for a row of them) and frame for each frame, with its descriptor
// or -1; the descriptor is then frame's. Frame.Text is valid during the call. It
// returns nil when the socket is empty, io.EOF when the peer is gone, or what was
// wrong. Only one goroutine reads at a time; another waits.
func (l *Link) Receive(bell func(), frame func(*Frame, int) error) error {
	l.recv.Lock()
	defer l.recv.Unlock()
	var buf [MaxFrame + 1]byte
	rang := false
	defer func() {
		if rang {
			bell()
		}
	}()
	for range inARow {
		n, fd, cred, err := l.read(buf[:])
		switch {
		case errors.Is(err, errAgain):
			return nil
		case err != nil:
			return err
		case n == 1 && fd < 0:
			rang = true
			continue
		}
		f, err := parse(buf[:n])
		f.Cred = cred
		if f.Flags&FlagForks != 0 && (f.Kind == Connect || f.Kind == Accept) {
			_ = l.Watch() // without a descriptor to spare the hang-up must do
		}
		if err == nil {
			err = frame(&f, fd)
		} else if fd >= 0 {
			l.Discard(fd)
		}
		if err != nil {
			return err
		}
	}
	l.mu.RLock()
	defer l.mu.RUnlock()
	if l.fd >= 0 && l.src != nil {
		l.poller.Again(l.src)
	}
	return nil
}

// inARow packets are read from one socket before the others have their turn: more
// than a socket holds (some 280, unix(7) and SO_SNDBUF), so only a peer that sends
// faster than it is read comes to it.
const inARow = 512

// What of this process, and not of the peer's, keeps a packet from being received.
var (
	// ErrShortage: this process could take no descriptor.
	ErrShortage = errors.New("no descriptor is left in this process")
	// ErrUnclosed: the user has [MostUnclosed] descriptors here that cannot be closed.
	ErrUnclosed = errors.New("descriptors of the user wait to be closed here")
)

// mostRights is the most descriptors that one packet can carry: SCM_MAX_FD (unix(7)).
const mostRights = 253

// read reads one packet. More than one descriptor, or one cut off, is an error.
//
// There is room for all descriptors that a packet can have. Those without room would be
// closed in the call, by the poller; these are discarded like others. What is cut off all
// the same, is because this process has no number left for it (EMFILE).
func (l *Link) read(buf []byte) (n, fd int, cred *Credentials, err error) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if l.fd < 0 {
		return 0, -1, nil, io.EOF
	}
	if err := l.mayReceive(); err != nil {
		return 0, -1, nil, err
	}
	space := unix.CmsgSpace(4 * mostRights)
	if l.creds.Load() {
		space += unix.CmsgSpace(unix.SizeofUcred)
	}
	room := controls.Get().(*controlBuffer)
	defer controls.Put(room)
	oob := room[:space]
	var flags, oobn int
	for {
		n, oobn, flags, _, err = unix.Recvmsg(l.fd, buf, oob, unix.MSG_DONTWAIT|unix.MSG_CMSG_CLOEXEC)
		// A peer that closed with unread bells of ours leaves ECONNRESET in front of
		// what it sent; reading it clears it (unix(7), socket(7) SO_ERROR).
		if !errors.Is(err, unix.EINTR) && !errors.Is(err, unix.ECONNRESET) {
			break
		}
	}
	switch {
	case errors.Is(err, unix.EAGAIN):
		return 0, -1, nil, errAgain
	case err == nil && n == 0 && oobn == 0 && flags&(unix.MSG_TRUNC|unix.MSG_CTRUNC) == 0:
		return 0, -1, nil, io.EOF
	case err != nil:
		return 0, -1, nil, fmt.Errorf("reading the control socket: %w", err)
	}
	fds, cred := rights(oob[:oobn])
	if flags&(unix.MSG_CTRUNC|unix.MSG_TRUNC) == 0 && len(fds) <= 1 {
		if len(fds) == 1 {
			return n, fds[0], cred, nil
		}
		return n, -1, cred, nil
	}
	for _, d := range fds {
		l.Discard(d)
	}
	if flags&unix.MSG_TRUNC == 0 && flags&unix.MSG_CTRUNC != 0 {
		return 0, -1, nil, fmt.Errorf("receiving a descriptor: %w: %w", ErrShortage, unix.EMFILE)
	}
	return 0, -1, nil, fmt.Errorf("packet of more than %d bytes, or with more than one descriptor", MaxFrame)
}

// A controlBuffer has room for the descriptors of any packet, and its sender's credentials.
type controlBuffer [2048]byte

var controls = sync.Pool{New: func() any { return new(controlBuffer) }}

// mayReceive refuses a packet with descriptors, before they are received, of a user that has
// too many here already. l.mu is held.
func (l *Link) mayReceive() error {
	if Unclosed(l.uid) < MostUnclosed {
		return nil
	}
	var oob []byte
	if l.creds.Load() {
		oob = make([]byte, unix.CmsgSpace(unix.SizeofUcred)) // see riders
	}
	if _, _, flags, err := peek(l.fd, oob); err != nil || flags&unix.MSG_CTRUNC == 0 {
		return nil // and what it is, the reading tells
	}
	return fmt.Errorf("%w, %d or more", ErrUnclosed, MostUnclosed)
}

func rights(oob []byte) (fds []int, cred *Credentials) {
	msgs, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return nil, nil
	}
	for i := range msgs {
		if d, err := unix.ParseUnixRights(&msgs[i]); err == nil {
			fds = append(fds, d...)
		} else if c, err := unix.ParseUnixCredentials(&msgs[i]); err == nil {
			cred = &Credentials{int(c.Pid), c.Uid, c.Gid}
		}
	}
	return fds, cred
}

// Use calls f with the descriptor, which stays open over the call.
func (l *Link) Use(f func(fd int) error) error {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if l.fd < 0 {
		return io.ErrClosedPipe
	}
	return f(l.fd)
}

// Close closes the socket: the peer reads its end. It may be called more than once. It does
// not wait for what the peer put in the socket: see Dispose.
func (l *Link) Close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.fd < 0 {
		return
	}
	if l.src != nil {
		l.poller.Remove(l.src)
	}
	l.unwatch()
	Dispose(l.fd)
	l.fd = -1
}
