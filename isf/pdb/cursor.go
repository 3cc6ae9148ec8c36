package pdb

import (
	"bytes"
	"fmt"

	"github.com/seed-eedd8485/lpc/bin"
)

// cursor reads fields of a stream that is in memory. It adds to bin.Reader what
// only this format has: strings that end with a zero byte or begin with their
// length, and numbers of changing width.
type cursor struct {
	*bin.Reader
	data []byte // what the reader stands over
	bad  error  // what the reader itself cannot find wrong
}

func newCursor(kind string, data []byte) cursor {
	return cursor{Reader: bin.FromBytes(kind, data), data: data}
}

// err is the first failure.
func (c *cursor) err() error {
	if c.bad != nil {
		return c.bad
	}
	return c.Err()
}

// left is what stands behind the position.
func (c *cursor) left() []byte { return c.data[int64(len(c.data))-c.Left():] }

// name reads a string: one that ends with a zero byte, or in records of the years
// before 2003 (st) one that begins with a byte for its length.
func (c *cursor) name(st bool) string {
	if st {
		b := c.Bytes("a name", int64(c.U8("length of a name")), 255)
		return string(b)
	}
	left := c.left()
	n := bytes.IndexByte(left, 0)
	if n < 0 {
		c.Skip("a name's end", int64(len(left))+1) // fails, and says where
		return ""
	}
	s := string(left[:n])
	c.Skip("a name", int64(n)+1)
	return s
}

// Leaves that stand before a number (LLVM, CodeViewTypes.def, LF_NUMERIC on).
const (
	lfNumeric   = 0x8000
	lfChar      = 0x8000
	lfShort     = 0x8001
	lfUshort    = 0x8002
	lfLong      = 0x8003
	lfUlong     = 0x8004
	lfQuadword  = 0x8009
	lfUquadword = 0x800a
)

// number reads a number: 16 bits, or a leaf that tells its width.
func (c *cursor) number(field string) int64 {
	leaf := c.U16(field)
	switch leaf {
	case lfChar:
		return int64(int8(c.U8(field)))
	case lfShort:
		return int64(int16(c.U16(field)))
	case lfUshort:
		return int64(c.U16(field))
	case lfLong:
		return int64(int32(c.U32(field)))
	case lfUlong:
		return int64(c.U32(field))
	case lfQuadword, lfUquadword:
		return int64(c.U64(field))
	}
	if leaf >= lfNumeric && c.bad == nil {
		c.bad = fmt.Errorf("%s is a number of kind %#x, which is not read", field, leaf)
	}
	return int64(leaf)
}

// records walks a stream of records, each with its length in front: types and
// symbols alike. It yields kind and body until the end, an error, or visit's.
func records(what string, data []byte, visit func(kind uint16, body []byte) error) error {
	for off := 0; off < len(data); {
		if len(data)-off < 4 {
			return fmt.Errorf("%s: %d bytes are left at offset %#x, expected a record of at least 4", what, len(data)-off, off)
		}
		n := int(data[off]) | int(data[off+1])<<8 // bytes behind the length itself
		if n < 2 || n > len(data)-off-2 {
			return fmt.Errorf("%s: a record at offset %#x has %d bytes, expected from 2 to %d", what, off, n, len(data)-off-2)
		}
		kind := uint16(data[off+2]) | uint16(data[off+3])<<8
		if err := visit(kind, data[off+4:off+2+n]); err != nil {
			return fmt.Errorf("%s: record at offset %#x: %w", what, off, err)
		}
		off += n + 2
	}
	return nil
}
