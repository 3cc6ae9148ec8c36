package live

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"

	"github.com/seed-eedd8485/lpc/internal/pool"
	"github.com/seed-eedd8485/lpc/target/lpcpool"
)

// entry is a descriptor of a process that says it is a pool extent.
type entry struct {
	path  string // /proc/PID/fd/N
	inode uint64
}

// poolFiles lists the pool extents that a process has open, each once.
func poolFiles(pid int) ([]entry, error) {
	dir := fmt.Sprintf("/proc/%d/fd", pid)
	d, err := os.Open(dir)
	if err != nil {
		return nil, denied(pid, err)
	}
	defer func() { _ = d.Close() }()
	names, err := d.Readdirnames(-1)
	if err != nil {
		return nil, denied(pid, err)
	}
	var l []entry
	seen := map[uint64]bool{}
	var b [len(pool.Link) + 1]byte
	for _, n := range names {
		m, err := unix.Readlinkat(int(d.Fd()), n, b[:])
		if errors.Is(err, unix.EACCES) || errors.Is(err, unix.EPERM) {
			return nil, denied(pid, err)
		}
		if err != nil || string(b[:m]) != pool.Link {
			continue // closed meanwhile, or something else
		}
		var st unix.Stat_t
		if err := unix.Fstatat(int(d.Fd()), n, &st, 0); err != nil || seen[st.Ino] {
			continue
		}
		seen[st.Ino] = true
		l = append(l, entry{dir + "/" + n, st.Ino})
	}
	return l, nil
}

// file is an extent of a running process.
type file struct {
	fd     int
	inode  uint64
	number uint32 // of the pool, and
	index  uint32 // in it, if
	whole  bool   // the extent's header is
	mem    []byte // where it is mapped, nil: it is not
	solid  uint64 // so many of its first bytes were written
}

var _ lpcpool.Mapped = (*file)(nil)

// openExtent opens an extent; fs.ErrNotExist: it is none any more.
func openExtent(e entry) (*file, error) {
	// O_NONBLOCK: the descriptor may have become something else since it was listed.
	fd, err := unix.Open(e.path, unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NONBLOCK|unix.O_NOCTTY, 0)
	if err != nil {
		return nil, err
	}
	f := &file{fd: fd, inode: e.inode}
	var st unix.Stat_t
	seals, err := unix.FcntlInt(uintptr(fd), unix.F_GET_SEALS, 0)
	if err == nil {
		err = unix.Fstat(fd, &st)
	}
	// A file that can shrink would end in the middle of a read.
	const sealed = unix.F_SEAL_SHRINK | unix.F_SEAL_GROW
	if err != nil || seals&sealed != sealed || st.Size != pool.ExtentSize || st.Ino != e.inode {
		f.close()
		return nil, fs.ErrNotExist
	}
	f.number, f.index, f.whole = lpcpool.Identify(f)
	return f, nil
}

// ReadAt is lpcpool.Bytes's: pread(2), which leaves holes as they are.
func (f *file) ReadAt(dst []byte, off uint64) (int, string) {
	for n := 0; ; {
		m, err := unix.Pread(f.fd, dst[n:], int64(off)+int64(n))
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			return n, "reading it: " + err.Error()
		case m == 0:
			return n, "the extent ends here"
		}
		if n += m; n == len(dst) {
			return n, ""
		}
	}
}

// Hole is lpcpool.Bytes's: lseek(2) with SEEK_DATA.
func (f *file) Hole(off uint64) bool {
	at, err := unix.Seek(f.fd, int64(off), unix.SEEK_DATA)
	return err != nil && errors.Is(err, unix.ENXIO) || err == nil && uint64(at) != off
}

// Mapped is lpcpool.Mapped's. To touch a hole would fill it, in the process's own
// memory; the seals keep the file's size (memfd_create(2)).
func (f *file) Mapped(n uint64) []byte {
	if n > pool.ExtentSize {
		return nil
	}
	if n > f.solid { // a pool never gives pages back
		end, err := unix.Seek(f.fd, 0, unix.SEEK_HOLE)
		if err != nil || end < 0 || uint64(end) < n {
			return nil
		}
		f.solid = uint64(end)
	}
	if f.mem == nil {
		b, err := unix.Mmap(f.fd, 0, pool.ExtentSize, unix.PROT_READ, unix.MAP_SHARED)
		if err != nil {
			return nil // vm.max_map_count: it is read by copies
		}
		f.mem = b
	}
	return f.mem[:n]
}

// Torn is lpcpool.Bytes's: a running process is read anew each time.
func (f *file) Torn(uint64) bool { return false }

func (f *file) close() {
	if f.mem != nil {
		_ = unix.Munmap(f.mem)
		f.mem = nil
	}
	if f.fd >= 0 {
		_ = unix.Close(f.fd)
		f.fd = -1
	}
}
