package isf

// Kind says what a Type is.
type Kind uint8

const (
	Base    Kind = iota + 1 // a number: Size bytes, Signed or not
	Pointer                 // Size bytes; Elem is what it points to, nil for void
	Struct                  // Name names it in Types
	Union                   // the same, members overlap
	Array                   // Count times Elem
	Enum                    // a number with names; Name names it in Types
	Bits                    // BitLength bits from BitPosition in a number of Size bytes
	Func                    // code; it has no size
)

// Type is the type of a field. It is immutable.
type Type struct {
	Kind        Kind
	Name        string // as in the description: "unsigned long", "_LIST_ENTRY"; "" for arrays and pointers
	Size        int    // bytes, of one value
	Signed      bool   // Base
	Float       bool   // Base
	Elem        *Type  // Pointer, Array, the number under Bits, and what a Func returns (nil: not described)
	Count       int    // Array
	BitPosition int    // Bits
	BitLength   int    // Bits
}

// Field is one member of a structure.
type Field struct {
	Name      string
	Offset    int // bytes from the structure's start
	Type      *Type
	Anonymous bool // its members are found as if they were the structure's own
}

// Layout is a structure or union.
type Layout struct {
	Name   string
	Kind   Kind    // Struct or Union
	Size   int     // bytes
	Fields []Field // by offset, then by first bit, then as the description lists them
}

// Types answers what a description knows. Names are looked up as written, with and
// without a leading underscore.
type Types interface {
	// Source says where the description comes from, for people: "pool of 4711",
	// "built in: XP SP3 x86", a file's name.
	Source() string
	// PointerSize is 4 or 8.
	PointerSize() int
	// Layout is the structure of that name, nil when it is not described.
	Layout(name string) *Layout
	// Names lists the structures that are described, sorted.
	Names() []string
	// Enum is the name of a value of an enumeration, "" when it has none.
	Enum(enum string, value int64) string
	// Symbol is the address of a global relative to its image's base; ok is false
	// when it is not described.
	Symbol(name string) (rva uint64, ok bool)
	// Nearest is the symbol at or below an address relative to the image's base,
	// and how far below; ranges tells that the description knows where functions
	// end, so that the name is the function's and not merely the nearest one.
	Nearest(rva uint64) (name string, distance uint64, ranges, ok bool)
}

// Neighbors is implemented by a Types that knows its symbols' order.
type Neighbors interface {
	// Next is the symbol that follows an address.
	Next(rva uint64) (Symbol, bool)
}

// Next asks a description for the symbol that follows an address, if it knows their
// order.
func Next(t Types, rva uint64) (Symbol, bool) {
	if n, ok := t.(Neighbors); ok {
		return n.Next(rva)
	}
	return Symbol{}, false
}

// Field is the member of that name, nil when there is none.
func (l *Layout) Field(name string) *Field {
	if l == nil {
		return nil
	}
	for i := range l.Fields {
		if l.Fields[i].Name == name {
			return &l.Fields[i]
		}
	}
	return nil
}
