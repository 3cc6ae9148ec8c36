package isf

// Content is all that a description holds, as a reader found it. New makes a
// Types of it and keeps its slices: they must not be changed afterwards.
type Content struct {
	Source      string // for people: a file's name, "pool of 4711"
	PointerSize int    // 4 or 8
	Layouts     []Layout
	Enums       []Enumeration
	Symbols     []Symbol
	Metadata    Metadata
}

// Enumeration is a number whose values have names.
type Enumeration struct {
	Name   string
	Base   *Type // the number, of Kind Base
	Values []Value
}

// Value is a named value of an enumeration. Where two have the same number, the
// first one listed is the one that is shown.
type Value struct {
	Name  string
	Value int64
}

// Symbol is a global variable or a function.
type Symbol struct {
	Name string
	RVA  uint64 // bytes from the image's base
	Size uint64 // bytes of code; 0 when the description does not tell
}

// Metadata says of what a description was made, as far as it tells.
type Metadata struct {
	Format   string // of the file: "6.2.0"
	Producer string // the program that made it
	Version  string // of the producer
	PDB      string // the program database that it came from: "ntkrnlmp.pdb"
	GUID     string // of that database, 32 hexadecimal digits in upper case
	Age      uint32 // of that database
	Machine  uint16 // IMAGE_FILE_MACHINE_*: 0x14c, 0x8664, 0xaa64; 0 when not told
}

// Described is a Types that can list all that it holds. What New, Parse, Open and
// the PDB reader return is one.
type Described interface {
	Types
	// Content is what was described. The caller must not change it.
	Content() Content
}

// MetadataOf returns what a description tells about its origin; ok is false when
// it cannot.
func MetadataOf(t Types) (m Metadata, ok bool) {
	d, ok := t.(Described)
	if !ok {
		return Metadata{}, false
	}
	return d.Content().Metadata, true
}
