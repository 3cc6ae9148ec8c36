package pe

import (
	"fmt"

	"github.com/seed-eedd8485/lpc/bin"
)

// Memory is an address space that holds an image: fewer bytes than asked for come
// with an error.
type Memory interface {
	ReadMemory(addr uint64, dst []byte) (int, error)
}

// Image is an executable image whose headers were read.
type Image struct {
	Machine     uint16 // IMAGE_FILE_MACHINE_*
	Stamp       uint32 // TimeDateStamp
	Size        uint32 // SizeOfImage, bytes in memory
	CheckSum    uint32
	Bits        int // 32 or 64
	Sections    []Section
	Directories []Directory // by IMAGE_DIRECTORY_ENTRY_*; at most 16

	headers uint32 // SizeOfHeaders
	source  source
}

// Section is one of an image's sections. Sizes are bytes.
type Section struct {
	Name     string
	RVA      uint32 // from the image's base
	Size     uint32 // in memory
	Raw      uint32 // offset in the file
	RawSize  uint32 // in the file
	Features uint32 // Characteristics
}

// Directory is a table of the image.
type Directory struct{ RVA, Size uint32 }

// Indices of directories.
const (
	DirExport    = 0
	DirImport    = 1
	DirException = 3
	DirDebug     = 6
)

// source reads an image by addresses from its base.
type source interface {
	readRVA(rva uint32, dst []byte) error
}

// memory is an image in an address space.
type memory struct {
	m    Memory
	base uint64
}

func (m memory) readRVA(rva uint32, dst []byte) error {
	n, err := m.m.ReadMemory(m.base+uint64(rva), dst)
	if n < len(dst) && err == nil {
		err = fmt.Errorf("%d of %d bytes are there", n, len(dst))
	}
	return err
}

// Loaded reads the headers of an image in memory.
func Loaded(m Memory, base uint64) (*Image, error) { return read(memory{m, base}) }

// ReadRVA fills dst from an address on that counts from the image's base.
func (i *Image) ReadRVA(rva uint32, dst []byte) error {
	if uint64(rva)+uint64(len(dst)) > uint64(i.Size) {
		return fmt.Errorf("%d bytes at offset %#x lie outside of the image, which has %#x", len(dst), rva, i.Size)
	}
	return i.source.readRVA(rva, dst)
}

// Bounds of what headers may say.
const (
	maxSections    = 96 // the loader's own limit (PE Format, "COFF File Header")
	maxDirectories = 16
	maxHeader      = 0x1000 // of the place of the PE header: it stands in the image's first page
)

// read reads and checks the headers.
func read(src source) (*Image, error) {
	get := func(what string, rva uint32, size int) (*bin.Reader, error) {
		b := make([]byte, size)
		if err := src.readRVA(rva, b); err != nil {
			return nil, fmt.Errorf("reading the image's %s: %w", what, err)
		}
		return bin.FromBytes(what, b), nil
	}
	r, err := get("DOS header", 0, 0x40)
	if err != nil {
		return nil, err
	}
	magic := r.U16("e_magic")
	r.Seek("e_lfanew", 0x3c)
	at := r.U32("e_lfanew")
	if magic != 0x5a4d || at > maxHeader || at%4 != 0 {
		return nil, fmt.Errorf("no image begins there: the first word is %#x and the PE header is said to be at %#x, expected 0x5a4d and at most %#x", magic, at, maxHeader)
	}
	if r, err = get("PE header", at, 0x18); err != nil {
		return nil, err
	}
	if sig := r.U32("signature"); sig != 0x4550 {
		return nil, fmt.Errorf("no image begins there: the PE header begins with %#x, expected 0x4550", sig)
	}
	i := &Image{source: src, Machine: r.U16("machine")}
	sections := int(r.U16("number of sections"))
	i.Stamp = r.U32("time stamp")
	r.Skip("symbol table", 8)
	optional := int(r.U16("size of the optional header"))
	if sections > maxSections || optional < 0x60 || optional > maxHeader {
		return nil, fmt.Errorf("the image's header has %d sections and an optional part of %d bytes, expected at most %d and %d to %d", sections, optional, maxSections, 0x60, maxHeader)
	}
	if r, err = get("optional header", at+0x18, optional); err != nil {
		return nil, err
	}
	if err := i.optional(r); err != nil {
		return nil, err
	}
	if r, err = get("section table", at+0x18+uint32(optional), 40*sections); err != nil {
		return nil, err
	}
	i.table(r, sections)
	return i, r.Err()
}

// optional reads the optional header, which every image has.
func (i *Image) optional(r *bin.Reader) error {
	var dirs int64 // where the number of directories stands
	switch magic := r.U16("magic"); magic {
	case 0x10b:
		i.Bits, dirs = 32, 0x5c
	case 0x20b:
		i.Bits, dirs = 64, 0x6c
	default:
		return fmt.Errorf("the image's optional header begins with %#x, expected 0x10b or 0x20b", magic)
	}
	r.Seek("SizeOfImage", 0x38)
	i.Size, i.headers, i.CheckSum = r.U32("SizeOfImage"), r.U32("SizeOfHeaders"), r.U32("CheckSum")
	r.Seek("NumberOfRvaAndSizes", dirs)
	n := min(r.U32("NumberOfRvaAndSizes"), maxDirectories)
	for range n {
		if r.Left() < 8 {
			break
		}
		i.Directories = append(i.Directories, Directory{r.U32("directory"), r.U32("size of a directory")})
	}
	return r.Err()
}

// table reads the section table.
func (i *Image) table(r *bin.Reader, n int) {
	for range n {
		name := r.Bytes("name", 8, 8)
		s := Section{Size: r.U32("VirtualSize"), RVA: r.U32("VirtualAddress"), RawSize: r.U32("SizeOfRawData"), Raw: r.U32("PointerToRawData")}
		r.Skip("relocations and lines", 12)
		s.Features = r.U32("Characteristics")
		for k, b := range name {
			if b == 0 {
				name = name[:k]
				break
			}
		}
		s.Name = string(name)
		i.Sections = append(i.Sections, s)
	}
}
