package floor

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// Share makes shared memory with n bytes of data and returns it mapped, with
// the file through which another process may Join. The caller closes both.
func Share(n int) (*Page, *os.File, error) {
	fd, err := unix.MemfdCreate("lpc-bench", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, nil, fmt.Errorf("making a memfd: %w", err)
	}
	f := os.NewFile(uintptr(fd), "lpc-bench")
	if err := f.Truncate(int64(wordBytes + n)); err != nil {
		return nil, nil, errors.Join(fmt.Errorf("sizing a memfd: %w", err), f.Close())
	}
	p, err := mapPage(f, n)
	if err != nil {
		return nil, nil, errors.Join(err, f.Close())
	}
	return p, f, nil
}

// Join maps the shared memory that another process made with the same n; path
// is its file there, /proc/PID/fd/FD.
func Join(path string, n int) (*Page, error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return nil, fmt.Errorf("opening shared memory: %w", err)
	}
	defer func() { _ = f.Close() }() // the mapping stays
	return mapPage(f, n)
}

func mapPage(f *os.File, n int) (*Page, error) {
	b, err := unix.Mmap(int(f.Fd()), 0, wordBytes+n, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED|unix.MAP_POPULATE)
	if err != nil {
		return nil, fmt.Errorf("mapping shared memory: %w", err)
	}
	return &Page{bytes: b}, nil
}

// Close unmaps the memory, which must not be used afterwards.
func (p *Page) Close() error {
	b := p.bytes
	p.bytes = nil
	return unix.Munmap(b)
}
