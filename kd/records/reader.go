package records

import (
	"encoding/binary"
	"fmt"

	"github.com/seed-eedd8485/lpc/isf"
	"github.com/seed-eedd8485/lpc/target"
)

// A Reader reads records of a target.
type Reader struct {
	T       target.Target
	shapes  map[shapeKey]*shape
	scratch Record // of walks that look at each record once
}

// NewReader reads from t.
func NewReader(t target.Target) *Reader {
	return &Reader{T: t, shapes: map[shapeKey]*shape{}}
}

type shapeKey struct {
	types isf.Types
	name  string
}

// A shape is a structure's description with the paths that were looked up in it.
type shape struct {
	types  isf.Types
	layout *isf.Layout
	fields map[string]*isf.Field // nil: it has none
}

// maxRecord bounds what one record's description can ask for.
const maxRecord = 64 << 10

func (r *Reader) shape(addr uint64, name string) (*shape, error) {
	t := r.T.Types(addr)
	if t == nil {
		return nil, fmt.Errorf("reading %s at %#x: there is no type description for that address", name, addr)
	}
	k := shapeKey{t, name}
	if s := r.shapes[k]; s != nil {
		return s, nil
	}
	l := t.Layout(name)
	if l == nil {
		return nil, fmt.Errorf("reading %s at %#x: %s does not describe it", name, addr, t.Source())
	}
	if l.Size <= 0 || l.Size > maxRecord {
		return nil, fmt.Errorf("reading %s at %#x: %s says that it has %d bytes, expected 1 to %d", name, addr, t.Source(), l.Size, maxRecord)
	}
	s := &shape{types: t, layout: l, fields: map[string]*isf.Field{}}
	r.shapes[k] = s
	return s, nil
}

func (s *shape) field(path string) *isf.Field {
	f, ok := s.fields[path]
	if !ok {
		if found, err := isf.Find(s.types, s.layout, path); err == nil {
			f = &found
		}
		s.fields[path] = f
	}
	return f
}

// Describes tells whether the description for an address has a structure with that
// member.
func (r *Reader) Describes(addr uint64, name, path string) bool {
	s, err := r.shape(addr, name)
	return err == nil && s.field(path) != nil
}

// Ours tells whether the records at an address are those of our processes: theirs
// name channels.
func (r *Reader) Ours(addr uint64) bool { return r.Describes(addr, "_LPCP_PORT_OBJECT", "Channel") }

// Offset is a member's place in its structure. ok is false where it is not described.
func (r *Reader) Offset(addr uint64, name, path string) (off uint64, ok bool) {
	s, err := r.shape(addr, name)
	if err != nil {
		return 0, false
	}
	f := s.field(path)
	if f == nil || f.Offset < 0 {
		return 0, false
	}
	return uint64(f.Offset), true
}

// A Record is a copy of a structure. Its bytes do not change.
type Record struct {
	Addr uint64
	Torn bool // its owner changed it while it was read
	s    *shape
	b    []byte // as much as is there
	err  error  // why not more
}

// Read copies the structure of that name at addr. With an error nothing of it is
// there; of one that ends in absent memory the members that are there are read.
func (r *Reader) Read(addr uint64, name string) (*Record, error) {
	rec := &Record{}
	return rec, r.into(rec, addr, name)
}

// into is Read into a record whose memory is used again.
func (r *Reader) into(rec *Record, addr uint64, name string) error {
	s, err := r.shape(addr, name)
	if err != nil {
		return err
	}
	b := rec.b[:cap(rec.b)]
	if len(b) < s.layout.Size {
		b = make([]byte, s.layout.Size)
	}
	n, whole, err := target.ReadRecord(r.T, addr, b[:s.layout.Size])
	if n == 0 && err != nil {
		return fmt.Errorf("reading %s at %#x: %w", name, addr, err)
	}
	*rec = Record{Addr: addr, Torn: !whole, s: s, b: b[:n], err: err}
	return nil
}

// At is the structure that stands inside a record at a member of it.
func (r *Record) At(path string) uint64 {
	if f := r.s.field(path); f != nil {
		return r.Addr + uint64(f.Offset)
	}
	return 0
}

// Get is a number: a member of 1, 2, 4 or 8 bytes or some bits of one. ok is false
// when the structure has no such member or its bytes are absent.
func (r *Record) Get(path string) (v uint64, ok bool) {
	f := r.s.field(path)
	if f == nil {
		return 0, false
	}
	b := r.bytes(f)
	if b == nil {
		return 0, false
	}
	switch len(b) {
	case 1:
		v = uint64(b[0])
	case 2:
		v = uint64(binary.LittleEndian.Uint16(b))
	case 4:
		v = uint64(binary.LittleEndian.Uint32(b))
	case 8:
		v = binary.LittleEndian.Uint64(b)
	default:
		return 0, false
	}
	if t := f.Type; t.Kind == isf.Bits && t.BitLength > 0 && t.BitLength < 64 {
		v = v >> uint(t.BitPosition) & (1<<uint(t.BitLength) - 1)
	}
	return v, true
}

// First is Get of the first of several names for one member: NT's header wraps in
// unions what ours has plain.
func (r *Record) First(paths ...string) uint64 {
	for _, p := range paths {
		if v, ok := r.Get(p); ok {
			return v
		}
	}
	return 0
}

// U is Get where 0 means none: links, addresses, flags.
func (r *Record) U(path string) uint64 {
	v, _ := r.Get(path)
	return v
}

// Has tells whether the member is described and there.
func (r *Record) Has(path string) bool {
	f := r.s.field(path)
	return f != nil && r.bytes(f) != nil
}

// Text is a member that is an array of bytes, up to its first zero.
func (r *Record) Text(path string) (string, bool) {
	f := r.s.field(path)
	if f == nil {
		return "", false
	}
	b := r.bytes(f)
	for i, c := range b {
		if c == 0 {
			b = b[:i]
			break
		}
	}
	return string(b), b != nil
}

// Bytes are the n bytes from a member on, those that are there and in the structure.
func (r *Record) Bytes(path string, n int) []byte {
	f := r.s.field(path)
	if f == nil || f.Offset < 0 || f.Offset >= len(r.b) {
		return nil
	}
	return r.b[f.Offset:min(f.Offset+max(n, 0), len(r.b))]
}

func (r *Record) bytes(f *isf.Field) []byte {
	if f.Offset < 0 || f.Type.Size <= 0 || f.Offset+f.Type.Size > len(r.b) {
		return nil
	}
	return r.b[f.Offset : f.Offset+f.Type.Size]
}

// Err is why the end of the record is absent, nil when all is there.
func (r *Record) Err() error { return r.err }

// Layout is the record's description.
func (r *Record) Layout() *isf.Layout { return r.s.layout }
