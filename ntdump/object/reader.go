package object

import (
	"encoding/binary"
	"fmt"

	"github.com/seed-eedd8485/lpc/isf"
	"github.com/seed-eedd8485/lpc/ntdump"
)

// A Reader reads the objects of one dump by one description.
type Reader struct {
	d     *ntdump.Dump
	types isf.Types
	ptr   int
	at    members
	names map[uint64]string // of type objects
	paths map[uint64]string // of directories
}

// members are the places of what is read of every object.
type members struct {
	body, pointers, handles, typ, nameInfo, flags int // of _OBJECT_HEADER
	typeIndex, infoMask                           int // Windows 7 and later; -1: there is none
	creatorSize, creatorList, creatorProcess      int
	nameSize, nameDirectory, nameText             int
	typeName, typeList, typeCount                 int
	buckets, bucketCount                          int
	link, object                                  int // of _OBJECT_DIRECTORY_ENTRY
}

// New looks up what objects consist of. The error names the first member that the
// dump's types do not describe.
func New(d *ntdump.Dump) (*Reader, error) {
	t := d.Types()
	if t == nil {
		h := d.Header()
		return nil, fmt.Errorf("the structures of build %d of %s are not known", h.Build, h.Machine)
	}
	r := &Reader{d: d, types: t, ptr: d.PointerSize(), names: map[uint64]string{}, paths: map[uint64]string{}}
	m := &r.at
	m.typeIndex, m.infoMask = r.maybe("_OBJECT_HEADER", "TypeIndex"), r.maybe("_OBJECT_HEADER", "InfoMask")
	var err error
	get := func(to *int, structure, path string) {
		if err != nil {
			return
		}
		if *to = r.maybe(structure, path); *to < 0 {
			err = fmt.Errorf("%s does not describe %s.%s", t.Source(), structure, path)
		}
	}
	get(&m.body, "_OBJECT_HEADER", "Body")
	get(&m.pointers, "_OBJECT_HEADER", "PointerCount")
	get(&m.handles, "_OBJECT_HEADER", "HandleCount")
	if m.typeIndex < 0 || m.infoMask < 0 {
		m.typeIndex, m.infoMask = -1, -1
		get(&m.typ, "_OBJECT_HEADER", "Type")
		get(&m.nameInfo, "_OBJECT_HEADER", "NameInfoOffset")
		get(&m.flags, "_OBJECT_HEADER", "Flags")
	}
	get(&m.nameDirectory, "_OBJECT_HEADER_NAME_INFO", "Directory")
	get(&m.nameText, "_OBJECT_HEADER_NAME_INFO", "Name")
	get(&m.creatorList, "_OBJECT_HEADER_CREATOR_INFO", "TypeList")
	get(&m.creatorProcess, "_OBJECT_HEADER_CREATOR_INFO", "CreatorUniqueProcess")
	get(&m.typeName, "_OBJECT_TYPE", "Name")
	get(&m.typeList, "_OBJECT_TYPE", "TypeList")
	get(&m.typeCount, "_OBJECT_TYPE", "TotalNumberOfObjects")
	get(&m.buckets, "_OBJECT_DIRECTORY", "HashBuckets")
	get(&m.link, "_OBJECT_DIRECTORY_ENTRY", "ChainLink")
	get(&m.object, "_OBJECT_DIRECTORY_ENTRY", "Object")
	if err != nil {
		return nil, err
	}
	m.creatorSize, m.nameSize = t.Layout("_OBJECT_HEADER_CREATOR_INFO").Size, t.Layout("_OBJECT_HEADER_NAME_INFO").Size
	m.bucketCount = maxBuckets
	if f := t.Layout("_OBJECT_DIRECTORY").Field("HashBuckets"); f != nil && f.Type.Count > 0 {
		m.bucketCount = min(f.Type.Count, maxBuckets)
	}
	for _, off := range []int{m.pointers, m.handles, m.typ, m.nameInfo, m.flags, m.typeIndex, m.infoMask} {
		if off > m.body {
			return nil, fmt.Errorf("%s describes a member of an object's header behind its body", t.Source())
		}
	}
	if m.body < 0 || m.body > maxHeader || m.creatorSize > maxHeader || m.nameSize > maxHeader {
		return nil, fmt.Errorf("%s describes an object's header of more than %#x bytes", t.Source(), maxHeader)
	}
	return r, nil
}

// maxHeader is more than any header or information before it has; maxBuckets more
// than any directory.
const (
	maxHeader  = 0x400
	maxBuckets = 37
)

// maybe is where a member stands, -1 where it is not described.
func (r *Reader) maybe(structure, path string) int {
	l := r.types.Layout(structure)
	if l == nil {
		return -1
	}
	f, err := isf.Find(r.types, l, path)
	if err != nil || f.Offset < 0 {
		return -1
	}
	return f.Offset
}

// read fills b from a kernel address; a part is an error.
func (r *Reader) read(at uint64, b []byte) error {
	if !r.d.IsKernel(at) {
		return fmt.Errorf("%#x is no address of the kernel", at)
	}
	_, err := r.d.ReadMemory(at, b)
	return err
}

// pointer reads a pointer.
func (r *Reader) pointer(at uint64) (uint64, error) {
	var b [8]byte
	err := r.read(at, b[:r.ptr])
	return binary.LittleEndian.Uint64(b[:]), err
}

// u32 reads a number of 4 bytes.
func (r *Reader) u32(at uint64) (uint32, error) {
	var b [4]byte
	err := r.read(at, b[:])
	return binary.LittleEndian.Uint32(b[:]), err
}

// word takes a pointer out of bytes.
func (r *Reader) word(b []byte, off int) uint64 {
	return ntdump.Word(b[off:], r.ptr)
}

// count takes a signed number as long as a pointer out of bytes.
func (r *Reader) count(b []byte, off int) int64 {
	if r.ptr == 4 {
		return int64(int32(binary.LittleEndian.Uint32(b[off:])))
	}
	return int64(binary.LittleEndian.Uint64(b[off:]))
}

// variable reads the pointer in a kernel variable that the debugger data names.
func (r *Reader) variable(f ntdump.Field, name string) (uint64, error) {
	at, ok := r.d.Debugger().Address(f)
	if !ok {
		return 0, fmt.Errorf("the debugger data does not say where %s stands", name)
	}
	v, err := r.pointer(at)
	if err == nil && !r.d.IsKernel(v) {
		err = fmt.Errorf("%s holds %#x, which is no address of the kernel", name, v)
	}
	return v, err
}

// symbol is the address of a kernel variable that the types name.
func (r *Reader) symbol(name string) (uint64, bool) {
	rva, ok := r.types.Symbol(name)
	base, known := r.d.Debugger().Address(ntdump.KernBase)
	return base + rva, ok && known
}
