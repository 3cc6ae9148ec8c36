package pdb

import (
	"fmt"
	"strconv"

	"github.com/seed-eedd8485/lpc/isf"
)

// Limits of what a record may say; isf.New has the same and refuses the whole,
// where here only the member is left out and told by Skipped.
const (
	maxSize  = 1 << 30
	maxDepth = 24 // isf allows 32
)

// converter makes structures of type records.
type converter struct {
	types   *typeStream
	udts    map[uint32]*udt      // by index
	home    map[uint32]uint32    // forward reference or duplicate -> index of the definition
	names   map[uint32]string    // of definitions, as published
	cache   map[uint32]*isf.Type // by index
	skipped *notes
}

// convert reads every structure and enumeration of the stream. Only a stream that
// cannot be walked is an error; a single record that is not understood is skipped
// and noted.
func convert(types *typeStream, skipped *notes) (layouts []isf.Layout, enums []isf.Enumeration) {
	c := &converter{
		types: types, udts: map[uint32]*udt{}, home: map[uint32]uint32{}, names: map[uint32]string{},
		cache: map[uint32]*isf.Type{}, skipped: skipped,
	}
	for _, index := range c.collect() {
		u := c.udts[index]
		if u.isEnum() {
			if e, ok := c.enumeration(index, u); ok {
				enums = append(enums, e)
			}
			continue
		}
		layouts = append(layouts, c.layout(index, u))
	}
	return layouts, enums
}

// collect finds the definitions, gives each a name that no other has, and points
// forward references at them. It returns the definitions' indices in order.
func (c *converter) collect() []uint32 {
	var order []uint32
	definitions := map[string]uint32{} // by key
	taken := map[string]bool{}
	for i, r := range c.types.recs {
		index := c.types.index(i)
		u, ok, err := readUDT(r)
		if err != nil {
			c.skipped.add("type %#x: %v", index, err)
		}
		if !ok {
			continue
		}
		c.udts[index] = &u
		if u.props&propForward != 0 {
			continue
		}
		if u.size > maxSize {
			c.skipped.add("type %s: it has %d bytes, expected at most %d", u.name, u.size, maxSize)
			delete(c.udts, index)
			continue
		}
		// Two modules may describe one structure; what is equal is one. Of those
		// without a name each is its own, unless decorated names tell.
		same, known := definitions[u.key()]
		anonymous := u.unnamed() && u.unique == ""
		if known && !anonymous {
			if o := c.udts[same]; o.size == u.size && (o.fields == u.fields || c.sameMembers(o, &u)) {
				c.home[index] = same
				continue
			}
		} else if !anonymous {
			definitions[u.key()] = index
		}
		name := u.name
		if u.unnamed() {
			name = "__unnamed_" + strconv.FormatUint(uint64(index), 16)
		}
		if taken[name] {
			name += "_" + strconv.FormatUint(uint64(index), 16)
		}
		for taken[name] { // somebody called a structure so
			name += "_"
		}
		taken[name] = true
		c.names[index] = name
		order = append(order, index)
	}
	for index, u := range c.udts {
		if u.props&propForward == 0 {
			continue
		}
		if d, ok := definitions[u.key()]; ok {
			c.home[index] = d
		}
	}
	return order
}

// sameMembers compares two definitions of a name.
func (c *converter) sameMembers(a, b *udt) bool {
	x, err := c.types.members(a.fields)
	if err != nil {
		return false
	}
	y, err := c.types.members(b.fields)
	if err != nil || len(x) != len(y) {
		return false
	}
	for i := range x {
		if x[i].name != y[i].name || x[i].offset != y[i].offset || x[i].leaf != y[i].leaf {
			return false
		}
	}
	return true
}

