package ntdump

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"

	"golang.org/x/sys/unix"
)

// mapped is a file mapped for reading. What a read needs of a dump is scattered
// (page tables, lists), and a mapping saves a system call for each word. A piece of a
// page or more is read by the call: the first touch of each mapped page costs a fault,
// which takes longer than the copy.
type mapped struct {
	data []byte
	f    *os.File
}

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
	return &mapped{data, f}
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
		case interface {
			runtime.Error
			Addr() uintptr
		}:
			n, err = 0, fmt.Errorf("the file could not be read at offset %#x: it was cut short, or its disk fails", off)
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

// Close ends the mapping and closes the file. Nothing may read afterwards.
func (m *mapped) Close() error {
	data := m.data
	m.data = nil
	if data == nil {
		return nil
	}
	return errors.Join(unix.Munmap(data), m.f.Close())
}
