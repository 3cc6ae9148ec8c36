package robust

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/seed-eedd8485/lpc"
	"github.com/seed-eedd8485/lpc/internal/channel"
	"github.com/seed-eedd8485/lpc/internal/needs"
	"github.com/seed-eedd8485/lpc/namespace"
)

// A rawServer listens like a server and then does as it likes.
type rawServer struct{ l *namespace.Listener }

func rawListen(t testing.TB) *rawServer {
	t.Helper()
	s, err := listenRaw(portName(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.l.Close() })
	return s
}

func listenRaw(name string) (*rawServer, error) {
	n, err := namespace.Parse(name)
	if err != nil {
		return nil, err
	}
	l, err := namespace.Listen(n, namespace.Options{})
	if err != nil {
		return nil, err
	}
	return &rawServer{l}, unix.SetNonblock(l.FD(), false) // Accept waits
}

// accept takes the next client's CONNECT.
func (s *rawServer) accept() (*raw, error) {
	fd, _, err := unix.Accept4(s.l.FD(), unix.SOCK_CLOEXEC)
	if err != nil {
		return nil, err
	}
	r := newRaw(fd)
	r.d = &toClient
	_, fds, err := r.read()
	closeAll(fds)
	return r, err
}

// admit makes a channel and sends it.
func (s *rawServer) admit() (*raw, error) {
	r, err := s.accept()
	if err != nil {
		return nil, err
	}
	m, fd, err := channel.Create(1)
	if err != nil {
		return nil, err
	}
	defer func() { _ = m.Unmap() }()
	defer func() { _ = unix.Close(fd) }()
	if r.mem, err = unix.Mmap(fd, 0, channel.Size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED); err != nil {
		return nil, err
	}
	return r, r.send(with(frame(frameAccept, 1<<30, ""), frameFlags, uint16(1)), fd)
}

const allSeals = unix.F_SEAL_SHRINK | unix.F_SEAL_GROW | unix.F_SEAL_SEAL

// memory is a memfd of a size with seals.
func memory(t testing.TB, flags, size, seals int) int {
	t.Helper()
	fd, err := unix.MemfdCreate("lpc-robust", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING|flags)
	if err == nil {
		err = unix.Ftruncate(fd, int64(size))
	}
	if err == nil && seals != 0 {
		_, err = unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, seals)
	}
	if err != nil {
		needs.Missing(t, "needs a memfd with flags %#x, %d bytes and the seals %#x (memfd_create(2)): %v", flags, size, seals, err)
	}
	t.Cleanup(func() { _ = unix.Close(fd) })
	return fd
}

// A wrongFD is a descriptor that is no section of the agreed size.
type wrongFD struct {
	name string
	make func(t testing.TB, size int) int
	says string
}

var wrongFDs = []wrongFD{
	{"pipe", func(t testing.TB, _ int) int {
		var p [2]int
		if err := unix.Pipe2(p[:], unix.O_CLOEXEC); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { closeAll(p[:]) })
		return p[0]
	}, "reading seals"},
	{"socket", func(t testing.TB, _ int) int {
		fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = unix.Close(fd) })
		return fd
	}, "reading seals"},
	{"regular file", func(t testing.TB, size int) int {
		path := filepath.Join(t.TempDir(), "f")
		if err := os.WriteFile(path, make([]byte, size), 0o600); err != nil {
			t.Fatal(err)
		}
		return opened(t, path, unix.O_RDWR)
	}, "reading seals"},
	{"directory", func(t testing.TB, _ int) int { return opened(t, t.TempDir(), unix.O_RDONLY) }, "reading seals"},
	{"path only", func(t testing.TB, _ int) int { return opened(t, t.TempDir(), unix.O_PATH) }, "reading seals"},
	{"no seals", func(t testing.TB, size int) int { return memory(t, 0, size, 0) }, "seals"},
	{"not sealed against shrinking", func(t testing.TB, size int) int {
		return memory(t, 0, size, unix.F_SEAL_GROW|unix.F_SEAL_SEAL)
	}, "seals"},
	{"seals that can be added to", func(t testing.TB, size int) int {
		return memory(t, 0, size, unix.F_SEAL_GROW|unix.F_SEAL_SHRINK)
	}, "seals"},
	{"sealed against writing", func(t testing.TB, size int) int {
		return memory(t, 0, size, allSeals|unix.F_SEAL_WRITE)
	}, "sealed against writing"},
	{"huge pages", func(t testing.TB, _ int) int { return memory(t, unix.MFD_HUGETLB, 2<<20, allSeals) }, "file system"},
	{"a page too small", func(t testing.TB, size int) int { return memory(t, 0, size-4096, allSeals) }, "agreed were"},
	{"a byte too large", func(t testing.TB, size int) int { return memory(t, 0, size+1, allSeals) }, "agreed were"},
	{"empty", func(t testing.TB, _ int) int { return memory(t, 0, 0, allSeals) }, "agreed were"},
	{"opened for reading", func(t testing.TB, size int) int {
		fd := memory(t, 0, size, allSeals)
		return opened(t, filepath.Join("/proc/self/fd", itoa(fd)), unix.O_RDONLY)
	}, "not opened for reading and writing"},
}