func (c *converter) layout(index uint32, u *udt) isf.Layout {
	l := isf.Layout{Name: c.names[index], Kind: isf.Struct, Size: int(u.size)}
	if u.isUnion() {
		l.Kind = isf.Union
	}
	list, err := c.types.members(u.fields)
	if err != nil {
		c.skipped.add("%s: %v; its members behind are not described", l.Name, err)
	}
	for _, m := range list {
		f := isf.Field{Name: m.name, Offset: int(m.offset)}
		if m.offset < 0 || m.offset > maxSize {
			c.skipped.add("%s.%s: it stands at offset %d", l.Name, m.name, m.offset)
			continue
		}
		switch m.leaf {
		case lfVfunctab:
			f.Name = "__VFN_table"
		case lfBclass:
			f.Anonymous = true
		case lfVbclass, lfIvbclass:
			c.skipped.add("%s: where a virtual base stands is known at run time only", l.Name)
			continue
		case lfEnumerate, lfEnumerateST:
			continue
		}
		if f.Type, err = c.typeOf(m.typ, 0); err != nil {
			c.skipped.add("%s.%s: %v", l.Name, m.name, err)
			continue
		}
		if f.Anonymous { // a base class; its members count as the structure's own
			f.Name = f.Type.Name
		}
		l.Fields = append(l.Fields, f)
	}
	return l
}

func (c *converter) enumeration(index uint32, u *udt) (isf.Enumeration, bool) {
	e := isf.Enumeration{Name: c.names[index]}
	base, err := c.typeOf(u.base, 0)
	if err == nil && base.Kind != isf.Base {
		err = fmt.Errorf("it is made of %s, which is no number", isf.TypeText(base))
	}
	if err != nil {
		c.skipped.add("enumeration %s: %v", e.Name, err)
		return e, false
	}
	e.Base = base
	list, err := c.types.members(u.fields)
	if err != nil {
		c.skipped.add("enumeration %s: %v; its values behind are not described", e.Name, err)
	}
	for _, m := range list {
		if m.leaf != lfEnumerate && m.leaf != lfEnumerateST {
			continue
		}
		v := m.offset
		// A negative value may stand as an unsigned number of the base's width.
		if base.Signed && base.Size > 0 && base.Size < 8 {
			shift := 64 - 8*base.Size
			v = v << shift >> shift
		}
		e.Values = append(e.Values, isf.Value{Name: m.name, Value: v})
	}
	return e, true
}

// typeOf is the type of an index. Records refer to earlier ones only, but a
// damaged file may not: depth ends it.
func (c *converter) typeOf(index uint32, depth int) (*isf.Type, error) {
	if t, ok := c.cache[index]; ok {
		return t, nil
	}
	if depth > maxDepth {
		return nil, fmt.Errorf("type %#x is nested deeper than %d levels", index, maxDepth)
	}
	t, err := c.read(index, depth)
	if err == nil && depth == 0 {
		// Only what was reached from the start: within a type too deep for the
		// one it stands in, the same type may be short enough elsewhere.
		c.cache[index] = t
	}
	return t, err
}

func (c *converter) read(index uint32, depth int) (*isf.Type, error) {
	if index < c.types.first {
		if t := simpleType(index); t != nil {
			return t, nil
		}
		return nil, fmt.Errorf("type %#x is not known", index)
	}
	if u := c.udts[index]; u != nil {
		return c.reference(index, u, depth)
	}
	r, ok := c.types.record(index)
	if !ok {
		return nil, fmt.Errorf("type %#x is not in the file", index)
	}
	in := newCursor("type record", r.body)
	switch r.leaf {
	case lfModifier:
		under := in.U32("type")
		if err := in.err(); err != nil {
			return nil, err
		}
		return c.typeOf(under, depth+1)
	case lfPointer:
		return c.pointer(&in, depth)
	case lfArray, lfArrayST:
		return c.array(&in, depth)
	case lfBitfield:
		return c.bits(&in, depth)
	case lfProcedure, lfMFunction:
		returns := in.U32("type returned")
		if err := in.err(); err != nil {
			return nil, err
		}
		t := &isf.Type{Kind: isf.Func}
		if elem, err := c.typeOf(returns, depth+1); err == nil {
			t.Elem = elem
		}
		return t, nil
	case lfVtshape, lfLabel, lfVftable: // pointed to only
		return &isf.Type{Kind: isf.Func}, nil
	}
	return nil, fmt.Errorf("type %#x is of kind %#x, which is not read", index, r.leaf)
}

