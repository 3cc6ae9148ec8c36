package isf

import (
	"fmt"
	"strconv"
	"strings"
)

// Find follows a path of member names from a structure on: "Request.u1",
// "HashBuckets[3]", "Header.WaitListHead.Flink". Members of anonymous members
// count as the structure's own. The field returned bears the path as its name and
// its offset from the structure's start. A path cannot pass a pointer: what it
// points to is memory, which a description does not have.
func Find(t Types, l *Layout, path string) (Field, error) {
	if l == nil {
		return Field{}, fmt.Errorf("finding %s: no structure given", path)
	}
	at := Field{Type: &Type{Kind: l.Kind, Name: l.Name, Size: l.Size}}
	for _, part := range strings.Split(path, ".") {
		name, subscript, _ := strings.Cut(part, "[")
		inner := l
		if at.Name != "" {
			if at.Type.Kind == Pointer {
				return Field{}, fmt.Errorf("finding %s in %s: %s is a pointer, which a path cannot pass", path, l.Name, at.Name)
			}
			if at.Type.Kind != Struct && at.Type.Kind != Union {
				return Field{}, fmt.Errorf("finding %s in %s: %s is no structure", path, l.Name, at.Name)
			}
			if inner = t.Layout(at.Type.Name); inner == nil {
				return Field{}, fmt.Errorf("finding %s in %s: %s is not described in %s", path, l.Name, at.Type.Name, t.Source())
			}
		}
		f, ok := member(t, inner, name, map[*Layout]bool{})
		if !ok {
			return Field{}, fmt.Errorf("finding %s in %s: %s has no member %q", path, l.Name, inner.Name, name)
		}
		at.Offset += f.Offset
		at.Type = f.Type
		if len(part) > len(name) {
			if err := index(&at, "["+subscript); err != nil {
				return Field{}, fmt.Errorf("finding %s in %s: %w", path, l.Name, err)
			}
		}
		at.Name = strings.TrimPrefix(at.Name+"."+part, ".")
	}
	return at, nil
}

// member finds a name among a layout's fields, then in its anonymous members. Each
// layout is looked into once: failed are those that do not have the name.
func member(t Types, l *Layout, name string, failed map[*Layout]bool) (Field, bool) {
	if f := l.Field(name); f != nil && name != "" {
		return *f, true
	}
	failed[l] = true
	for _, f := range l.Fields {
		if !f.Anonymous {
			continue
		}
		inner := t.Layout(f.Type.Name)
		if inner == nil || failed[inner] {
			continue
		}
		if found, ok := member(t, inner, name, failed); ok {
			found.Offset += f.Offset
			return found, true
		}
	}
	return Field{}, false
}

// index applies "[2][3]" to an array.
func index(at *Field, subscripts string) error {
	for subscripts != "" {
		digits, rest, closed := strings.Cut(strings.TrimPrefix(subscripts, "["), "]")
		n, err := strconv.Atoi(digits)
		if !closed || err != nil || !strings.HasPrefix(subscripts, "[") {
			return fmt.Errorf("%q is no subscript, expected a number in brackets", subscripts)
		}
		if at.Type.Kind != Array {
			return fmt.Errorf("%q is given to what is no array", subscripts)
		}
		// The last member of many structures is an array of 1 or 0 elements that
		// goes on behind the structure, so the count is no upper bound.
		if size := at.Type.Elem.Size; n < 0 || size > 0 && n > maxSize/size {
			return fmt.Errorf("subscript %d is out of range", n)
		}
		at.Offset += n * at.Type.Elem.Size
		at.Type = at.Type.Elem
		subscripts = rest
	}
	return nil
}
