package isf

import (
	"errors"
	"fmt"
)

// Limits of a description. They are far above what real ones hold (a Windows 11
// kernel: 3,000 structures, the largest of some 100 KB) and keep every later walk
// and every sum of sizes within bounds.
const (
	maxSize  = 1 << 30 // bytes of a value or structure, and the largest offset
	maxDepth = 32      // pointer to array of pointers to ...
)

// checkLayout refuses what no structure can be. A field may lie behind the
// structure's end: hand-written descriptions state sizes loosely, and whoever
// reads memory reads by offset.
func checkLayout(l *Layout) error {
	switch {
	case l.Name == "":
		return errors.New("a structure has no name")
	case l.Kind != Struct && l.Kind != Union:
		return fmt.Errorf("%s is neither a structure nor a union", l.Name)
	case l.Size < 0 || l.Size > maxSize:
		return fmt.Errorf("%s has %d bytes, expected at most %d", l.Name, l.Size, maxSize)
	}
	for _, f := range l.Fields {
		if f.Offset < 0 || f.Offset > maxSize {
			return fmt.Errorf("%s.%s stands at %d, expected an offset of at most %d", l.Name, f.Name, f.Offset, maxSize)
		}
		if err := checkType(f.Type, 0); err != nil {
			return fmt.Errorf("%s.%s: %w", l.Name, f.Name, err)
		}
	}
	return nil
}

// checkType refuses what no type can be. Types form chains by Elem; structures
// are referred to by name, so that a chain ends.
func checkType(t *Type, depth int) error {
	switch {
	case t == nil:
		return errors.New("no type is given")
	case depth > maxDepth:
		return fmt.Errorf("its type is nested deeper than %d levels", maxDepth)
	case t.Size < 0 || t.Size > maxSize:
		return fmt.Errorf("its type has %d bytes, expected at most %d", t.Size, maxSize)
	}
	switch t.Kind {
	case Base, Struct, Union, Enum:
		if t.Name == "" {
			return errors.New("its type has no name")
		}
		return nil
	case Pointer:
		if t.Size == 0 {
			return errors.New("a pointer has no size")
		}
		if t.Elem == nil {
			return nil
		}
	case Func:
		if t.Elem == nil {
			return nil
		}
	case Array:
		if t.Elem == nil {
			return errors.New("an array has no element type")
		}
		if t.Count < 0 || t.Elem.Size > 0 && t.Count > maxSize/t.Elem.Size {
			return fmt.Errorf("an array of %d elements of %d bytes is larger than %d bytes", t.Count, t.Elem.Size, maxSize)
		}
	case Bits:
		if t.Elem == nil {
			return errors.New("a bit field has no number under it")
		}
		if t.BitLength < 1 || t.BitPosition < 0 || t.BitLength > 8*t.Size || t.BitPosition > 8*t.Size-t.BitLength {
			return fmt.Errorf("%d bits from bit %d on do not fit in %d bytes", t.BitLength, t.BitPosition, t.Size)
		}
	default:
		return fmt.Errorf("its type is of kind %d, which is not known", t.Kind)
	}
	return checkType(t.Elem, depth+1)
}

// checkNesting refuses a structure that contains itself, however many structures
// and arrays lie between: it would have no end. Pointers may lead back. It is a
// depth-first walk with a stack of its own, for the depth is the file's to choose.
func checkNesting(layouts map[string]*Layout, names []string) error {
	const (
		open = 1 + iota // on the path to where the walk stands
		done
	)
	type step struct {
		layout *Layout
		next   int // field to look at
	}
	state := make(map[*Layout]int, len(layouts))
	for _, name := range names {
		if state[layouts[name]] != 0 {
			continue
		}
		path := []step{{layout: layouts[name]}}
		state[layouts[name]] = open
		for len(path) > 0 {
			at := &path[len(path)-1]
			if at.next == len(at.layout.Fields) {
				state[at.layout] = done
				path = path[:len(path)-1]
				continue
			}
			f := &at.layout.Fields[at.next]
			at.next++
			inner, _ := named(layouts, inside(f.Type))
			switch {
			case inner == nil:
			case state[inner] == open:
				return &CycleError{Within: inner.Name, Layout: at.layout.Name, Field: at.next - 1}
			case state[inner] == 0:
				state[inner] = open
				path = append(path, step{layout: inner})
			}
		}
	}
	return nil
}

// CycleError says that a structure contains itself. A reader that can do without
// the member takes it out and calls New again.
type CycleError struct {
	Within string // the structure that contains itself
	Layout string // where the circle closes: itself, or a structure within it
	Field  int    // place of the member in that layout's Fields, which New has put in order
}

// Error implements error.
func (e *CycleError) Error() string {
	return fmt.Sprintf("%s contains itself through member %d of %s", e.Within, e.Field, e.Layout)
}

// inside names the structure that a value of the type contains, "" for none.
func inside(t *Type) string {
	for t.Kind == Array {
		t = t.Elem
	}
	if t.Kind == Struct || t.Kind == Union {
		return t.Name
	}
	return ""
}
