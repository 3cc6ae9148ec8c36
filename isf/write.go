package isf

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
)

// writtenFormat is the schema that Write follows; volatility3 reads it too.
const writtenFormat = "6.2.0"

// Write saves a description as ISF JSON: a PDB read once becomes a file for .isf.
// What the format has no place for is left out: the ends of functions and what a
// function returns. t must be a Described, as all that this package makes.
func Write(w io.Writer, t Types) error {
	d, ok := t.(Described)
	if !ok {
		return fmt.Errorf("writing %s: it cannot list all that it holds", t.Source())
	}
	c := d.Content()
	wr := writer{base: map[string]baseType{}, ptr: c.PointerSize}
	wr.number("pointer", baseType{Size: &c.PointerSize, Kind: "int", Endian: "little"})
	f := file{Metadata: &fileMeta{Format: writtenFormat}, UserTypes: object[userType]{}, Enums: object[enumType]{}, Symbols: object[symbol]{}}
	f.Metadata.Producer = fileProducer{Name: cmp.Or(c.Metadata.Producer, "lpc"), Version: cmp.Or(c.Metadata.Version, "1.0.0")}
	if m := c.Metadata; m.GUID != "" || m.Machine != 0 {
		f.Metadata.Windows = &fileWindows{PDB: &filePDB{GUID: m.GUID, Age: m.Age, Database: m.PDB, Machine: m.Machine}}
	}
	for _, l := range c.Layouts {
		u := userType{Kind: "struct", Size: &l.Size, Fields: object[field]{}}
		if l.Kind == Union {
			u.Kind = "union"
		}
		seen := map[string]int{}
		for i := range l.Fields {
			fl := &l.Fields[i]
			name := fl.Name
			// The format names every member; an unnamed one gets a name as
			// dwarf2json gives it, and so does the second of two namesakes
			// (bases of a C++ class).
			if seen[fl.Name]++; name == "" || seen[fl.Name] > 1 {
				name = fmt.Sprintf("unnamed_field_%d", i)
			}
			u.Fields = append(u.Fields, entry[field]{name, field{Offset: &fl.Offset, Type: wr.desc(fl.Type), Anonymous: fl.Anonymous}})
		}
		f.UserTypes = append(f.UserTypes, entry[userType]{l.Name, u})
	}
	for _, e := range c.Enums {
		en := enumType{Size: &e.Base.Size, Base: e.Base.Name, Constants: object[number]{}}
		wr.desc(e.Base)
		for _, v := range e.Values {
			en.Constants = append(en.Constants, entry[number]{v.Name, number{bits: uint64(v.Value), negative: v.Value < 0}})
		}
		f.Enums = append(f.Enums, entry[enumType]{e.Name, en})
	}
	seen := map[string]bool{}
	for _, s := range c.Symbols {
		if !seen[s.Name] {
			f.Symbols = append(f.Symbols, entry[symbol]{s.Name, symbol{Address: &number{bits: s.RVA}}})
		}
		seen[s.Name] = true
	}
	for name, b := range wr.base {
		f.BaseTypes = append(f.BaseTypes, entry[baseType]{name, b})
	}
	slices.SortFunc(f.BaseTypes, func(a, b entry[baseType]) int { return cmp.Compare(a.name, b.name) })
	if wr.err != nil {
		return fmt.Errorf("writing %s: %w", t.Source(), wr.err)
	}
	if err := json.NewEncoder(w).Encode(&f); err != nil {
		return fmt.Errorf("writing %s: %w", t.Source(), err)
	}
	return nil
}

// writer collects the base types that are in use.
type writer struct {
	base map[string]baseType
	ptr  int
	err  error
}

// number notes a base type; the format knows them by name alone.
func (w *writer) number(name string, b baseType) {
	if have, ok := w.base[name]; ok && *have.Size != *b.Size && w.err == nil {
		w.err = fmt.Errorf("there are two base types named %s, of %d and of %d bytes", name, *have.Size, *b.Size)
	}
	w.base[name] = b
}

func (w *writer) desc(t *Type) *desc {
	switch t.Kind {
	case Base:
		b := baseType{Size: &t.Size, Signed: t.Signed, Kind: "int", Endian: "little"}
		switch {
		case t.Float:
			b.Kind = "float"
		case t.Size == 0:
			b.Kind = "void"
		case strings.Contains(t.Name, "bool"):
			b.Kind = "bool"
		case t.Size == 1:
			b.Kind = "char"
		}
		w.number(t.Name, b)
		return &desc{Kind: "base", Name: t.Name}
	case Pointer:
		d := &desc{Kind: "pointer", Subtype: &desc{Kind: "base", Name: "void"}}
		if t.Elem != nil {
			d.Subtype = w.desc(t.Elem)
		} else {
			w.number("void", baseType{Size: new(int), Kind: "void", Endian: "little"})
		}
		if t.Size != w.ptr { // a pointer of 32 bits on a machine of 64, or the reverse
			d.Base = fmt.Sprintf("pointer%d", 8*t.Size)
			w.number(d.Base, baseType{Size: &t.Size, Kind: "int", Endian: "little"})
		}
		return d
	case Array:
		return &desc{Kind: "array", Count: &t.Count, Subtype: w.desc(t.Elem)}
	case Union:
		return &desc{Kind: "union", Name: t.Name}
	case Enum:
		return &desc{Kind: "enum", Name: t.Name}
	case Bits:
		return &desc{Kind: "bitfield", BitPosition: &t.BitPosition, BitLength: &t.BitLength, Type: w.desc(t.Elem)}
	case Func:
		return &desc{Kind: "function"}
	}
	return &desc{Kind: "struct", Name: t.Name}
}
