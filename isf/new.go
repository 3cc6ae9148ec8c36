package isf

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// set is the Types that New makes.
type set struct {
	content Content
	layouts map[string]*Layout
	names   []string
	enums   map[string]map[int64]string
	symbols symbols
}

var (
	_ Described = (*set)(nil)
	_ Neighbors = (*set)(nil)
)

// New checks a description and makes it ready for look-ups: fields are put in
// order, and what cannot be is refused with one sentence (a size out of range, a
// structure that contains itself, two structures of one name). A structure that
// is referred to and not described is no error; Layout then returns nil for it.
func New(c Content) (Types, error) {
	s := &set{content: c, layouts: make(map[string]*Layout, len(c.Layouts)), enums: make(map[string]map[int64]string, len(c.Enums))}
	if c.PointerSize != 4 && c.PointerSize != 8 {
		return nil, fmt.Errorf("%s: a pointer has %d bytes, expected 4 or 8", c.Source, c.PointerSize)
	}
	for i := range c.Layouts {
		l := &c.Layouts[i]
		if _, twice := s.layouts[l.Name]; twice {
			return nil, fmt.Errorf("%s: %s is described twice", c.Source, l.Name)
		}
		if err := checkLayout(l); err != nil {
			return nil, fmt.Errorf("%s: %w", c.Source, err)
		}
		slices.SortStableFunc(l.Fields, func(a, b Field) int {
			return cmp.Or(cmp.Compare(a.Offset, b.Offset), cmp.Compare(firstBit(a.Type), firstBit(b.Type)))
		})
		s.layouts[l.Name] = l
		s.names = append(s.names, l.Name)
	}
	slices.Sort(s.names)
	if err := checkNesting(s.layouts, s.names); err != nil {
		return nil, fmt.Errorf("%s: %w", c.Source, err)
	}
	for _, e := range c.Enums {
		if _, twice := s.enums[e.Name]; twice {
			return nil, fmt.Errorf("%s: enumeration %s is described twice", c.Source, e.Name)
		}
		if err := checkType(e.Base, 0); err != nil {
			return nil, fmt.Errorf("%s: enumeration %s: %w", c.Source, e.Name, err)
		}
		values := make(map[int64]string, len(e.Values))
		for _, v := range e.Values {
			if _, named := values[v.Value]; !named {
				values[v.Value] = v.Name
			}
		}
		s.enums[e.Name] = values
	}
	s.symbols = indexSymbols(c.Symbols)
	return s, nil
}

// firstBit orders bit fields of one number; everything else starts at bit 0.
func firstBit(t *Type) int {
	if t.Kind == Bits {
		return t.BitPosition
	}
	return 0
}

// named looks a name up as written, with a leading underscore, and without one.
func named[T any](m map[string]T, name string) (v T, ok bool) {
	if v, ok = m[name]; ok {
		return v, true
	}
	if v, ok = m["_"+name]; ok {
		return v, true
	}
	if bare, cut := strings.CutPrefix(name, "_"); cut {
		v, ok = m[bare]
	}
	return v, ok
}

// Source implements Types.
func (s *set) Source() string { return s.content.Source }

// PointerSize implements Types.
func (s *set) PointerSize() int { return s.content.PointerSize }

// Layout implements Types.
func (s *set) Layout(name string) *Layout {
	l, _ := named(s.layouts, name)
	return l
}

// Names implements Types. The slice is the caller's.
func (s *set) Names() []string { return slices.Clone(s.names) }

// Enum implements Types.
func (s *set) Enum(enum string, value int64) string {
	values, _ := named(s.enums, enum)
	return values[value]
}

// Symbol implements Types.
func (s *set) Symbol(name string) (rva uint64, ok bool) { return named(s.symbols.byName, name) }

// Nearest implements Types.
func (s *set) Nearest(rva uint64) (name string, distance uint64, ranges, ok bool) {
	return s.symbols.nearest(rva)
}

// Next implements Neighbors.
func (s *set) Next(rva uint64) (Symbol, bool) { return s.symbols.next(rva) }

// Content implements Described.
func (s *set) Content() Content { return s.content }
