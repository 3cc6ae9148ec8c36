package isf

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Parse reads an ISF JSON file. source names it for people and in errors. The
// result keeps nothing of data. It is a Described.
//
// Formats 2 to 6 are read (volatility3 counts them in metadata.format; what is
// read here did not change). What a type cannot be is refused with the name of
// the structure and field; a structure that is only referred to is no error.
func Parse(source string, data []byte) (Types, error) {
	var f file
	d := json.NewDecoder(bytes.NewReader(data))
	if err := d.Decode(&f); err != nil {
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			err = fmt.Errorf("the JSON ends before it is complete, after %d bytes", len(data))
		}
		return nil, fmt.Errorf("%s: %w", source, err)
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, fmt.Errorf("%s: something follows the JSON object at byte %d", source, d.InputOffset())
	}
	c, err := f.content(source)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", source, err)
	}
	return New(c)
}

// scope resolves the names of base types and of sizes of user types.
type scope struct {
	base  map[string]*Type
	sizes map[string]int // of user types and of enumerations
	ptr   int
}

func (f *file) content(source string) (Content, error) {
	c := Content{Source: source}
	if f.Metadata == nil {
		return c, errors.New("it has no metadata, so it is no ISF file")
	}
	c.Metadata = f.Metadata.metadata()
	if major, _, _ := strings.Cut(c.Metadata.Format, "."); len(major) != 1 || major < "2" || major > "6" {
		return c, fmt.Errorf("its format is %q, expected 2 to 6", c.Metadata.Format)
	}
	sc, err := f.scope()
	if err != nil {
		return c, err
	}
	c.PointerSize = sc.ptr
	for _, u := range f.UserTypes {
		l := Layout{Name: u.name, Kind: Struct, Size: *u.value.Size}
		if u.value.Kind == "union" {
			l.Kind = Union
		}
		for _, fl := range u.value.Fields {
			if fl.value.Offset == nil {
				return c, fmt.Errorf("%s.%s has no offset", u.name, fl.name)
			}
			t, err := sc.typeOf(fl.value.Type, 0)
			if err != nil {
				return c, fmt.Errorf("%s.%s: %w", u.name, fl.name, err)
			}
			l.Fields = append(l.Fields, Field{Name: fl.name, Offset: *fl.value.Offset, Type: t, Anonymous: fl.value.Anonymous})
		}
		c.Layouts = append(c.Layouts, l)
	}
	for _, e := range f.Enums {
		base := sc.base[e.value.Base]
		if base == nil {
			return c, fmt.Errorf("enumeration %s is made of %q, which is not described", e.name, e.value.Base)
		}
		en := Enumeration{Name: e.name, Base: base}
		for _, v := range e.value.Constants {
			en.Values = append(en.Values, Value{Name: v.name, Value: int64(v.value.bits)})
		}
		c.Enums = append(c.Enums, en)
	}
	for _, s := range f.Symbols {
		if s.value.Address == nil {
			return c, fmt.Errorf("symbol %s has no address", s.name)
		}
		c.Symbols = append(c.Symbols, Symbol{Name: s.name, RVA: s.value.Address.bits})
	}
	return c, nil
}

func (m *fileMeta) metadata() Metadata {
	out := Metadata{Format: m.Format, Producer: m.Producer.Name, Version: m.Producer.Version}
	if m.Windows != nil && m.Windows.PDB != nil {
		p := m.Windows.PDB
		out.GUID = strings.ToUpper(strings.NewReplacer("-", "", "{", "", "}", "").Replace(p.GUID))
		out.Age, out.PDB, out.Machine = p.Age, p.Database, p.Machine
	}
	return out
}

