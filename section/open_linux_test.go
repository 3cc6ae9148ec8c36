package section

import (
	"bytes"
	"errors"
	"os"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/seed-eedd8485/lpc/internal/needs"
)

func TestOpenRefusesWhatIsNoMemory(t *testing.T) {
	size := os.Getpagesize()
	for name, make := range map[string]func(t *testing.T) int{
		"pipe": func(t *testing.T) int {
			r, w, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { r.Close(); w.Close() })
			return int(r.Fd())
		},
		"socket": func(t *testing.T) int {
			return descriptor(t)(unix.Socket(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0))
		},
		"epoll": func(t *testing.T) int {
			return descriptor(t)(unix.EpollCreate1(unix.EPOLL_CLOEXEC))
		},
		"directory": func(t *testing.T) int {
			return descriptor(t)(unix.Open(t.TempDir(), unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0))
		},
		"regular file": func(t *testing.T) int {
			return file(t, t.TempDir(), size)
		},
		"device": func(t *testing.T) int {
			return descriptor(t)(unix.Open("/dev/zero", unix.O_RDWR|unix.O_CLOEXEC, 0))
		},
		"section without I/O (O_PATH)": func(t *testing.T) int {
			_, fd := create(t, "lpc:opath", size)
			return descriptor(t)(unix.Open("/proc/self/fd/"+strconv.Itoa(fd), unix.O_PATH|unix.O_CLOEXEC, 0))
		},
		"hugetlb memfd": hugetlb,
		"none":          func(*testing.T) int { return -1 },
	} {
		t.Run(name, func(t *testing.T) { refuse(t, make(t), size, ErrNotMemory) })
	}
}

