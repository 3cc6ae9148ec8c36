package elfcore

import (
	"cmp"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/seed-eedd8485/lpc/bin"
)

const (
	headerSize  = 64 // sizeof Elf64_Ehdr
	segmentSize = 56 // sizeof Elf64_Phdr
	manySegs    = 0xffff
	maxSegments = 1 << 21 // more mappings than a kernel gives a process by far
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
	machine  elf.Machine
	segments []segment // by address
	notes    []segment // PT_NOTE: off and filed
}

// parse reads a core's header and program headers.
func parse(src io.ReaderAt, size int64) (*core, error) {
	r := bin.New("ELF header", src, size)
	var ident [16]byte
	r.Fill("identification", ident[:])
	typ, machine := r.U16("type"), r.U16("machine")
	r.Skip("version and entry", 12)
	phoff, shoff := r.U64("offset of the program headers"), r.U64("offset of the section headers")
	r.Skip("flags and size", 6)
	each, n := r.U16("size of a program header"), uint64(r.U16("number of program headers"))
	if err := r.Err(); err != nil {
		return nil, err
	}
	switch {
	case string(ident[:4]) != elf.ELFMAG:
		return nil, fmt.Errorf("it begins with % x, expected an ELF file's % x", ident[:4], elf.ELFMAG)
	case elf.Class(ident[4]) != elf.ELFCLASS64, elf.Data(ident[5]) != elf.ELFDATA2LSB:
		return nil, errors.New("it is not a 64-bit little-endian ELF file, as processes with pools leave them")
	case elf.Type(typ) != elf.ET_CORE:
		return nil, fmt.Errorf("it is an ELF file of type %s, expected a core (ET_CORE)", elf.Type(typ))
	case elf.Machine(machine) != elf.EM_X86_64 && elf.Machine(machine) != elf.EM_AARCH64:
		return nil, fmt.Errorf("it is a core of %s, expected x86-64 or arm64", elf.Machine(machine))
	case each != segmentSize:
		return nil, fmt.Errorf("its program headers have %d bytes each, expected %d", each, segmentSize)
	case phoff > uint64(size):
		return nil, fmt.Errorf("its program headers are said to be at %#x, and it has %#x bytes", phoff, size)
	}
	if n == manySegs { // elf(5): PN_XNUM, the number is in the first section header's sh_info
		if shoff > uint64(size) {
			return nil, fmt.Errorf("its section header is said to be at %#x, and it has %#x bytes", shoff, size)
		}
		r.Seek("section header", int64(shoff))
		r.Skip("section header", 44)
		n = uint64(r.U32("number of program headers"))
	}
	c := &core{r: src, size: size, machine: elf.Machine(machine)}
	r.Seek("program headers", int64(phoff))
	c.load(r, r.Count("program headers", n, segmentSize, maxSegments))
	if err := r.Err(); err != nil {
		return nil, err
	}
	return c, nil
}

// load reads n program headers.
func (c *core) load(r *bin.Reader, n int) {
	const batch = 1024 // headers a read
	for n > 0 {
		k := min(n, batch)
		b := bin.FromBytes("program header", r.Bytes("program headers", int64(k*segmentSize), batch*segmentSize))
		if r.Err() != nil {
			return
		}
		for range k {
			typ := elf.ProgType(b.U32("type"))
			flags := elf.ProgFlag(b.U32("flags"))
			s := segment{flags: flags, off: b.U64("offset"), addr: b.U64("address")}
			b.Skip("physical address", 8)
			s.filed, s.size = b.U64("bytes in the file"), b.U64("bytes in memory")
			b.Skip("alignment", 8)
			switch {
			case typ == elf.PT_NOTE:
				c.notes = append(c.notes, s)
			case typ == elf.PT_LOAD && s.size > 0 && s.addr+s.size > s.addr:
				s.filed = min(s.filed, s.size)
				c.segments = append(c.segments, s)
			}
		}
		n -= k
	}
	slices.SortStableFunc(c.segments, func(a, b segment) int { return cmp.Compare(a.addr, b.addr) })
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
