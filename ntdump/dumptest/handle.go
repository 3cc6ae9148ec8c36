package dumptest

import "fmt"

// Handles is the handle table of a process.
type Handles struct {
	Table uint64 // of the _HANDLE_TABLE
	Code  uint64 // of the top level: entries for one level, pointers above

	m      *Machine
	levels int
	count  uint64
	leaf   map[uint64]uint64 // entries of leaves by their first handle's index
}

// HandleTable says how a table is made.
type HandleTable struct {
	At     uint64 // of the _HANDLE_TABLE; 0: the next free place
	Top    uint64 // of its top level, on a page boundary; 0: the next free page
	Levels int    // 1 to 3; 0 is 1
}

// AddHandles gives a process a handle table.
func (m *Machine) AddHandles(process uint64, t HandleTable) *Handles {
	h := &Handles{Table: t.At, Code: t.Top, m: m, levels: max(t.Levels, 1), leaf: map[uint64]uint64{}}
	if h.Table == 0 {
		h.Table = m.Alloc(m.Size("_HANDLE_TABLE"))
	}
	if h.Code == 0 {
		h.Code = m.allocPage()
	}
	m.Put(h.Code, make([]byte, page))
	m.Put(h.Table, make([]byte, m.Size("_HANDLE_TABLE")))
	m.Set(h.Table, "_HANDLE_TABLE.TableCode", h.Code|uint64(h.levels-1))
	m.Set(h.Table, "_HANDLE_TABLE.QuotaProcess", process)
	m.Set(h.Table, "_HANDLE_TABLE.UniqueProcessId", m.GetPtr(process+m.Offset("_EPROCESS.UniqueProcessId")))
	m.Set(process, "_EPROCESS.ObjectTable", h.Table)
	return h
}

// AddCidTable makes the table of process and thread ids, PspCidTable.
func (m *Machine) AddCidTable(levels int) *Handles {
	h := &Handles{Table: m.Alloc(m.Size("_HANDLE_TABLE")), Code: m.allocPage(), m: m, levels: max(levels, 1), leaf: map[uint64]uint64{}}
	m.Set(h.Table, "_HANDLE_TABLE.TableCode", h.Code|uint64(h.levels-1))
	m.SetVariable("PspCidTable", h.Table)
	return h
}

// allocPage takes a page of kernel memory, zero.
func (m *Machine) allocPage() uint64 {
	m.next = (m.next + page - 1) &^ (page - 1)
	return m.Alloc(page)
}

// Flags of a handle, in the words of its entry (reference 5.3).
const (
	HandleInherit   = 2
	HandleAudit     = 4
	HandleProtected = 1 << 31 // in the access word
)

// unlocked is the bit of an entry that nobody holds.
const unlocked = 1

// Set enters an object's header under a handle's value.
func (h *Handles) Set(value, object, access, flags uint64) {
	head := h.m.Offset("_OBJECT_HEADER.Body")
	h.entry(value, object-head|unlocked|flags&6, access|flags&HandleProtected)
	h.count++
	h.m.Set(h.Table, "_HANDLE_TABLE.HandleCount", h.count)
}

// SetBody enters an object's body: the table of ids has no headers.
func (h *Handles) SetBody(value, object uint64) {
	h.entry(value, object|unlocked, 0)
	h.count++
	h.m.Set(h.Table, "_HANDLE_TABLE.HandleCount", h.count)
}

// Free makes an entry free; next is the value of the next free one.
func (h *Handles) Free(value, next uint64) { h.entry(value, 0, next) }

// Entry is the address of a handle's entry; its leaf is made at the first use.
func (h *Handles) Entry(value uint64) uint64 {
	m := h.m
	size := uint64(m.Size("_HANDLE_TABLE_ENTRY"))
	per := page / size
	index := value / 4
	leaf, ok := h.leaf[index/per]
	if !ok {
		leaf = h.makeLeaf(index / per)
		h.leaf[index/per] = leaf
	}
	return leaf + index%per*size
}

func (h *Handles) entry(value, object, access uint64) {
	at := h.Entry(value)
	h.m.Set(at, "_HANDLE_TABLE_ENTRY.Object", object)
	h.m.Set(at, "_HANDLE_TABLE_ENTRY.GrantedAccess", access)
}

// makeLeaf makes the n-th leaf and the pointers to it.
func (h *Handles) makeLeaf(n uint64) uint64 {
	m := h.m
	pointers := page / uint64(m.Pointer())
	table := h.Code
	switch {
	case h.levels == 1 && n == 0:
		return table
	case h.levels == 3 && n < pointers*pointers:
		at := table + n/pointers*uint64(m.Pointer())
		if table = m.GetPtr(at); table == 0 {
			table = m.allocPage()
			m.Ptr(at, table)
		}
		n %= pointers
	case h.levels == 2 && n < pointers:
	default:
		panic(fmt.Sprintf("dumptest: a handle table of %d levels has no leaf %d", h.levels, n))
	}
	leaf := m.allocPage()
	m.Ptr(table+n*uint64(m.Pointer()), leaf)
	return leaf
}
