package robust

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/seed-eedd8485/lpc"
	"github.com/seed-eedd8485/lpc/internal/channel"
	"github.com/seed-eedd8485/lpc/internal/needs"
)

func init() { roles["server of files"] = fuseRole }

// TestFUSE: a server sends its client a file of a file system that it serves
// itself, and answers nothing that is asked about it. The client must not ask.
func TestFUSE(t *testing.T) {
	needs.Root(t, "to mount a FUSE file system")
	base := takeCensus()
	t.Run("client", func(t *testing.T) {
		server := startAttr(t, &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}, "server of files", portName(t))
		if line := receive(t, "the server of files", server.lines); line != "listening" {
			needs.Missing(t, "needs FUSE file systems (/dev/fuse, mount(2)): %s", line)
		}
		for _, what := range []string{"channel", "section"} {
			var err error
			within(t, "Dial and Alloc with a "+what+" that is a FUSE file", func() {
				var c *lpc.Conn
				if c, err = lpc.Dial(context.Background(), portName(t), &lpc.DialOptions{Info: []byte(what)}); err == nil {
					_, err = c.Alloc(context.Background(), 5000)
					_ = c.Close()
				}
			})
			if !errors.Is(err, lpc.ErrProtocol) || !strings.Contains(err.Error(), "reading seals") {
				t.Errorf("a %s that is a FUSE file gives %v, want ErrProtocol", what, err)
			}
		}
		server.finish()
	})
	base.check(t)
}

// fuseRole mounts a file system with one file, listens, and sends that file as a
// channel or as a section, as the client's information says.
func fuseRole(name string) error {
	fd, err := mountFUSE()
	if err != nil {
		say("%v", err)
		return nil
	}
	s, err := listenRaw(name)
	if err != nil {
		return err
	}
	say("listening")
	go func() {
		for {
			if err := sendFile(s.l.FD(), fd); err != nil {
				fmt.Fprintln(os.Stderr, "serving:", err)
			}
		}
	}()
	ask()()
	return s.l.Close()
}

func sendFile(listener, file int) error {
	fd, _, err := unix.Accept4(listener, unix.SOCK_CLOEXEC)
	if err != nil {
		return err
	}
	r := newRaw(fd)
	defer r.close()
	b, _, err := r.read()
	if err != nil {
		return err
	}
	if string(b[frameHead:]) == "channel" {
		err = r.send(frame(frameAccept, 1<<30, ""), file)
	} else {
		_, memory, e := channel.Create(1)
		if e != nil {
			return e
		}
		defer func() { _ = unix.Close(memory) }()
		if err = r.send(frame(frameAccept, 1<<30, ""), memory); err == nil {
			if b, _, err = r.read(); err == nil {
				f := with(with(frame(frameSection, 1<<14, ""), frameFlags, uint16(1)), frameSectionNo, uint32(1))
				err = r.send(with(f, frameNumber, binary.LittleEndian.Uint32(b[frameNumber:])), file)
			}
		}
	}
	if err == nil {
		_, _, err = r.farewell()
	}
	return err
}

// Requests of the protocol (fuse(4), linux/fuse.h) that opening a file needs.
const (
	fuseLookup, fuseForget, fuseGetattr, fuseOpen = 1, 2, 3, 14
	fuseFlush, fuseInit, fuseInterrupt            = 25, 26, 36
)

// mountFUSE mounts a file system, serves it, and opens its file.
func mountFUSE() (int, error) {
	dev, err := unix.Open("/dev/fuse", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, fmt.Errorf("opening /dev/fuse: %w", err)
	}
	dir, err := os.MkdirTemp("", "lpc-robust-fuse-")
	if err != nil {
		return -1, err
	}
	_ = unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, "")
	if err := unix.Mount("robust", dir, "fuse", unix.MS_NOSUID|unix.MS_NODEV, fmt.Sprintf("fd=%d,rootmode=40000,user_id=0,group_id=0", dev)); err != nil {
		return -1, fmt.Errorf("mounting: %w", err)
	}
	go serveFUSE(dev)
	fd, err := unix.Open(filepath.Join(dir, "f"), unix.O_RDWR|unix.O_CLOEXEC, 0)
	_ = unix.Unmount(dir, unix.MNT_DETACH)
	_ = os.Remove(dir)
	if err != nil {
		return -1, err
	}
	// The first close is told that there is nothing to flush, and the kernel asks no
	// more: else this process would wait for itself as it ends.
	other, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
	if err == nil {
		err = unix.Close(other)
	}
	if err != nil && !errors.Is(err, unix.ENOSYS) {
		return -1, fmt.Errorf("closing a file gives %v, want ENOSYS", err)
	}
	return fd, nil
}

// serveFUSE answers what mounting and opening ask, and nothing else.
func serveFUSE(dev int) {
	request := make([]byte, 1<<20)
	answer := func(id uint64, words ...uint32) {
		b := binary.LittleEndian.AppendUint32(nil, uint32(16+4*len(words)))
		b = binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint32(b, 0), id)
		for _, w := range words {
			b = binary.LittleEndian.AppendUint32(b, w)
		}
		_, _ = unix.Write(dev, b)
	}
	// struct fuse_attr of the directory and of the file.
	attr := func(ino, mode uint32) []uint32 {
		return []uint32{ino, 0, 4096, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, mode, 1, 0, 0, 0, 4096, 0}
	}
	for {
		n, err := unix.Read(dev, request)
		if errors.Is(err, unix.ENODEV) || err == nil && n < 40 {
			return
		} else if err != nil {
			continue
		}
		id := binary.LittleEndian.Uint64(request[8:])
		switch binary.LittleEndian.Uint32(request[4:]) {
		case fuseInit:
			answer(id, 7, 31, 0, 0, 0, 4096, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0)
		case fuseLookup:
			answer(id, append([]uint32{2, 0, 0, 0, 0, 0, 0, 0, 0, 0}, attr(2, unix.S_IFREG|0o666)...)...)
		case fuseGetattr:
			if binary.LittleEndian.Uint64(request[16:]) == 1 {
				answer(id, append([]uint32{0, 0, 0, 0}, attr(1, unix.S_IFDIR|0o755)...)...)
			}
		case fuseOpen:
			answer(id, 1, 0, 0, 0)
		case fuseFlush:
			b := binary.LittleEndian.AppendUint32(nil, 16)
			b = binary.LittleEndian.AppendUint32(b, ^uint32(unix.ENOSYS)+1)
			_, _ = unix.Write(dev, binary.LittleEndian.AppendUint64(b, id))
		case fuseForget, fuseInterrupt:
		}
	}
}
