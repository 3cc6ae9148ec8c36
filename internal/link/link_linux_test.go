package link

import (
	"errors"
	"io"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// pair is two links over a socket pair; ready signals come through the channels.
func pair(t *testing.T) (a, b *Link, atA, atB chan struct{}) {
	t.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	open := func(fd int) (*Link, chan struct{}) {
		ch := make(chan struct{}, 1)
		l, err := New(fd)
		if err != nil {
			t.Fatal(err)
		}
		if err := l.Start(func() {
			select {
			case ch <- struct{}{}:
			default:
			}
		}); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(l.Close)
		return l, ch
	}
	a, atA = open(fds[0])
	b, atB = open(fds[1])
	return a, b, atA, atB
}

// drain receives until something other than an empty socket comes, or want bells
// and frames have.
func receive(t *testing.T, l *Link, ready chan struct{}, bells, frames int) (got []Frame, fds []int, err error) {
	t.Helper()
	for bells > 0 || frames > 0 {
		<-ready
		err = l.Receive(func() { bells = 0 }, func(f *Frame, fd int) error {
			c := *f
			c.Text = append([]byte(nil), f.Text...)
			got, fds = append(got, c), append(fds, fd)
			frames--
			return nil
		})
		if err != nil {
			return got, fds, err
		}
	}
	return got, fds, nil
}

func TestBellsAndFrames(t *testing.T) {
	a, b, _, atB := pair(t)
	for range 1000 { // more than the socket holds: no bell blocks
		a.Bell()
	}
	if _, _, err := receive(t, b, atB, 1, 0); err != nil {
		t.Fatal(err)
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	if err := a.Send(&Frame{Kind: Section, Number: 5, Text: []byte("text")}, int(w.Fd())); err != nil {
		t.Fatal(err)
	}
	_ = w.Close()
	got, fds, err := receive(t, b, atB, 0, 1)
	if err != nil || len(got) != 1 || got[0].Number != 5 || string(got[0].Text) != "text" || fds[0] < 0 {
		t.Fatalf("%+v %v %v", got, fds, err)
	}
	if flags, _ := unix.FcntlInt(uintptr(fds[0]), unix.F_GETFD, 0); flags&unix.FD_CLOEXEC == 0 {
		t.Error("a received descriptor is not close-on-exec")
	}
	if _, err := unix.Write(fds[0], []byte("x")); err != nil {
		t.Errorf("writing to the received end of the pipe: %v", err)
	}
	_ = unix.Close(fds[0])
	if err := a.Send(&Frame{Kind: Connect, Text: make([]byte, maxText+1)}, -1); err == nil {
		t.Error("a frame with too long a text was sent")
	}
}

func TestEnd(t *testing.T) {
	a, b, _, atB := pair(t)
	if err := a.Send(&Frame{Kind: Close}, -1); err != nil {
		t.Fatal(err)
	}
	b.Bell() // unread at a: the close resets the connection, and the frame is read all the same
	a.Close()
	a.Close()
	a.Bell()
	if err := a.Send(&Frame{Kind: Close}, -1); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("sending on a closed link: %v", err)
	}
	got, _, err := receive(t, b, atB, 0, 2)
	if len(got) != 1 || got[0].Kind != Close || !errors.Is(err, io.EOF) {
		t.Errorf("%+v, %v; want one CLOSE and the end", got, err)
	}
}

// What no peer that follows the protocol sends ends the reading with a sentence, and
// leaves no descriptor.
func TestGarbage(t *testing.T) {
	for name, send := range map[string]func(fd int) error{
		"two bytes": func(fd int) error { return unix.Send(fd, []byte{1, 2}, 0) },
		"too long":  func(fd int) error { return unix.Send(fd, make([]byte, MaxFrame+1), 0) },
		"not a frame": func(fd int) error {
			return unix.Send(fd, make([]byte, headSize), 0)
		},
		"two descriptors": func(fd int) error {
			b := (&Frame{Kind: Connect}).append(nil)
			return unix.Sendmsg(fd, b, unix.UnixRights(0, 1), nil, 0)
		},
	} {
		t.Run(name, func(t *testing.T) {
			a, b, _, atB := pair(t)
			if err := a.Use(send); err != nil {
				t.Fatal(err)
			}
			got, _, err := receive(t, b, atB, 0, 1)
			if err == nil || errors.Is(err, io.EOF) || len(got) != 0 {
				t.Errorf("%+v, %v; want an error that says what was wrong", got, err)
			}
		})
	}
}

func TestPollerForgetsAClosedSource(t *testing.T) {
	a, b, atA, _ := pair(t)
	for range 100 { // descriptors are used again: an old event must not reach a new source
		c, d, _, atD := pair(t)
		c.Bell()
		if _, _, err := receive(t, d, atD, 1, 0); err != nil {
			t.Fatal(err)
		}
		c.Close()
		d.Close()
	}
	b.Bell()
	if _, _, err := receive(t, a, atA, 1, 0); err != nil {
		t.Fatal(err)
	}
}