// scope checks what has names and notes the sizes.
func (f *file) scope() (*scope, error) {
	// Hand-written files use void without describing it.
	sc := &scope{base: map[string]*Type{"void": {Kind: Base, Name: "void"}}, sizes: map[string]int{}}
	for _, b := range f.BaseTypes {
		t := &Type{Kind: Base, Name: b.name, Signed: b.value.Signed, Float: b.value.Kind == "float"}
		switch b.value.Kind {
		case "void", "int", "float", "char", "bool":
		default:
			return nil, fmt.Errorf("base type %s is of kind %q, expected void, int, float, char or bool", b.name, b.value.Kind)
		}
		if b.value.Endian == "big" && b.value.Size != nil && *b.value.Size > 1 {
			return nil, fmt.Errorf("base type %s is big-endian, which is not read", b.name)
		}
		if b.value.Size == nil || *b.value.Size < 0 || *b.value.Size > 64 {
			return nil, fmt.Errorf("base type %s has no size from 0 to 64 bytes", b.name)
		}
		t.Size = *b.value.Size
		sc.base[b.name] = t
	}
	for _, u := range f.UserTypes {
		switch u.value.Kind {
		case "struct", "union", "class":
		default:
			return nil, fmt.Errorf("%s is of kind %q, expected struct, union or class", u.name, u.value.Kind)
		}
		if u.value.Size == nil {
			return nil, fmt.Errorf("%s has no size", u.name)
		}
		sc.sizes[u.name] = *u.value.Size
	}
	for _, e := range f.Enums {
		if e.value.Size == nil {
			return nil, fmt.Errorf("enumeration %s has no size", e.name)
		}
		if _, taken := sc.sizes[e.name]; taken {
			return nil, fmt.Errorf("%s is both a structure and an enumeration", e.name)
		}
		sc.sizes[e.name] = *e.value.Size
	}
	if p := sc.base["pointer"]; p != nil {
		sc.ptr = p.Size
		return sc, nil
	}
	switch m := f.Metadata.metadata().Machine; m {
	case 0x14c: // IMAGE_FILE_MACHINE_I386
		sc.ptr = 4
	case 0x8664, 0xaa64: // AMD64, ARM64
		sc.ptr = 8
	default:
		return nil, errors.New(`neither base_types has a "pointer" nor metadata a machine type that tells the size of one`)
	}
	return sc, nil
}

// typeOf reads a type descriptor.
func (sc *scope) typeOf(d *desc, depth int) (*Type, error) {
	if d == nil {
		return nil, errors.New("no type is given")
	}
	if depth > maxDepth {
		return nil, fmt.Errorf("its type is nested deeper than %d levels", maxDepth)
	}
	switch d.Kind {
	case "base":
		t := sc.base[d.Name]
		if t == nil {
			return nil, fmt.Errorf("base type %q is not described", d.Name)
		}
		return t, nil
	case "struct", "class":
		return &Type{Kind: Struct, Name: d.Name, Size: sc.sizes[d.Name]}, nil
	case "union":
		return &Type{Kind: Union, Name: d.Name, Size: sc.sizes[d.Name]}, nil
	case "enum":
		return &Type{Kind: Enum, Name: d.Name, Size: sc.sizes[d.Name]}, nil
	case "function":
		return &Type{Kind: Func}, nil
	case "pointer":
		t := &Type{Kind: Pointer, Size: sc.ptr}
		if d.Base != "" {
			b := sc.base[d.Base]
			if b == nil {
				return nil, fmt.Errorf("a pointer is made of %q, which is not described", d.Base)
			}
			t.Size = b.Size
		}
		elem, err := sc.typeOf(d.Subtype, depth+1)
		if err != nil {
			return nil, err
		}
		if elem.Kind != Base || elem.Size > 0 || elem.Name != "void" {
			t.Elem = elem
		}
		return t, nil
	case "array":
		if d.Count == nil {
			return nil, errors.New("an array has no count")
		}
		elem, err := sc.typeOf(d.Subtype, depth+1)
		if err != nil {
			return nil, err
		}
		t := &Type{Kind: Array, Elem: elem, Count: *d.Count}
		// A count out of range is refused by New; here the product must not wrap.
		if t.Count > 0 && (elem.Size == 0 || t.Count <= maxSize/elem.Size) {
			t.Size = t.Count * elem.Size
		}
		return t, nil
	case "bitfield":
		if d.BitPosition == nil || d.BitLength == nil {
			return nil, errors.New("a bit field has no bit_position or no bit_length")
		}
		elem, err := sc.typeOf(d.Type, depth+1)
		if err != nil {
			return nil, err
		}
		return &Type{Kind: Bits, Size: elem.Size, Elem: elem, BitPosition: *d.BitPosition, BitLength: *d.BitLength}, nil
	}
	return nil, fmt.Errorf("its type is of kind %q, expected base, pointer, array, struct, union, class, enum, function or bitfield", d.Kind)
}
