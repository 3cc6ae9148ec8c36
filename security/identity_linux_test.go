package security

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/seed-eedd8485/lpc/internal/needs"
)

func TestFromSocketPair(t *testing.T) {
	a, b := pair(t)
	for _, fd := range []int{a, b} {
		id, err := FromSocket(fd)
		if err != nil {
			t.Fatal(err)
		}
		if id.PID != os.Getpid() || !id.Is(uint32(os.Geteuid())) || id.GID != uint32(os.Getegid()) {
			t.Errorf("got %v, want pid %d uid %d gid %d", id, os.Getpid(), os.Geteuid(), os.Getegid())
		}
		want, err := os.Getgroups()
		if err != nil {
			t.Fatal(err)
		}
		if got := sortedGroups(id.Groups); fmt.Sprint(got) != fmt.Sprint(sortedInts(want)) {
			t.Errorf("groups: got %v, want %v", got, want)
		}
	}
}

func TestFromSocketOtherUser(t *testing.T) {
	needs.Root(t, "to start processes as other users")
	few := []uint32{65533, 7}
	many := make([]uint32, 200) // more than the first try has room for
	for i := range many {
		many[i] = uint32(100000 + i) // every second byte or so is zero
	}
	for name, groups := range map[string][]uint32{"none": nil, "two": few, "two hundred": many} {
		t.Run(name, func(t *testing.T) {
			fd, child := connectFrom(t, &syscall.Credential{Uid: 65534, Gid: 65533, Groups: groups})
			id, err := FromSocket(fd)
			if err != nil {
				t.Fatal(err)
			}
			if id.PID != child.Process.Pid || id.UID != 65534 || id.GID != 65533 {
				t.Errorf("got %v, want pid %d uid 65534 gid 65533", id, child.Process.Pid)
			}
			if got, want := sortedGroups(id.Groups), sortedGroups(groups); !slices.Equal(got, want) {
				t.Errorf("groups: got %v, want %v", got, want)
			}
		})
	}
}

// The connecting end sees who listens, also before anybody accepted.
func TestFromSocketSeesListener(t *testing.T) {
	_, path := listen(t)
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	if err := unix.Connect(fd, &unix.SockaddrUnix{Name: path}); err != nil {
		t.Fatal(err)
	}
	id, err := FromSocket(fd)
	if err != nil {
		t.Fatal(err)
	}
	if id.PID != os.Getpid() {
		t.Errorf("got %v, want the listener, pid %d", id, os.Getpid())
	}
}

func TestNoPeer(t *testing.T) {
	lone, err := unix.Socket(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(lone)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()

	for name, fd := range map[string]int{"never connected": lone, "TCP": tcp(t), "pipe": int(r.Fd())} {
		if id, err := FromSocket(fd); !errors.Is(err, ErrNoPeer) {
			t.Errorf("%s: FromSocket: got %v and error %v, want ErrNoPeer", name, id, err)
		}
		if pidfd, err := PeerPIDFD(fd); !errors.Is(err, ErrNoPeer) {
			t.Errorf("%s: PeerPIDFD: got %d and error %v, want ErrNoPeer", name, pidfd, err)
		}
	}
	if id, err := FromSocket(-1); !errors.Is(err, unix.EBADF) {
		t.Errorf("descriptor -1: got %v and error %v, want EBADF", id, err)
	}
}

func TestPeerPIDFD(t *testing.T) {
	fd, child := connectFrom(t, nil)
	pidfd := peerPIDFD(t, fd)
	if flags, err := unix.FcntlInt(uintptr(pidfd), unix.F_GETFD, 0); err != nil || flags&unix.FD_CLOEXEC == 0 {
		t.Errorf("descriptor flags %#x and error %v, want close-on-exec", flags, err)
	}
	info, err := os.ReadFile(fmt.Sprintf("/proc/self/fdinfo/%d", pidfd))
	if err != nil {
		t.Fatal(err)
	}
	if want := fmt.Sprintf("\nPid:\t%d\n", child.Process.Pid); !strings.Contains(string(info), want) {
		t.Errorf("pidfd names\n%s\nwant %q", info, want)
	}
	// It becomes readable when that process ends, and not before.
	poll := []unix.PollFd{{Fd: int32(pidfd), Events: unix.POLLIN}}
	if n, err := unix.Poll(poll, 0); n != 0 || err != nil {
		t.Errorf("poll of a living peer: got %d and error %v, want 0", n, err)
	}
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	for {
		n, err := unix.Poll(poll, -1)
		if err == unix.EINTR {
			continue
		}
		if n != 1 || err != nil {
			t.Errorf("poll of a dead peer: got %d and error %v, want 1", n, err)
		}
		return
	}
}
