package pdb

import "fmt"

// typeStream is the TPI stream (types, number 2) or the IPI stream (names of
// functions and files, number 4): records with consecutive indices (LLVM, "The
// PDB TPI and IPI Streams").
type typeStream struct {
	what  string
	first uint32 // index of the first record; below stand the simple types
	recs  []typeRecord
	// room is how many members may still be read. Field lists are bytes of the
	// stream, each used by one structure or a few; a damaged file can name one
	// list in every structure.
	room int
}

type typeRecord struct {
	leaf uint16
	body []byte // behind the leaf
}

func readTypes(what string, data []byte) (typeStream, error) {
	t := typeStream{what: what, first: 0x1000}
	if len(data) == 0 {
		return t, nil
	}
	c := newCursor(what, data)
	version, header := c.U32("version"), c.U32("size of the header")
	first, end, size := c.U32("first index"), c.U32("index behind the last"), c.U32("size of the records")
	if err := c.err(); err != nil {
		return t, err
	}
	// 16-bit indices were given up with version 19961031 (V50).
	if version < 19961031 {
		return t, fmt.Errorf("%s has version %d, expected 19961031 or later", what, version)
	}
	if first < 0x1000 || end < first {
		return t, fmt.Errorf("%s has indices from %#x to %#x, expected them from 0x1000 on", what, first, end)
	}
	t.first = first
	c.Seek("the records", int64(header))
	body := c.Bytes("the records", int64(size), c.Size())
	if err := c.err(); err != nil {
		return t, err
	}
	t.room = len(body)
	err := records(what, body, func(leaf uint16, body []byte) error {
		t.recs = append(t.recs, typeRecord{leaf, body})
		return nil
	})
	if n := end - first; err == nil && uint32(len(t.recs)) != n {
		err = fmt.Errorf("%s has %d records, expected %d", what, len(t.recs), n)
	}
	return t, err
}

// record is the record of an index; ok is false for a simple type and for an index
// that is not there.
func (t *typeStream) record(index uint32) (r typeRecord, ok bool) {
	if index < t.first || index-t.first >= uint32(len(t.recs)) {
		return r, false
	}
	return t.recs[index-t.first], true
}

// index is the index of the i-th record.
func (t *typeStream) index(i int) uint32 { return t.first + uint32(i) }
