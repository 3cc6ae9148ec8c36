package elffile

import (
	"cmp"
	"debug/elf"
	"fmt"
	"io"

	"github.com/seed-eedd8485/lpc/bin"
)

const (
	manySegs    = 0xffff  // elf(5): PN_XNUM
	maxSegments = 1 << 21 // more mappings than a kernel gives a process by far
)

// Segment is what a program header says.
type Segment struct {
	Addr  uint64 // of the memory, virtual
	Phys  uint64 // of the memory, physical; 0 where that means nothing
	Size  uint64 // bytes of memory
	Off   uint64 // in the file
	Filed uint64 // bytes in the file
	Flags elf.ProgFlag
}

// File is what the headers of a core say.
type File struct {
	Class   elf.Class
	Machine elf.Machine
	Loads   []Segment // PT_LOAD, in the file's order
	Notes   []Segment // PT_NOTE
}

// Read reads the headers of the core in the first size bytes of src. The error says
// what the file is instead, as far as its header tells. With an error that the file is
// cut short come the program headers that it still has; of any other comes no File.
func Read(src io.ReaderAt, size int64) (*File, error) {
	r := bin.New("ELF header", src, size)
	var ident [16]byte
	r.Fill("identification", ident[:])
	if err := r.Err(); err != nil {
		return nil, err
	}
	f := &File{Class: elf.Class(ident[4])}
	word, segment := 8, 56 // sizeof Elf64_Phdr
	switch {
	case string(ident[:4]) != elf.ELFMAG:
		return nil, fmt.Errorf("it begins with % x, expected an ELF file's % x", ident[:4], elf.ELFMAG)
	case elf.Data(ident[5]) != elf.ELFDATA2LSB:
		return nil, fmt.Errorf("it is an ELF file of data format %d, expected 1 (little-endian)", ident[5])
	case f.Class == elf.ELFCLASS32:
		word, segment = 4, 32 // sizeof Elf32_Phdr
	case f.Class != elf.ELFCLASS64:
		return nil, fmt.Errorf("it is an ELF file of class %d, expected 1 or 2 (32 or 64 bits)", ident[4])
	}
	typ := elf.Type(r.U16("type"))
	f.Machine = elf.Machine(r.U16("machine"))
	r.Skip("version and entry", int64(4+word))
	phoff, shoff := address(r, word, "offset of the program headers"), address(r, word, "offset of the section headers")
	r.Skip("flags and size", 6)
	each, n := int(r.U16("size of a program header")), uint64(r.U16("number of program headers"))
	if err := r.Err(); err != nil {
		return nil, err
	}
	switch {
	case typ != elf.ET_CORE:
		return nil, fmt.Errorf("it is an ELF file of type %s, expected a core (ET_CORE)", typ)
	case each != segment:
		return nil, fmt.Errorf("its program headers have %d bytes each, expected %d", each, segment)
	case phoff > uint64(size):
		return nil, fmt.Errorf("its program headers are said to be at %#x, and it has %#x bytes", phoff, size)
	}
	r.Seek("program headers", int64(phoff))
	n, cut := count(src, size, n, shoff, word)
	if cut == nil {
		whole := r.Sub("ELF header", int64(phoff), r.Left())
		whole.Count("program headers", n, int64(segment), maxSegments)
		cut = whole.Err()
	}
	f.load(r, int(min(n, uint64(r.Left()/int64(segment)), maxSegments)), word, segment)
	return f, cmp.Or(r.Err(), cut)
}

// count is how many program headers there are: n, or what the first section header's
// sh_info says.
func count(src io.ReaderAt, size int64, n, shoff uint64, word int) (uint64, error) {
	if n != manySegs {
		return n, nil
	}
	if shoff > uint64(size) {
		return n, fmt.Errorf("its section header is said to be at %#x, and it has %#x bytes", shoff, size)
	}
	r := bin.New("ELF header", src, size)
	r.Seek("section header", int64(shoff))
	r.Skip("section header", int64(12+4*word)) // name, type, flags, address, offset, size, link
	many := uint64(r.U32("number of program headers"))
	if err := r.Err(); err != nil {
		return n, err
	}
	return many, nil
}

// address reads a number of the file's width.
func address(r *bin.Reader, word int, field string) uint64 {
	if word == 4 {
		return uint64(r.U32(field))
	}
	return r.U64(field)
}

// load reads n program headers.
func (f *File) load(r *bin.Reader, n, word, segment int) {
	const batch = 1024 // headers a read
	for n > 0 {
		k := min(n, batch)
		b := bin.FromBytes("program header", r.Bytes("program headers", int64(k*segment), int64(batch*segment)))
		if r.Err() != nil {
			return
		}
		for range k {
			typ := elf.ProgType(b.U32("type"))
			var s Segment
			if word == 8 {
				s.Flags = elf.ProgFlag(b.U32("flags"))
			}
			s.Off, s.Addr, s.Phys = address(b, word, "offset"), address(b, word, "address"), address(b, word, "physical address")
			s.Filed, s.Size = address(b, word, "bytes in the file"), address(b, word, "bytes in memory")
			if word == 4 {
				s.Flags = elf.ProgFlag(b.U32("flags"))
			}
			address(b, word, "alignment")
			switch typ {
			case elf.PT_NOTE:
				f.Notes = append(f.Notes, s)
			case elf.PT_LOAD:
				f.Loads = append(f.Loads, s)
			}
		}
		n -= k
	}
}
