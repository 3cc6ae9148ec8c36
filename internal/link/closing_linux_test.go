package link

import (
	"errors"
	"os"
	"runtime"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/seed-eedd8485/lpc/internal/proctest"
)

// patience is for what must end though a peer would have it wait.
const patience = 30 * time.Second

// within fails if f does not return.
func within(t *testing.T, what string, f func()) {
	t.Helper()
	done := make(chan struct{})
	go func() { defer close(done); f() }()
	select {
	case <-done:
	case <-time.After(patience):
		t.Fatalf("%s has not ended after %v", what, patience)
	}
}

// raw is a link and its peer's socket.
func raw(t *testing.T) (*Link, int) {
	t.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	l, err := New(fds[0])
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
	t.Cleanup(func() { _ = unix.Close(fds[1]) })
	return l, fds[1]
}

func give(t *testing.T, peer int, b []byte, fds ...int) {
	t.Helper()
	if err := unix.Sendmsg(peer, b, unix.UnixRights(fds...), nil, 0); err != nil {
		t.Fatal(err)
	}
}

// unclosed waits until so many descriptors of this user wait.
func unclosed(t *testing.T, want int) {
	t.Helper()
	within(t, "the closing", func() {
		for Unclosed(uint32(os.Getuid())) != want {
			runtime.Gosched()
		}
	})
}

// TestCloseDoesNotWait: a link is closed, or a packet rejected, with a descriptor whose close
// waits. The caller does not; the user pays until it is closed.
func TestCloseDoesNotWait(t *testing.T) {
	if !proctest.WithoutPreemption(t) {
		return
	}
	for _, c := range []struct {
		name string
		end  func(l *Link)
		send func(peer, fd int)
	}{
		{"unread", (*Link).Close, func(peer, fd int) { give(t, peer, []byte{0}, fd) }},
		{"unread, behind an empty packet", (*Link).Close, func(peer, fd int) {
			_ = unix.Sendmsg(peer, nil, nil, nil, 0)
			give(t, peer, nil, fd)
		}},
		{"rejected", receiveAll, func(peer, fd int) { give(t, peer, make([]byte, 77), fd) }},
		{"one of many", receiveAll, func(peer, fd int) { give(t, peer, make([]byte, 77), 0, 1, 2, 0, 1, fd) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			l, peer := raw(t)
			fd, release := proctest.Lingerer(t) // which a test that fails lets go before it closes the link
			c.send(peer, fd)
			_ = unix.Close(fd) // the last one is in the packet
			within(t, "it", func() { c.end(l) })
			unclosed(t, 1)
			release()
			unclosed(t, 0)
		})
	}
}

func receiveAll(l *Link) {
	_ = l.Receive(func() {}, func(_ *Frame, fd int) error { l.Discard(fd); return nil })
}

// TestCloseAtOnce: a link whose socket holds nothing that waits is closed when Close returns:
// what programs and tests count is right.
func TestCloseAtOnce(t *testing.T) {
	l, peer := raw(t)
	if err := l.WantCredentials(); err != nil {
		t.Fatal(err)
	}
	for range 10 {
		if err := unix.Sendmsg(peer, []byte{0}, nil, nil, 0); err != nil {
			t.Fatal(err)
		}
	}
	fd := l.fd
	l.Close()
	if _, err := os.Readlink("/proc/self/fd/" + strconv.Itoa(fd)); err == nil {
		t.Error("the socket is open")
	}
	if n := Unclosed(uint32(os.Getuid())); n != 0 {
		t.Errorf("%d descriptors wait to be closed", n)
	}
}

