package pdb

import (
	"fmt"
	"strings"
)

// udt is a record of a structure, class, union or enumeration.
type udt struct {
	leaf   uint16
	props  uint16
	fields uint32 // index of its field list
	base   uint32 // of an enumeration
	size   int64
	name   string
	unique string // decorated name, "" where there is none
}

func (u *udt) isEnum() bool  { return u.leaf == lfEnum || u.leaf == lfEnumST }
func (u *udt) isUnion() bool { return u.leaf == lfUnion || u.leaf == lfUnionST }

// key is what a forward reference and its definition have in common.
func (u *udt) key() string {
	if u.unique != "" {
		return u.unique
	}
	return u.name
}

// unnamed tells the names that compilers give to what has none.
func (u *udt) unnamed() bool {
	last := u.name[strings.LastIndex(u.name, "::")+1:]
	last = strings.TrimPrefix(last, ":")
	return last == "" || last == "__unnamed" || strings.HasPrefix(last, "<unnamed-") || strings.HasPrefix(last, "<anonymous-")
}

// readUDT reads one; ok is false when the record is of another kind.
func readUDT(r typeRecord) (u udt, ok bool, err error) {
	c := newCursor("type record", r.body)
	u.leaf = r.leaf
	st := false
	switch r.leaf {
	case lfClassST, lfStructureST:
		st = true
		fallthrough
	case lfClass, lfStructure, lfInterface:
		c.U16("number of members")
		u.props = c.U16("properties")
		u.fields = c.U32("field list")
		c.U32("derivation list")
		c.U32("shape of the virtual table")
		u.size = c.number("size")
	case lfClass2, lfStructure2:
		u.props = uint16(c.U32("properties"))
		u.fields = c.U32("field list")
		c.U32("derivation list")
		c.U32("shape of the virtual table")
		c.number("number of members")
		u.size = c.number("size")
	case lfUnionST:
		st = true
		fallthrough
	case lfUnion:
		c.U16("number of members")
		u.props = c.U16("properties")
		u.fields = c.U32("field list")
		u.size = c.number("size")
	case lfEnumST:
		st = true
		fallthrough
	case lfEnum:
		c.U16("number of values")
		u.props = c.U16("properties")
		u.base = c.U32("underlying type")
		u.fields = c.U32("field list")
	default:
		return u, false, nil
	}
	u.name = c.name(st)
	if u.props&propUnique != 0 && c.Left() > 0 {
		u.unique = c.name(st)
	}
	if err := c.err(); err != nil {
		return u, false, err
	}
	if u.size < 0 {
		return u, false, fmt.Errorf("%s has %d bytes", u.name, u.size)
	}
	return u, true, nil
}
