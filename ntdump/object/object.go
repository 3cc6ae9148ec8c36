package object

import (
	"fmt"

	"github.com/seed-eedd8485/lpc/ntdump"
)

// Object is what an object's header says.
type Object struct {
	Body      uint64
	Header    uint64
	New       bool // a header of Windows 7 or later
	Type      uint64
	TypeName  string
	Name      string
	NameErr   error  // why the name cannot be read, where the object has one
	Directory uint64 // that holds it
	Creator   uint64 // process id, where creator information is kept; else 0
	Handles   int64
	Pointers  int64
}

// At reads the object whose body stands at an address. The error says why none does.
func (r *Reader) At(body uint64) (Object, error) {
	o := Object{Body: body, Header: body - uint64(r.at.body), New: r.at.typeIndex >= 0}
	if !r.d.IsKernel(body) || body < uint64(r.at.body) {
		return o, fmt.Errorf("no object stands at %#x: it is no address of the kernel", body)
	}
	if body%uint64(r.ptr) != 0 {
		return o, fmt.Errorf("no object stands at %#x: it is on no boundary of %d", body, r.ptr)
	}
	b := make([]byte, r.at.body+8)
	if err := r.read(o.Header, b[:r.at.body]); err != nil {
		return o, fmt.Errorf("the header of an object at %#x is not readable: %w", body, err)
	}
	o.Pointers, o.Handles = r.count(b, r.at.pointers), r.count(b, r.at.handles)
	var err error
	if o.New {
		o.Type, err = r.typeByIndex(o.Header, b[r.at.typeIndex])
	} else {
		o.Type = r.word(b, r.at.typ)
	}
	if err == nil {
		o.TypeName, err = r.typeName(o.Type)
	}
	if err != nil {
		return o, fmt.Errorf("no object stands at %#x: %w", body, err)
	}
	if o.Pointers < 1 {
		err = fmt.Errorf("the object at %#x has %d references: it was freed, or is being deleted", body, o.Pointers)
	}
	name, creator := r.infos(b)
	if name != 0 {
		r.name(&o, o.Header-name)
	}
	if creator != 0 {
		o.Creator, _ = r.pointer(o.Header - creator + uint64(r.at.creatorProcess)) // one that is absent is not told
	}
	return o, err
}

// creatorInfo is the flag of an old header with the creator's information before it.
const creatorInfo = 4

// infos are the distances from the header back to the name's information and the
// creator's, 0 where there is none.
func (r *Reader) infos(b []byte) (name, creator uint64) {
	if r.at.infoMask >= 0 {
		// The creator's information stands directly before the header, the name's
		// before that; bits 0 and 1 tell of them.
		mask := b[r.at.infoMask]
		if mask&1 != 0 {
			creator = uint64(r.at.creatorSize)
		}
		if mask&2 != 0 {
			name = creator + uint64(r.at.nameSize)
		}
		return name, creator
	}
	if b[r.at.flags]&creatorInfo != 0 {
		creator = uint64(r.at.creatorSize)
	}
	return uint64(b[r.at.nameInfo]), creator
}

// name reads the name's information that stands at an address.
func (r *Reader) name(o *Object, at uint64) {
	dir, err := r.pointer(at + uint64(r.at.nameDirectory))
	if err == nil {
		o.Directory = dir
		o.Name, err = r.d.UnicodeString(ntdump.Space{}, at+uint64(r.at.nameText))
	}
	if err != nil {
		o.NameErr = err
	}
}

// typeName is the name of the type object at an address: an object whose own type is
// that of types.
func (r *Reader) typeName(at uint64) (string, error) {
	if name, ok := r.names[at]; ok {
		return name, nil
	}
	if !r.d.IsKernel(at) || at%uint64(r.ptr) != 0 {
		return "", fmt.Errorf("its type would stand at %#x, which is no address of an object", at)
	}
	if of, err := r.variable(ntdump.ObpTypeObjectType, "ObpTypeObjectType"); err == nil && r.at.typeIndex < 0 {
		own, err := r.pointer(at - uint64(r.at.body) + uint64(r.at.typ))
		if err != nil {
			return "", fmt.Errorf("its type at %#x is not readable: %w", at, err)
		}
		if own != of {
			return "", fmt.Errorf("its type would be at %#x, where no type stands", at)
		}
	}
	name, err := r.d.UnicodeString(ntdump.Space{}, at+uint64(r.at.typeName))
	if err != nil {
		return "", fmt.Errorf("the name of its type at %#x is not readable: %w", at, err)
	}
	if name == "" || len(name) > maxTypeName {
		return "", fmt.Errorf("its type would be at %#x, where no type stands", at)
	}
	r.names[at] = name
	return name, nil
}

// maxTypeName is more characters than the name of any type has.
const maxTypeName = 64

// typeByIndex is the type object that a header of Windows 7 or later names: an index
// into ObTypeIndexTable. Windows 10 mixes it with the second byte of the header's
// address and a byte of ObHeaderCookie.
func (r *Reader) typeByIndex(header uint64, index byte) (uint64, error) {
	table, ok := r.symbol("ObTypeIndexTable")
	if !ok {
		return 0, fmt.Errorf("%s has no symbol ObTypeIndexTable, by which headers of this build name types", r.types.Source())
	}
	if cookie, ok := r.symbol("ObHeaderCookie"); ok {
		var b [1]byte
		if err := r.read(cookie, b[:]); err != nil {
			return 0, fmt.Errorf("ObHeaderCookie is not readable: %w", err)
		}
		index ^= b[0] ^ byte(header>>8)
	}
	at, err := r.pointer(table + uint64(index)*uint64(r.ptr))
	if err != nil {
		return 0, fmt.Errorf("entry %d of ObTypeIndexTable is not readable: %w", index, err)
	}
	return at, nil
}