// TestUnclosedLimit: from a user with too many descriptors that wait, nothing more with one
// is received; what comes without one is, and another user's is closed meanwhile.
func TestUnclosedLimit(t *testing.T) {
	if !proctest.WithoutPreemption(t) {
		return
	}
	me, other := uint32(os.Getuid()), uint32(os.Getuid()+1)
	var releases []func()
	for n := range MostUnclosed {
		fd, err := unix.Dup(0)
		if n < threadsPerUID { // these hold the user's threads, and the others wait for one
			_ = unix.Close(fd)
			var release func()
			fd, release = proctest.Lingerer(t)
			releases = append(releases, release)
		} else if err != nil {
			t.Fatal(err)
		}
		Discard(me, fd)
	}
	d, err := unix.Dup(0)
	if err != nil {
		t.Fatal(err)
	}
	Discard(other, d)
	within(t, "closing another user's", func() {
		for Unclosed(other) != 0 {
			runtime.Gosched()
		}
	})
	if n := Unclosed(me); n != MostUnclosed {
		t.Fatalf("%d descriptors wait to be closed, want %d", n, MostUnclosed)
	}

	for _, creds := range []bool{false, true} {
		l, peer := raw(t)
		if creds {
			if err := l.WantCredentials(); err != nil {
				t.Fatal(err)
			}
		}
		bare := (&Frame{Kind: Grow, Value: 1}).append(nil)
		if err := unix.Sendmsg(peer, bare, nil, nil, 0); err != nil {
			t.Fatal(err)
		}
		give(t, peer, bare, 0)
		frames := 0
		err := l.Receive(func() {}, func(_ *Frame, fd int) error {
			frames++
			if fd >= 0 {
				t.Error("a descriptor was received")
			}
			return nil
		})
		if frames != 1 || !errors.Is(err, ErrUnclosed) {
			t.Errorf("credentials: %v: %d frames and then %v; want one and ErrUnclosed", creds, frames, err)
		}
	}
	for _, r := range releases {
		r()
	}
	unclosed(t, 0)
	l, peer := raw(t)
	give(t, peer, (&Frame{Kind: Grow, Value: 1}).append(nil), 0)
	frames := 0
	if err := l.Receive(func() {}, func(_ *Frame, fd int) error { frames++; return unix.Close(fd) }); err != nil || frames != 1 {
		t.Errorf("afterwards: %d frames, %v; want one", frames, err)
	}
}

// TestLateThread: a thread begins when others have closed all there was, and more has come.
func TestLateThread(t *testing.T) {
	if !proctest.WithoutPreemption(t) {
		return
	}
	const uid = 1
	zero, err := unix.Dup(0)
	if err != nil {
		t.Fatal(err)
	}
	o := &owed{n: 1, queue: []int{zero}, threads: 2}
	c := closings{uids: map[uint32]*owed{uid: o}, threads: 2}
	c.total.Store(1)
	c.work(uid, o)
	fd, release := proctest.Lingerer(t)
	c.discard(uid, fd)
	go c.work(uid, o)
	threads := func(n int) {
		within(t, "a thread", func() {
			for over := false; !over; runtime.Gosched() {
				c.mu.Lock()
				over = c.threads == n
				c.mu.Unlock()
			}
		})
	}
	threads(1) // which waits in close
	c.mu.Lock()
	if o := c.uids[uid]; o == nil || o.n != 1 {
		t.Errorf("%+v is counted, want one descriptor", o)
	}
	c.mu.Unlock()
	release()
	threads(0)
	if n := c.total.Load(); n != 0 || len(c.uids) != 0 {
		t.Errorf("%d descriptors and %d users are left", n, len(c.uids))
	}
}

// TestShortage: without a number for a descriptor that comes, this process is short of
// something; the peer did nothing wrong.
func TestShortage(t *testing.T) {
	l, peer := raw(t)
	give(t, peer, (&Frame{Kind: Section}).append(nil), 0)
	release := proctest.NoDescriptors(t)
	err := l.Receive(func() {}, func(*Frame, int) error { t.Error("it was received"); return nil })
	release()
	if !errors.Is(err, ErrShortage) || !errors.Is(err, unix.EMFILE) {
		t.Errorf("%v; want ErrShortage and EMFILE", err)
	}
}
