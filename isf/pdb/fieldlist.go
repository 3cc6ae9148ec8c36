package pdb

import (
	"errors"
	"fmt"
)

// member is an entry of a field list.
type member struct {
	leaf   uint16
	name   string
	typ    uint32
	offset int64 // in the structure; of an enumerate its value
}

// maxLists bounds the lists that continue each other; one holds up to 64 KiB.
const maxLists = 1 << 16

// members reads a field list and those that it continues in. What is read before
// a failure is returned with it.
func (t *typeStream) members(index uint32) ([]member, error) {
	var out []member
	seen := map[uint32]bool{}
	for index != 0 {
		if seen[index] || len(seen) > maxLists {
			return out, fmt.Errorf("field list %#x continues in itself", index)
		}
		seen[index] = true
		r, ok := t.record(index)
		if !ok || r.leaf != lfFieldlist {
			return out, fmt.Errorf("type %#x is no field list", index)
		}
		index = 0
		c := newCursor("field list", r.body)
		for c.Left() > 0 {
			// Entries are aligned by bytes f1 to f3, whose low digit counts how
			// many there are (LF_PAD1 and following).
			if pad := c.left()[0]; pad >= 0xf0 {
				c.Skip("padding", max(int64(pad&0x0f), 1))
				continue
			}
			m, next, err := readMember(&c)
			if err != nil {
				return out, err
			}
			if next != 0 {
				index = next // the last entry of a list
				break
			}
			if t.room--; t.room < 0 {
				return out, errors.New("the structures have more members than the file has room for")
			}
			if m.leaf != 0 {
				out = append(out, m)
			}
		}
		if err := c.err(); err != nil {
			return out, err
		}
	}
	return out, nil
}

// readMember reads one entry. m.leaf is 0 for what takes no place in a structure;
// next is the list in which this one continues.
func readMember(c *cursor) (m member, next uint32, err error) {
	m.leaf = c.U16("kind of a member")
	keep := false
	switch m.leaf {
	case lfMember, lfMemberST:
		keep = true
		c.U16("attributes")
		m.typ, m.offset = c.U32("type"), c.number("offset")
		m.name = c.name(m.leaf == lfMemberST)
	case lfEnumerate, lfEnumerateST:
		keep = true
		c.U16("attributes")
		m.offset = c.number("value")
		m.name = c.name(m.leaf == lfEnumerateST)
	case lfBclass:
		keep = true
		c.U16("attributes")
		m.typ, m.offset = c.U32("type"), c.number("offset")
	case lfVfunctab:
		keep = true
		c.U16("padding")
		m.typ = c.U32("type")
	case lfVbclass, lfIvbclass:
		keep = true // its place is known at run time only; the caller says so
		c.U16("attributes")
		m.typ = c.U32("type")
		c.U32("type of the pointer")
		c.number("offset of the pointer")
		c.number("place in the table")
	case lfIndex:
		c.U16("padding")
		next = c.U32("continuation")
	case lfStmember, lfStmemberST, lfNesttypeEx, lfNesttypeExST:
		c.U16("attributes")
		c.U32("type")
		c.name(m.leaf < lfBase2003)
	case lfMethod, lfMethodST:
		c.U16("number of methods")
		c.U32("list of methods")
		c.name(m.leaf < lfBase2003)
	case lfNesttype, lfNesttypeST, lfFriendfcn, lfFriendfcnST:
		c.U16("padding")
		c.U32("type")
		c.name(m.leaf < lfBase2003)
	case lfOnemethod, lfOnemethodST:
		attributes := c.U16("attributes")
		c.U32("type")
		if kind := attributes >> 2 & 7; kind == 4 || kind == 6 { // introduces a virtual one
			c.U32("offset in the table")
		}
		c.name(m.leaf < lfBase2003)
	case lfFriendcls:
		c.U16("padding")
		c.U32("type")
	case lfVfuncoff:
		c.U16("padding")
		c.U32("type")
		c.U32("offset")
	default:
		if err := c.err(); err != nil {
			return m, 0, err
		}
		return m, 0, fmt.Errorf("members of kind %#x are not read", m.leaf)
	}
	if !keep {
		m.leaf = 0
	}
	return m, next, c.err()
}

// lfBase2003 parts the records whose names begin with their length (below) from
// those whose names end with a zero byte (LLVM calls it LF_ST_MAX).
const lfBase2003 = 0x1500
