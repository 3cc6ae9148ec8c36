package object

import (
	"encoding/binary"
	"fmt"
	"iter"

	"github.com/seed-eedd8485/lpc/ntdump"
)

// Handle is one entry of a handle table.
type Handle struct {
	Value     uint64
	Body      uint64 // of the object; 0: the entry is free
	Access    uint32
	Inherit   bool
	Audit     bool
	Protected bool
	Entry     uint64 // address of the entry
	Next      uint64 // value of the next free one, for a free entry
	Err       error  // of a part of the table that cannot be read; nothing else is set
}

// A Table is a handle table.
type Table struct {
	Addr   uint64
	Top    uint64 // address of its top level
	Levels int    // 1 to 3
	Count  int64  // of handles, by its own count

	bodies bool // entries name bodies, not headers
	r      *Reader
	size   uint64 // of an entry
	object uint64 // offsets in an entry
	access uint64
}

const (
	pageBytes = 0x1000
	// maxLeaves is how many leaves hold the 2^24 handles that a process can have,
	// where 256 stand in one.
	maxLeaves = 1 << 16
	maxErrors = 32 // of one table
)

// Bits of an entry's words (reference 5.3).
const (
	entryBits     = 7
	entryInherit  = 2
	entryAudit    = 4
	protectAccess = 1 << 31
)

// Table reads the handle table of the process whose _EPROCESS stands at an address.
func (r *Reader) Table(process uint64) (*Table, error) {
	at, err := r.d.Member(process, "_EPROCESS", "ObjectTable")
	if err != nil {
		return nil, err
	}
	if at == 0 {
		return nil, fmt.Errorf("the process at %#x has no handle table: it has ended, or is being made", process)
	}
	return r.table(at)
}

// CidTable is the table of process and thread ids: its objects are _EPROCESS and
// _ETHREAD.
func (r *Reader) CidTable() (*Table, error) {
	at, err := r.variable(ntdump.PspCidTable, "PspCidTable")
	if err != nil {
		return nil, err
	}
	t, err := r.table(at)
	if err == nil {
		t.bodies = true
	}
	return t, err
}

func (r *Reader) table(at uint64) (*Table, error) {
	l := r.types.Layout("_HANDLE_TABLE_ENTRY")
	object, access := r.maybe("_HANDLE_TABLE_ENTRY", "Object"), r.maybe("_HANDLE_TABLE_ENTRY", "GrantedAccess")
	switch {
	case r.at.typeIndex >= 0:
		return nil, fmt.Errorf("handle tables of build %d are not read: their entries are packed otherwise", r.d.Header().Build)
	case l == nil || object < 0 || access < 0 || l.Size < object+r.ptr || l.Size < access+4 || pageBytes%l.Size != 0:
		return nil, fmt.Errorf("%s does not describe entries of handle tables", r.types.Source())
	}
	t := &Table{Addr: at, r: r, size: uint64(l.Size), object: uint64(object), access: uint64(access)}
	code, err := r.d.Member(at, "_HANDLE_TABLE", "TableCode")
	if err != nil {
		return nil, fmt.Errorf("the handle table at %#x is not readable: %w", at, err)
	}
	count, err := r.d.Member(at, "_HANDLE_TABLE", "HandleCount")
	if err != nil {
		return nil, fmt.Errorf("the handle table at %#x is not readable: %w", at, err)
	}
	t.Count, t.Levels, t.Top = int64(int32(count)), int(code&3)+1, code&^7
	if t.Levels > 3 || t.Top%pageBytes != 0 || !r.d.IsKernel(t.Top) {
		return nil, fmt.Errorf("the handle table at %#x has TableCode %#x, expected a page of the kernel and a level of 0 to 2", at, code)
	}
	return t, nil
}

// Handles are the entries in order of their values. The first of each leaf is the
// table's own and left out. A part that cannot be read is yielded with Err set, once;
// a leaf that stands in the table twice too.
func (t *Table) Handles() iter.Seq[Handle] {
	return func(yield func(Handle) bool) {
		w := &tableWalk{t: t, yield: yield, seen: map[uint64]bool{}}
		w.level(t.Top, t.Levels, 0)
	}
}

// A tableWalk is one walk over a table.
type tableWalk struct {
	t      *Table
	yield  func(Handle) bool
	seen   map[uint64]bool
	errors int
}

// level walks one level of the table: handles from first on.
func (w *tableWalk) level(at uint64, levels int, first uint64) bool {
	if w.seen[at] || len(w.seen) == maxLeaves {
		return w.err(fmt.Errorf("the handle table at %#x: the part at %#x for handles from %#x on stands in it twice, or it has more than %d parts", w.t.Addr, at, first*4, maxLeaves))
	}
	w.seen[at] = true
	b := make([]byte, pageBytes)
	if err := w.t.r.read(at, b); err != nil {
		return w.err(fmt.Errorf("the handle table at %#x: the part for handles from %#x on is not readable: %w", w.t.Addr, first*4, err))
	}
	per := pageBytes / w.t.size
	if levels == 1 {
		return w.leaf(at, b, first)
	}
	ptr := w.t.r.ptr
	span := per
	if levels == 3 {
		span *= uint64(pageBytes / ptr)
	}
	for i := range pageBytes / ptr {
		next := w.t.r.word(b, i*ptr)
		if next == 0 {
			continue
		}
		if !w.level(next, levels-1, first+uint64(i)*span) {
			return false
		}
	}
	return true
}

// err yields what went wrong; too many of them end the walk.
func (w *tableWalk) err(err error) bool {
	if w.errors++; w.errors > maxErrors {
		w.yield(Handle{Err: fmt.Errorf("the handle table at %#x: more of it is not readable", w.t.Addr)})
		return false
	}
	return w.yield(Handle{Err: err})
}

func (w *tableWalk) leaf(at uint64, b []byte, first uint64) bool {
	t := w.t
	for i := uint64(1); i < pageBytes/t.size; i++ {
		e := i * t.size
		object := t.r.word(b, int(e+t.object))
		access := binary.LittleEndian.Uint32(b[e+t.access:])
		h := Handle{Value: (first + i) * 4, Entry: at + e}
		switch {
		case object == 0:
			h.Next = uint64(access)
		default:
			h.Body = object &^ entryBits
			if !t.bodies {
				h.Body += uint64(t.r.at.body)
			}
			h.Inherit, h.Audit = object&entryInherit != 0, object&entryAudit != 0
			h.Protected, h.Access = access&protectAccess != 0, access&^protectAccess
		}
		if !w.yield(h) {
			return false
		}
	}
	return true
}
