package elfcore

import (
	"cmp"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/seed-eedd8485/lpc/target/elffile"
)

// segment is a PT_LOAD: memory, and where it stands in the file.
type segment struct {
	addr, size uint64 // of the memory
	off, filed uint64 // offset and bytes in the file; the rest was not dumped
	flags      elf.ProgFlag
}

// core is what an ELF file's headers say.
type core struct {
	r        io.ReaderAt
	size     int64
	file     *elffile.File
	segments []segment // by address
}

// parse reads a core's header and program headers.
func parse(src io.ReaderAt, size int64) (*core, error) {
	f, err := elffile.Read(src, size)
	switch {
	case err != nil:
		return nil, err
	case f.Class != elf.ELFCLASS64:
		return nil, errors.New("it is not a 64-bit little-endian ELF file, as processes with pools leave them")
	case f.Machine != elf.EM_X86_64 && f.Machine != elf.EM_AARCH64:
		return nil, fmt.Errorf("it is a core of %s, expected x86-64 or arm64", f.Machine)
	}
	c := &core{r: src, size: size, file: f}
	for _, s := range f.Loads {
		if s.Size > 0 && s.Addr+s.Size > s.Addr {
			c.segments = append(c.segments, segment{flags: s.Flags, addr: s.Addr, size: s.Size, off: s.Off, filed: min(s.Filed, s.Size)})
		}
	}
	slices.SortStableFunc(c.segments, func(a, b segment) int { return cmp.Compare(a.addr, b.addr) })
	return c, nil
}

const (
	notMapped = "the core has no such memory"
	notDumped = "not in the core (bit 1 of coredump_filter)"
	cutShort  = "the core file is cut short"
)

// at is the segment that holds an address, nil when none does.
func (c *core) at(addr uint64) *segment {
	i, found := slices.BinarySearchFunc(c.segments, addr, func(s segment, a uint64) int { return cmp.Compare(s.addr, a) })
	if !found {
		i--
	}
	if i < 0 || addr-c.segments[i].addr >= c.segments[i].size {
		return nil
	}
	return &c.segments[i]
}

// read fills dst with the process's memory at addr; n < len(dst): why the next
// byte is not there.
func (c *core) read(dst []byte, addr uint64) (n int, why string) {
	for n < len(dst) {
		s := c.at(addr + uint64(n))
		if s == nil {
			return n, notMapped
		}
		in := addr + uint64(n) - s.addr
		if in >= s.filed {
			return n, notDumped
		}
		off := s.off + in
		if off < s.off || off >= uint64(c.size) {
			return n, cutShort
		}
		want := min(uint64(len(dst)-n), s.filed-in, uint64(c.size)-off)
		m, err := c.r.ReadAt(dst[n:n+int(want)], int64(off))
		n += m
		if m < int(want) {
			if err == nil || errors.Is(err, io.EOF) {
				return n, cutShort
			}
			return n, "reading the core: " + err.Error()
		}
	}
	return n, ""
}
