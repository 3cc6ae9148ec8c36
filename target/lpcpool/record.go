package lpcpool

import (
	"bytes"
	"strings"

	"github.com/seed-eedd8485/lpc/isf"
)

// record is the bytes of a structure with its layout. Fields that did not fit into
// the bytes that are there have no value.
type record struct {
	addr  uint64
	b     []byte
	types isf.Types
	l     *isf.Layout
}

// maxRecord bounds what a description may say of a structure's size.
const maxRecord = 1 << 16

// record reads a structure of the pool. One that is not described, or not there,
// gives a record without fields.
func (p *poolState) record(name string, addr uint64) record {
	t := p.description()
	r := record{addr: addr, types: t, l: t.Layout(name)}
	if r.l == nil || r.l.Size <= 0 || r.l.Size > maxRecord {
		r.l = nil
		return r
	}
	r.b = make([]byte, r.l.Size)
	n := 0
	for n < len(r.b) {
		m, why := p.read(r.b[n:], addr&offsetMask+uint64(n))
		if n += m; why != "" {
			break
		}
	}
	r.b = r.b[:n]
	return r
}

// field is the bytes of a field, given by its path: "Cid.UniqueThread".
func (r record) field(path string) ([]byte, *isf.Type) {
	l, off := r.l, 0
	for {
		name, rest, more := strings.Cut(path, ".")
		f := l.Field(name)
		if f == nil || f.Type == nil {
			return nil, nil
		}
		off += f.Offset
		if !more {
			n := size(r.types, f.Type)
			if off < 0 || n <= 0 || n > len(r.b) || off > len(r.b)-n {
				return nil, nil
			}
			return r.b[off : off+n], f.Type
		}
		if f.Type.Kind != isf.Struct {
			return nil, nil
		}
		l, path = r.types.Layout(f.Type.Name), rest
	}
}

// size is how many bytes a value of the type has.
func size(types isf.Types, t *isf.Type) int {
	switch t.Kind {
	case isf.Struct, isf.Union:
		if l := types.Layout(t.Name); l != nil {
			return l.Size
		}
		return 0
	case isf.Array:
		if t.Elem == nil || t.Count <= 0 || t.Count > maxRecord {
			return 0
		}
		n := size(types, t.Elem)
		if n <= 0 || n > maxRecord {
			return 0
		}
		return n * t.Count
	}
	return t.Size
}

// u64 is a number of 1, 2, 4 or 8 bytes.
func (r record) u64(path string) (uint64, bool) {
	b, _ := r.field(path)
	switch len(b) {
	case 1:
		return uint64(b[0]), true
	case 2:
		return uint64(le.Uint16(b)), true
	case 4:
		return uint64(le.Uint32(b)), true
	case 8:
		return le.Uint64(b), true
	}
	return 0, false
}

// text is an array of bytes up to its first zero.
func (r record) text(path string) string {
	b, _ := r.field(path)
	if i := bytes.IndexByte(b, 0); i >= 0 {
		b = b[:i]
	}
	return string(b)
}

// whole tells whether the record is described and all of it is there.
func (r record) whole() bool { return r.l != nil && len(r.b) == r.l.Size }
