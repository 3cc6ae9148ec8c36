package link

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/seed-eedd8485/lpc/internal/proctest"
)

func TestMain(m *testing.M) {
	proctest.Run(map[string]func() error{"forks": forks})
	os.Exit(m.Run())
}

// forks is a process that connects, says so, and makes a child that has its socket.
func forks() error {
	Forks = true
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return err
	}
	if err := unix.Connect(fd, &unix.SockaddrUnix{Name: os.Getenv("SOCKET")}); err != nil {
		return err
	}
	l, err := New(fd)
	if err != nil {
		return err
	}
	for n := range uint32(3) {
		if err := l.Send(&Frame{Kind: Connect, Flags: FlagServes, Number: n}, -1); err != nil {
			return err
		}
	}
	child, err := proctest.Fork()
	if err != nil {
		return err
	}
	fmt.Println(child)
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

// The end of a process that forks is the end of the socket, though a child holds it, and
// what it had sent is read; whether it is watched before that or behind it.
func TestForkedPeer(t *testing.T) {
	path := t.TempDir() + "/s"
	ear, err := unix.Socket(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(ear)
	if err := unix.Bind(ear, &unix.SockaddrUnix{Name: path}); err != nil {
		t.Fatal(err)
	}
	if err := unix.Listen(ear, 1); err != nil {
		t.Fatal(err)
	}
	for _, late := range []bool{false, true} {
		peer := proctest.Start(t, proctest.Command("forks", "SOCKET="+path))
		child, err := strconv.Atoi(peer.Line(t))
		if err != nil {
			t.Fatal(err)
		}
		fd, _, err := unix.Accept4(ear, unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK)
		if err != nil {
			t.Fatal(err)
		}
		l, err := New(fd)
		if err != nil {
			t.Fatal(err)
		}
		ready := make(chan struct{}, 1)
		if late {
			peer.Kill()
		}
		if err := l.Start(func() {
			select {
			case ready <- struct{}{}:
			default:
			}
		}); err != nil {
			t.Fatal(err)
		}
		want := 4 // a look that finds the end, behind three frames
		if !late {
			want = 3
		}
		got, _, err := receive(t, l, ready, 0, want)
		if !late {
			if err != nil || len(got) != 3 {
				t.Fatalf("%d frames, %v; want 3", len(got), err)
			}
			peer.Kill()
			_, _, err = receive(t, l, ready, 0, 1)
		}
		if len(got) != 3 || got[2].Number != 2 || got[0].Flags != FlagServes|FlagForks || !errors.Is(err, io.EOF) {
			t.Errorf("late: %v: %+v, %v; want three frames and the end", late, got, err)
		}
		if err := unix.Kill(child, unix.SIGKILL); err != nil {
			t.Errorf("the child had ended, so nothing was shown: %v", err)
		}
		l.Close()
	}
}