// reference is the type of a member that is a structure or an enumeration.
func (c *converter) reference(index uint32, u *udt, depth int) (*isf.Type, error) {
	if d, ok := c.home[index]; ok {
		index, u = d, c.udts[d]
	}
	name, defined := c.names[index]
	if !defined {
		name = u.name // declared and never defined; isf.Types has no layout for it
		if name == "" {
			name = "__unnamed_" + strconv.FormatUint(uint64(index), 16)
		}
	}
	t := &isf.Type{Kind: isf.Struct, Name: name, Size: int(u.size)}
	switch {
	case u.isEnum():
		t.Kind = isf.Enum
		base, err := c.typeOf(u.base, depth+1)
		if err != nil {
			return nil, err
		}
		t.Size, t.Signed = base.Size, base.Signed
	case u.isUnion():
		t.Kind = isf.Union
	}
	if u.size > maxSize {
		return nil, fmt.Errorf("%s has %d bytes", name, u.size)
	}
	return t, nil
}

func (c *converter) pointer(in *cursor, depth int) (*isf.Type, error) {
	to, attributes := in.U32("type pointed to"), in.U32("attributes")
	if err := in.err(); err != nil {
		return nil, err
	}
	t := &isf.Type{Kind: isf.Pointer, Size: pointerBytes(attributes)}
	if t.Size == 0 {
		return nil, fmt.Errorf("a pointer is of kind %#x, which is not read", attributes&0x1f)
	}
	if mode := attributes >> 5 & 7; mode == 2 || mode == 3 {
		// To a member of a class: an offset or more, and no address.
		return number(fmt.Sprintf("pointer to member of %d bytes", t.Size), t.Size, true), nil
	}
	elem, err := c.typeOf(to, depth+1)
	if err != nil {
		return nil, err
	}
	if elem.Kind != isf.Base || elem.Size > 0 {
		t.Elem = elem
	}
	return t, nil
}

// pointerBytes is the size of a pointer by its attributes, 0 when they do not tell.
func pointerBytes(attributes uint32) int {
	if n := int(attributes >> 13 & 0x3f); n != 0 {
		return n
	}
	switch attributes & 0x1f { // before 2003 the kind alone told
	case 0x0a: // near, 32 bits
		return 4
	case 0x0c: // 64 bits
		return 8
	}
	return 0
}

func (c *converter) array(in *cursor, depth int) (*isf.Type, error) {
	of := in.U32("type of an element")
	in.U32("type of the subscript")
	size := in.number("size")
	if err := in.err(); err != nil {
		return nil, err
	}
	elem, err := c.typeOf(of, depth+1)
	if err != nil {
		return nil, err
	}
	if size < 0 || size > maxSize {
		return nil, fmt.Errorf("an array has %d bytes, expected at most %d", size, maxSize)
	}
	t := &isf.Type{Kind: isf.Array, Size: int(size), Elem: elem}
	if n := elem.Size; n > 0 {
		t.Count = int(size) / n
	}
	return t, nil
}

func (c *converter) bits(in *cursor, depth int) (*isf.Type, error) {
	under, length, position := in.U32("type"), int(in.U8("number of bits")), int(in.U8("first bit"))
	if err := in.err(); err != nil {
		return nil, err
	}
	elem, err := c.typeOf(under, depth+1)
	if err != nil {
		return nil, err
	}
	if length < 1 || position+length > 8*elem.Size {
		return nil, fmt.Errorf("%d bits from bit %d on do not fit in %d bytes", length, position, elem.Size)
	}
	return &isf.Type{Kind: isf.Bits, Size: elem.Size, Elem: elem, BitPosition: position, BitLength: length}, nil
}
