package object

import (
	"fmt"
	"iter"

	"github.com/seed-eedd8485/lpc/ntdump"
)

// maxObjects bounds the objects of one type.
const maxObjects = 1 << 20

// TypeObject is the type object of that name: \ObjectTypes holds it. A name that the
// directory does not have is looked for among the symbols (LpcPortObjectType for Port).
func (r *Reader) TypeObject(name string) (uint64, error) {
	o, err := r.Lookup(`\ObjectTypes\` + name)
	if err == nil && o.TypeName == "Type" {
		return o.Body, nil
	}
	if err == nil {
		err = fmt.Errorf(`\ObjectTypes\%s is no type but an object of type %s`, name, o.TypeName)
	}
	if at, ok := r.symbol("Lpc" + name + "ObjectType"); ok {
		if typ, perr := r.pointer(at); perr == nil {
			if have, nerr := r.typeName(typ); nerr == nil && have == name {
				return typ, nil
			}
		}
	}
	return 0, err
}

// Count is how many objects of a type there are, by its own count.
func (r *Reader) Count(typ uint64) (uint32, error) {
	return r.u32(typ + uint64(r.at.typeCount))
}

// List walks the list that a type keeps of its objects: bodies. It is empty where the
// kernel was not told to keep it (+otl). An entry that is no object of the type, and
// what ends the walk early, come as errors.
func (r *Reader) List(typ uint64) iter.Seq2[uint64, error] {
	return func(yield func(uint64, error) bool) {
		stopped := false
		err := r.d.WalkList(typ+uint64(r.at.typeList), maxObjects, func(entry uint64) bool {
			body := entry - uint64(r.at.creatorList) + uint64(r.at.creatorSize+r.at.body)
			o, err := r.At(body)
			if err == nil && o.Type != typ {
				err = fmt.Errorf("the object at %#x, which the list of a type holds, is of type %s", body, o.TypeName)
			}
			stopped = !yield(body, err)
			return !stopped
		})
		if err != nil && !stopped {
			yield(0, fmt.Errorf("the objects of the type at %#x: %w", typ, err))
		}
	}
}

// Listed says whether a type keeps a list at all.
func (r *Reader) Listed(typ uint64) (bool, error) {
	head := typ + uint64(r.at.typeList)
	next, err := r.d.Pointer(ntdump.Space{}, head)
	return next != head && next != 0, err
}