func opened(t testing.TB, path string, flags int) int {
	t.Helper()
	fd, err := unix.Open(path, flags|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Close(fd) })
	return fd
}

// TestHostileServerChannel: a client is sent something else than a channel.
func TestHostileServerChannel(t *testing.T) {
	base := takeCensus()
	for _, w := range wrongFDs {
		t.Run(w.name, func(t *testing.T) {
			fd := w.make(t, channel.Size)
			dialWrong(t, w.says, func(r *raw) error { return r.send(frame(frameAccept, 1<<30, ""), fd) })
		})
	}
	for _, f := range []struct {
		name string
		send func(r *raw) error
		says string
	}{
		{"ACCEPT without a descriptor", func(r *raw) error { return r.send(frame(frameAccept, 1, "")) }, "ACCEPT frame, with descriptor: false"},
		{"two descriptors", func(r *raw) error { return r.send(frame(frameAccept, 1, ""), 0, 1) }, "more than one descriptor"},
		{"REFUSE with a descriptor", func(r *raw) error { return r.send(frame(frameRefuse, 1, ""), 0) }, "REFUSE frame, with descriptor: true"},
		{"garbage", func(r *raw) error { return r.send(make([]byte, 77)) }, "begins with"},
		{"too long", func(r *raw) error { return r.send(make([]byte, 5000)) }, "more than 300 bytes"},
		{"version", func(r *raw) error { return r.send(with(frame(frameAccept, 1, ""), frameVersion, uint16(3))) }, "version 3"},
		{"SECTION", func(r *raw) error { return r.send(frame(frameSection, 1, ""), 0) }, "SECTION frame"},
	} {
		t.Run(f.name, func(t *testing.T) { dialWrong(t, f.says, f.send) })
	}
	base.check(t)
}

// dialWrong dials a server that answers like that.
func dialWrong(t *testing.T, says string, answer func(r *raw) error) {
	s := rawListen(t)
	got := make(chan error, 1)
	go func() {
		c, err := lpc.Dial(context.Background(), portName(t), nil)
		if err == nil {
			_ = c.Close()
		}
		got <- err
	}()
	r, err := s.accept()
	if err == nil {
		defer r.close()
		err = answer(r)
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := receive(t, "Dial", got); !errors.Is(err, lpc.ErrProtocol) || !strings.Contains(err.Error(), says) {
		t.Errorf("Dial gives %v, want ErrProtocol with %q", err, says)
	}
}

// TestServerSaysNothing: Dial and a call end at their deadline.
func TestServerSaysNothing(t *testing.T) {
	base := takeCensus()
	t.Run("dial", func(t *testing.T) {
		s := rawListen(t)
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
		defer cancel()
		if _, err := lpc.Dial(ctx, portName(t), nil); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Dial gives %v, want its deadline", err)
		}
		_ = s
	})
	base.check(t)
}
