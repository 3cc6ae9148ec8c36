package section

import (
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/seed-eedd8485/lpc/internal/needs"
)

const (
	fuseEnv      = "SECTION_TEST_FUSE"
	fusePatience = time.Minute
)

// TestFUSE is the case that the order of questions in Open exists for: a
// descriptor of a file system that is served by somebody who does not answer.
// It runs in a process with mounts of its own, so that nothing stays behind.
func TestFUSE(t *testing.T) {
	if os.Getenv(fuseEnv) != "" {
		t.Run("open asks nothing", testFUSEOpen)
		t.Run("close waits for nobody", testFUSEClose)
		return
	}
	cmd := exec.Command("/proc/self/exe", "-test.run=^TestFUSE$", "-test.v", "-test.timeout=2m")
	cmd.Env = append(os.Environ(), fuseEnv+"=1", "GORACE=atexit_sleep_ms=0")
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
	out, err := cmd.CombinedOutput()
	if _, ran := err.(*exec.ExitError); err != nil && !ran {
		needs.Missing(t, "needs a mount namespace (unshare(2), CLONE_NEWNS; root has one): %v", err)
	}
	t.Logf("%s", out)
	if err != nil {
		t.Fatal(err)
	}
}

func testFUSEOpen(t *testing.T) {
	srv, fd := serveFUSE(t)
	refuse(t, fd, os.Getpagesize(), ErrNotMemory)
	// Had Open asked anything, it would stand in the server still. A question
	// that is asked now comes after all that were asked before.
	closed := CloseUntrusted(fd)
	if got := <-srv.asked; got != fuseFlush {
		t.Errorf("the server was asked %d, want nothing before the close (%d)", got, fuseFlush)
	}
	close(srv.answer)
	<-closed
}

func testFUSEClose(t *testing.T) {
	srv, fd := serveFUSE(t)
	fds := []int{fd}
	for len(fds) < maxClosers {
		fds = append(fds, srv.open(t))
	}
	var all []<-chan struct{}
	for _, fd := range fds {
		all = append(all, CloseUntrusted(fd)) // returns, though no close does
	}
	for range fds {
		if got := <-srv.asked; got != fuseFlush {
			t.Errorf("the server was asked %d, want %d", got, fuseFlush)
		}
	}
	// All closers are taken: the next waits its turn, and no thread does.
	if got := len(closers); got != maxClosers {
		t.Errorf("%d closers are taken, want %d", got, maxClosers)
	}
	all = append(all, CloseUntrusted(descriptorOf(t)))
	for i, closed := range all {
		select {
		case <-closed:
			t.Errorf("descriptor %d of %d is closed, but the server has not answered", i, len(all))
		default:
		}
	}
	close(srv.answer)
	for _, closed := range all {
		<-closed
	}
}

func descriptorOf(t *testing.T) int {
	t.Helper()
	fd, err := unix.Open("/dev/null", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	return fd
}

// Requests of the protocol (fuse(4), linux/fuse.h).
const (
	fuseLookup  = 1
	fuseForget  = 2
	fuseGetattr = 3
	fuseOpen    = 14
	fuseStatfs  = 17
	fuseRelease = 18
	fuseFlush   = 25
	fuseInit    = 26
	fuseIntr    = 36
)

// fuseServer serves a directory with one file "f". It answers what mounting and
// opening need; all else it reports to asked and answers when answer is closed.
type fuseServer struct {
	fd     int
	dir    string
	asked  chan uint32
	answer chan struct{}
}

// serveFUSE mounts and opens the file.
func serveFUSE(t *testing.T) (*fuseServer, int) {
	t.Helper()
	fd, err := unix.Open("/dev/fuse", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		needs.Missing(t, "needs /dev/fuse (fuse(4)): %v", err)
	}
	s := &fuseServer{fd: fd, dir: t.TempDir(), asked: make(chan uint32, 100), answer: make(chan struct{})}
	options := fmt.Sprintf("fd=%d,rootmode=40000,user_id=%d,group_id=%d", fd, os.Getuid(), os.Getgid())
	if err := unix.Mount("section-test", s.dir, "fuse", unix.MS_NOSUID|unix.MS_NODEV, options); err != nil {
		unix.Close(fd)
		needs.Missing(t, "needs to mount a FUSE file system (mount(2); root may): %v", err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.serve()
	}()
	// A thread that waits for an answer cannot be killed. Should Open ever ask,
	// this makes the kernel answer for the server, with an error.
	watchdog := time.AfterFunc(fusePatience, func() { _ = unix.Unmount(s.dir, unix.MNT_FORCE) })
	t.Cleanup(func() {
		watchdog.Stop()
		if err := unix.Unmount(s.dir, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
		<-done
		unix.Close(fd)
	})
	return s, s.open(t)
}

func (s *fuseServer) open(t *testing.T) int {
	t.Helper()
	fd, err := unix.Open(filepath.Join(s.dir, "f"), unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	return fd
}

// serve ends when the file system is unmounted (ENODEV).
func (s *fuseServer) serve() {
	request := make([]byte, 1<<20)
	for {
		n, err := unix.Read(s.fd, request)
		if err == unix.EINTR || err == unix.ENOENT || err == unix.EAGAIN {
			continue
		}
		if err != nil || n < 40 {
			return
		}
		op, id := binary.NativeEndian.Uint32(request[4:]), binary.NativeEndian.Uint64(request[8:])
		switch op {
		case fuseInit:
			s.reply(id, words(7, 31, 0, 0, 0, 4096, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0))
		case fuseLookup:
			// node id 2, generation, two times of validity, then attributes
			s.reply(id, append(words(2, 0, 0, 0, 0, 0, 0, 0, 0, 0), attributes(2, unix.S_IFREG|0o666)...))
		case fuseGetattr:
			if node := binary.NativeEndian.Uint64(request[16:]); node == 2 {
				s.later(op, id) // fstat(2) of the descriptor
				continue
			}
			s.reply(id, append(words(0, 0, 0, 0), attributes(1, unix.S_IFDIR|0o755)...))
		case fuseOpen:
			s.reply(id, words(1, 0, 0, 0))
		case fuseRelease:
			s.reply(id, nil)
		case fuseForget, fuseIntr: // have no answer
		default:
			s.later(op, id)
		}
	}
}

func (s *fuseServer) later(op uint32, id uint64) {
	s.asked <- op
	go func() {
		<-s.answer
		s.reply(id, nil)
	}()
}

// reply writes one answer; struct fuse_out_header is length, error and id.
func (s *fuseServer) reply(id uint64, body []byte) {
	out := append(words(uint32(16+len(body)), 0, uint32(id), uint32(id>>32)), body...)
	if _, err := unix.Write(s.fd, out); err != nil && err != unix.ENOENT {
		panic("answering FUSE request " + strconv.FormatUint(id, 10) + ": " + err.Error())
	}
}

// attributes is struct fuse_attr: 64-bit ino, size, blocks and three times, then
// 32-bit parts of the times, mode, nlink, uid, gid, rdev, blksize, flags.
func attributes(ino, mode uint32) []byte {
	return words(ino, 0, 4096, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, mode, 1, 0, 0, 0, 4096, 0)
}

// words is little-endian as all machines that the tests run on are.
func words(all ...uint32) []byte {
	var out []byte
	for _, w := range all {
		out = binary.LittleEndian.AppendUint32(out, w)
	}
	return out
}
