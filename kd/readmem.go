package kd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/seed-eedd8485/lpc/internal/escape"
	"github.com/seed-eedd8485/lpc/target"
)

var cmdReadmem = Command{
	Name: ".readmem", Args: "File Address [Range]",
	Short: "Lay the bytes of a file over the target's memory, as scratch of this session.",
	Long: `Range is L and a count of bytes (L200, hexadecimal), or the last address: so many bytes from the start
of the file, which must have them. Without it the whole file is laid. The target itself is never
written: db, dd, u, ur, .writemem and !mbr see the scratch, .scratch lists it. It may stand where the
target has no memory; that is said.`,
}

func init() { cmdReadmem.Run = runReadmem }

const readmemUsage = ".readmem File Address [Range]"

func runReadmem(_ context.Context, s *Session, o *Out, args []string) error {
	if len(args) < 2 {
		return fmt.Errorf(".readmem: a file and an address are expected; usage: %s", readmemUsage)
	}
	addr, n, err := s.span(args[1:], 1, maxUnits)
	if err != nil {
		return fmt.Errorf(".readmem: %w", err)
	}
	data, err := readStart(args[0], n, len(args) > 2)
	if err != nil {
		return fmt.Errorf(".readmem: %w", err)
	}
	return s.layOver(o, addr, data, escape.Text(args[0]))
}

// readStart reads the first n bytes of a file; unless exact, all of a file that has
// at most n.
func readStart(path string, n uint64, exact bool) ([]byte, error) {
	more := n
	if !exact {
		more++ // to see that there is more
	}
	data, err := readUpTo(path, more)
	switch {
	case err != nil:
		return nil, err
	case exact && uint64(len(data)) < n:
		return nil, fmt.Errorf("%s has %#x bytes, expected at least %#x", escape.Text(path), len(data), n)
	case len(data) == 0:
		return nil, fmt.Errorf("%s is empty", escape.Text(path))
	case uint64(len(data)) > n:
		return nil, fmt.Errorf("%s has more than %#x bytes; a range says how many of them to take (L200)", escape.Text(path), n)
	}
	return data, nil
}

// readUpTo reads the first n bytes of a file, or all of a shorter one. A pipe or a
// terminal would keep the command waiting: they are refused.
func readUpTo(path string, n uint64) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", escape.Text(path), bareError(err))
	}
	if m := info.Mode(); !m.IsRegular() && (m&fs.ModeDevice == 0 || m&fs.ModeCharDevice != 0) {
		return nil, fmt.Errorf("%s is no file and no block device", escape.Text(path))
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", escape.Text(path), bareError(err))
	}
	defer func() { _ = f.Close() }()
	data, err := io.ReadAll(io.LimitReader(f, int64(n)))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", escape.Text(path), bareError(err))
	}
	return data, nil
}

// layOver lays data at addr as scratch and says so, and where the target has no
// memory under it.
func (s *Session) layOver(o *Out, addr uint64, data []byte, from string) error {
	if s.Target.PointerSize() == 4 && addr+uint64(len(data)) > 1<<32 {
		return fmt.Errorf("%#x bytes at %s reach behind the last address", len(data), s.ptr(addr))
	}
	under := make([]byte, len(data))
	_, missing := s.Target.ReadMemory(addr, under)
	if err := s.scratch.lay(addr, data, from); err != nil {
		return err
	}
	o.Printf("Reading %x bytes.\n", len(data))
	var absent *target.Absent
	if errors.As(missing, &absent) {
		o.Printf("The target has no memory at %s (%s): there, scratch is all there is.\n", s.long(absent.Addr), escape.Text(absent.Why))
	}
	return nil
}

// bareError is the error without the operation and path that os puts before it.
func bareError(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}
