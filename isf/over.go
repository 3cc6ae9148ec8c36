package isf

import "slices"

// Over lays one description over another: a structure that the first describes is
// the first's alone, the others are the second's; symbols and frames likewise. So a
// kernel's own symbol file goes before what is shipped for its build, and what the
// file leaves out is not lost. Source is the first's. Both must be of one pointer
// size; either may be nil, and then the other one is returned.
func Over(first, second Types) Types {
	switch {
	case first == nil:
		return second
	case second == nil:
		return first
	}
	return &over{first, second}
}

type over struct{ first, second Types }

var (
	_ Types     = (*over)(nil)
	_ Frames    = (*over)(nil)
	_ Neighbors = (*over)(nil)
)

// Source implements Types.
func (o *over) Source() string { return o.first.Source() }

// PointerSize implements Types.
func (o *over) PointerSize() int { return o.first.PointerSize() }

// Layout implements Types.
func (o *over) Layout(name string) *Layout {
	if l := o.first.Layout(name); l != nil {
		return l
	}
	return o.second.Layout(name)
}

// Names implements Types.
func (o *over) Names() []string {
	list := append(o.first.Names(), o.second.Names()...)
	slices.Sort(list)
	return slices.Compact(list)
}

// Enum implements Types.
func (o *over) Enum(enum string, value int64) string {
	if name := o.first.Enum(enum, value); name != "" {
		return name
	}
	return o.second.Enum(enum, value)
}

// Symbol implements Types.
func (o *over) Symbol(name string) (uint64, bool) {
	if rva, ok := o.first.Symbol(name); ok {
		return rva, true
	}
	return o.second.Symbol(name)
}

// Nearest implements Types.
func (o *over) Nearest(rva uint64) (name string, distance uint64, ranges, ok bool) {
	if name, distance, ranges, ok = o.first.Nearest(rva); ok {
		return name, distance, ranges, ok
	}
	return o.second.Nearest(rva)
}

// FPO implements Frames.
func (o *over) FPO(rva uint64) (Frame, bool) {
	if f, ok := FrameAt(o.first, rva); ok {
		return f, true
	}
	return FrameAt(o.second, rva)
}

// Next implements Neighbors.
func (o *over) Next(rva uint64) (Symbol, bool) {
	if s, ok := Next(o.first, rva); ok {
		return s, true
	}
	return Next(o.second, rva)
}