// hugetlb has all the seals and a size that fits: only its pages are wrong.
func hugetlb(t *testing.T) int {
	fd, err := unix.MemfdCreate("huge", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING|unix.MFD_HUGETLB)
	if err != nil {
		needs.Missing(t, "needs memfd_create(2) with MFD_HUGETLB (a kernel with CONFIG_HUGETLBFS): %v", err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	add(t, fd, seals)
	return fd
}

func TestOpenRefusesTooFewSeals(t *testing.T) {
	size := os.Getpagesize()
	for name, have := range map[string]int{
		"none":          0,
		"SHRINK":        unix.F_SEAL_SHRINK,
		"all but SEAL":  unix.F_SEAL_SHRINK | unix.F_SEAL_GROW,
		"all but GROW":  unix.F_SEAL_SHRINK | unix.F_SEAL_SEAL,
		"all but SHINK": unix.F_SEAL_GROW | unix.F_SEAL_SEAL,
	} {
		t.Run(name, func(t *testing.T) {
			fd := memory(t, size)
			add(t, fd, have)
			refuse(t, fd, size, ErrNotSealed)
		})
	}
	t.Run("made without sealing", func(t *testing.T) {
		fd := descriptor(t)(unix.MemfdCreate("plain", unix.MFD_CLOEXEC))
		refuse(t, fd, size, ErrNotSealed)
	})
	t.Run("file on tmpfs", func(t *testing.T) {
		const dir = "/dev/shm"
		var fs unix.Statfs_t
		if err := unix.Statfs(dir, &fs); err != nil || uint32(fs.Type) != unix.TMPFS_MAGIC {
			needs.Missing(t, "needs a tmpfs at %s: error %v, type %#x", dir, err, fs.Type)
		}
		refuse(t, file(t, dir, size), size, ErrNotSealed)
	})
}

func TestOpenRefusesWrongSize(t *testing.T) {
	page := os.Getpagesize()
	_, fd := create(t, "lpc:size", 2*page)
	for _, size := range []int{-1, 0, 1, page, 2*page - 1, 2*page + 1, 3 * page} {
		err := refuse(t, fd, size, ErrWrongSize)
		if err != nil && (!strings.Contains(err.Error(), strconv.Itoa(size)) || !strings.Contains(err.Error(), strconv.Itoa(2*page))) {
			t.Errorf("the text %q does not have both sizes", err)
		}
	}
}

func TestOpenRefusesReadOnly(t *testing.T) {
	size := os.Getpagesize()
	t.Run("descriptor", func(t *testing.T) {
		_, fd := create(t, "lpc:rdonly", size)
		refuse(t, descriptor(t)(unix.Open("/proc/self/fd/"+strconv.Itoa(fd), unix.O_RDONLY|unix.O_CLOEXEC, 0)), size, ErrReadOnly)
	})
	t.Run("write only", func(t *testing.T) {
		_, fd := create(t, "lpc:wronly", size)
		refuse(t, descriptor(t)(unix.Open("/proc/self/fd/"+strconv.Itoa(fd), unix.O_WRONLY|unix.O_CLOEXEC, 0)), size, ErrReadOnly)
	})
	for name, seal := range map[string]int{"WRITE": unix.F_SEAL_WRITE, "FUTURE_WRITE": unix.F_SEAL_FUTURE_WRITE} {
		t.Run("seal "+name, func(t *testing.T) {
			fd := memory(t, size)
			add(t, fd, seals|seal)
			refuse(t, fd, size, ErrReadOnly)
		})
	}
}

// A hole is zeros, before and after the mapping was made, and no fault.
func TestOpenAcceptsHoles(t *testing.T) {
	page := os.Getpagesize()
	a, fd := create(t, "lpc:hole", 4*page)
	for i := range a.Bytes() {
		a.Bytes()[i] = 1
	}
	punch := func(at int) {
		if err := unix.Fallocate(fd, unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, int64(at), int64(page)); err != nil {
			t.Fatal(err)
		}
	}
	punch(page)
	b := open(t, fd, 4*page)
	punch(3 * page)
	want := bytes.Repeat([]byte{1}, 4*page)
	clear(want[page : 2*page])
	clear(want[3*page:])
	if err := Guard(func() {
		if !bytes.Equal(b.Bytes(), want) {
			t.Error("the holes, and only they, do not read as zero")
		}
		b.Bytes()[page] = 7 // the page comes back
	}); err != nil {
		t.Error(err)
	}
	if got := a.Bytes()[page]; got != 7 {
		t.Errorf("the other mapping reads %d where the hole was filled, want 7", got)
	}
}

// Create's memory has one seal more where the kernel knows it (Linux 6.3); that
// of a peer on an older kernel's headers has not, and both are sections.
func TestOpenTakesOtherSeals(t *testing.T) {
	size := os.Getpagesize()
	without := memory(t, size)
	add(t, without, seals)
	open(t, without, size)

	with, err := unix.MemfdCreate("noexec", unix.MFD_CLOEXEC|unix.MFD_NOEXEC_SEAL)
	if err != nil {
		needs.Missing(t, "needs memfd_create(2) with MFD_NOEXEC_SEAL (Linux 6.3): %v", err)
	}
	defer unix.Close(with)
	if err := unix.Ftruncate(with, int64(size)); err != nil {
		t.Fatal(err)
	}
	add(t, with, seals)
	open(t, with, size)
}

func TestCloseUntrusted(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	fd, err := unix.FcntlInt(w.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	w.Close()
	<-CloseUntrusted(fd)
	// The last writer is gone, or this would wait for ever.
	if n, err := r.Read(make([]byte, 1)); n != 0 || err == nil {
		t.Errorf("read %d bytes and error %v, want the end", n, err)
	}
}

// refuse expects Open to fail with want, and to leave the descriptor open and
// nothing mapped.
func refuse(t *testing.T, fd, size int, want error) error {
	t.Helper()
	mapped := mappings()
	s, err := Open(fd, size)
	if !errors.Is(err, want) || s != nil {
		t.Errorf("got %v and error %v, want error %q", s, err, want)
	}
	for _, other := range []error{ErrNotMemory, ErrNotSealed, ErrReadOnly, ErrWrongSize} {
		if other != want && errors.Is(err, other) {
			t.Errorf("the error %q is %q as well", err, other)
		}
	}
	if got := mappings(); got != mapped {
		t.Errorf("%d mappings, %d before", got, mapped)
	}
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); fd >= 0 && err != nil {
		t.Errorf("the descriptor was closed: %v", err)
	}
	return err
}

// memory is a memfd of that size without a seal.
func memory(t *testing.T, size int) int {
	t.Helper()
	fd := descriptor(t)(unix.MemfdCreate("unsealed", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING))
	if err := unix.Ftruncate(fd, int64(size)); err != nil {
		t.Fatal(err)
	}
	return fd
}

func add(t *testing.T, fd, seals int) {
	t.Helper()
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, seals); err != nil {
		needs.Missing(t, "needs the seals %#x (fcntl(2), F_ADD_SEALS): %v", seals, err)
	}
}

func file(t *testing.T, dir string, size int) int {
	t.Helper()
	f, err := os.CreateTemp(dir, "section-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close(); os.Remove(f.Name()) })
	if err := f.Truncate(int64(size)); err != nil {
		t.Fatal(err)
	}
	return int(f.Fd())
}

// descriptor returns a function that takes a call's result and closes it when
// the test ends.
func descriptor(t *testing.T) func(fd int, err error) int {
	t.Helper()
	return func(fd int, err error) int {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { unix.Close(fd) })
		return fd
	}
}
