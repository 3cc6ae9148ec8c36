package ntdump

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"sync"

	"golang.org/x/sys/unix"
)

// mapped is a file mapped for reading. What a read needs of a dump is scattered
// (page tables, lists), and a mapping saves a system call for each word. A piece of a
// page or more is read by the call: the first touch of each mapped page costs a fault,
// which takes longer than the copy. A Sweep, which reads many pages that follow each
// other, has a mapping of its own, of which the system maps 16 pages at a fault.
type mapped struct {
	data []byte
	f    *os.File

	once sync.Once
	all  []byte // for sweeps; nil until one is made, and where the system has no room
}

var _ seen = (*mapped)(nil)

// pieceBytes is from how many bytes on a piece is read by a call.
const pieceBytes = pageBytes

// mapFile maps size bytes of f, which the source then owns, or returns nil where that is not possible: an
// empty file, a file larger than the address space, a file system without mmap(2).
func mapFile(f *os.File, size int64) source {
	if size <= 0 || int64(int(size)) != size {
		return nil
	}
	data, err := unix.Mmap(int(f.Fd()), 0, int(size), unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return nil
	}
	// Walks jump; reading ahead would fetch pages that nobody asked for. It is
	// advice: an error changes nothing.
	_ = unix.Madvise(data, unix.MADV_RANDOM)
	return &mapped{data: data, f: f}
}

// ReadAt implements io.ReaderAt. A file that was cut after it was mapped, or whose
// disk fails, raises SIGBUS (mmap(2)): that is an error here, as with read(2).
func (m *mapped) ReadAt(p []byte, off int64) (n int, err error) {
	if off < 0 || off >= int64(len(m.data)) {
		return 0, io.EOF
	}
	if len(p) >= pieceBytes {
		return m.f.ReadAt(p, off)
	}
	old := debug.SetPanicOnFault(true)
	defer func() {
		debug.SetPanicOnFault(old)
		switch r := recover().(type) {
		case nil:
		case fault:
			n, err = 0, unreadable(off)
		default:
			panic(r)
		}
	}()
	n = copy(p, m.data[off:])
	if n < len(p) {
		err = io.EOF
	}
	return n, err
}

// fault is what the runtime panics with for memory that the system could not provide
// (debug.SetPanicOnFault).
type fault interface {
	runtime.Error
	Addr() uintptr
}

func unreadable(off int64) error {
	return fmt.Errorf("the file could not be read at offset %#x: it was cut short, or its disk fails", off)
}

// whole is seen's. The advice stays the system's usual: it reads ahead, and of a file
// that is in memory it costs nothing.
func (m *mapped) whole() []byte {
	m.once.Do(func() {
		m.all, _ = unix.Mmap(int(m.f.Fd()), 0, len(m.data), unix.PROT_READ, unix.MAP_SHARED)
	})
	return m.all
}

// fetched is how many bytes behind a part are fetched with it.
const fetched = 2 << 20

// soon is seen's. Several sweeps of a file make the system's own guess at what comes next
// a bad one, and the advice costs more than a fault where all is in memory. RWF_NOWAIT
// tells which it is (readv(2)); where it is not known, nothing is said.
func (m *mapped) soon(from, to int64) {
	var last [1]byte
	if _, err := unix.Preadv2(int(m.f.Fd()), [][]byte{last[:]}, to-1, unix.RWF_NOWAIT); err == unix.EAGAIN {
		from &^= int64(os.Getpagesize() - 1)
		_ = unix.Madvise(m.all[from:min(to+fetched, int64(len(m.all)))], unix.MADV_WILLNEED)
	}
}

// around is how many bytes a fault maps at once, those that were asked for among them
// (the kernel's fault_around_bytes, 64 KiB where nobody changed it).
const around = 64 << 10

// forget is seen's. It takes the neighbours too that came with a fault.
func (m *mapped) forget(from, to int64) {
	from = max(0, (from-around)&^int64(os.Getpagesize()-1))
	to = min(to+around, int64(len(m.all)))
	_ = unix.Madvise(m.all[from:to], unix.MADV_DONTNEED) // else it stays until the dump is closed
}

// guard is seen's. Faults elsewhere are the caller's own and pass through.
func (m *mapped) guard(f func() error) (err error) {
	old := debug.SetPanicOnFault(true)
	defer func() {
		debug.SetPanicOnFault(old)
		r := recover()
		if r == nil {
			return
		}
		x, ok := r.(fault)
		if !ok {
			panic(r)
		}
		off, in := offsetIn(m.all, x.Addr())
		if !in {
			panic(r)
		}
		err = unreadable(off)
	}()
	return f()
}

// Close ends the mappings and closes the file. Nothing may read afterwards.
func (m *mapped) Close() error {
	data := m.data
	m.data = nil
	if data == nil {
		return nil
	}
	var err error
	m.once.Do(func() {}) // no sweep makes one from here on
	if all := m.all; all != nil {
		m.all = nil
		err = unix.Munmap(all)
	}
	return errors.Join(err, unix.Munmap(data), m.f.Close())
}
