package ntdump

import "fmt"

// paging is how a machine's page tables are walked. Immutable.
type paging struct {
	name      string
	levels    []level // from the root
	entry     int     // bytes of an entry
	rootMask  uint64  // physical address of the root within DTB
	addrBits  uint    // bits of a physical address in an entry
	virtBits  uint    // bits of a virtual address that are translated
	canonical bool    // the bits above repeat the highest one
}

// level is one table of the walk.
type level struct {
	name  string
	shift uint // of the index in the virtual address
	bits  uint // of the index
	large bool // bit 7 of an entry ends the walk here
}

// Modes (reference 5.1; Intel SDM volume 3, chapter 4).
var (
	pagingX86 = &paging{name: "x86", entry: 4, rootMask: 0xfffff000, addrBits: 32, virtBits: 32,
		levels: []level{{"PDE", 22, 10, true}, {"PTE", 12, 10, false}}}
	pagingPAE = &paging{name: "x86 PAE", entry: 8, rootMask: 0xffffffe0, addrBits: 52, virtBits: 32,
		levels: []level{{"PDPE", 30, 2, false}, {"PDE", 21, 9, true}, {"PTE", 12, 9, false}}}
	pagingX64 = &paging{name: "x64", entry: 8, rootMask: 0x000ffffffffff000, addrBits: 52, virtBits: 48, canonical: true,
		levels: []level{{"PXE", 39, 9, false}, {"PPE", 30, 9, true}, {"PDE", 21, 9, true}, {"PTE", 12, 9, false}}}
)

// newPaging chooses the mode of a dump, or says why there is none.
func newPaging(d *Dump) (*paging, string) {
	h := d.header
	switch {
	case h.Type == Triage:
		return nil, "a triage dump holds no page tables"
	case d.phys == nil:
		return nil, "the dump holds no memory"
	case h.DTB == 0:
		return nil, "the header does not say where the page tables are (DirectoryTableBase)"
	}
	switch {
	case h.Machine == X86 && h.Bits == 32 && h.PAE.or0() == 1:
		return pagingPAE, ""
	case h.Machine == X86 && h.Bits == 32:
		return pagingX86, ""
	case h.Machine == X64 && h.Bits == 64:
		return pagingX64, ""
	}
	return nil, fmt.Sprintf("page tables of %s in a %d-bit dump are not read", h.Machine, h.Bits)
}

// Step is one table entry of a translation.
type Step struct {
	Level string // "PXE", "PPE", "PDPE", "PDE", "PTE"; "Proto" for a prototype entry
	Addr  uint64 // of the entry: physical, but virtual for a prototype entry
	Value uint64
	State State
}

// Translation is the way from a virtual to a physical address.
type Translation struct {
	Virtual    uint64
	Physical   uint64 // of the byte; valid when Absent is nil
	PageSize   uint64 // bytes of the page, 4 KiB and up; valid when Absent is nil
	Transition bool   // an entry was in transition: the page is in memory but in no working set
	Proto      bool   // found through a prototype entry
	Absent     *Absent
	steps      [6]Step
	n          int
	hole       uint64 // where there is no page: the stretch of this size and alignment has none from here on; 0: not known
}

// Steps are the entries that were read, from the root on.
func (t *Translation) Steps() []Step { return t.steps[:t.n] }

func (t *Translation) add(s Step) {
	if t.n < len(t.steps) {
		t.steps[t.n] = s
		t.n++
	}
}

// Translate walks the page tables of a space. A page that is not there is no
// error but an answer, in Absent; an error says that the file could not be read.
func (d *Dump) Translate(s Space, va uint64) (Translation, error) {
	t := Translation{Virtual: va}
	err := d.translate(s, va, &t, true)
	return t, err
}

// translate is Translate; a prototype entry is followed only where proto is true,
// so that the walk for such an entry's own address ends.
func (d *Dump) translate(s Space, va uint64, t *Translation, proto bool) error {
	m := d.mode
	if m == nil {
		t.Absent = &Absent{va, false, NoTables}
		return nil
	}
	va, ok := m.fold(va)
	if !ok {
		t.Absent = &Absent{t.Virtual, false, NotCanonical}
		return nil
	}
	table := s.root(d) & m.rootMask
	for _, l := range m.levels {
		at := table + (va>>l.shift&(1<<l.bits-1))*uint64(m.entry)
		t.hole = 1 << l.shift
		v, err := d.physWord(at, m.entry)
		if err != nil {
			t.hole <<= l.bits // all further entries are on the page that is not there
			return t.miss(err)
		}
		e := m.decode(v)
		t.add(Step{l.name, at, v, e.state})
		if e.state == InPrototype && l.shift == 12 && proto {
			return d.translateProto(va, e, t)
		}
		if e.state != Valid && e.state != InTransition {
			t.Absent = &Absent{t.Virtual, false, e.state.reason()}
			return nil
		}
		t.Transition = t.Transition || e.state == InTransition
		base := e.pfn * pageBytes
		if large := l.large && e.state == Valid && v&largeBit != 0; large || l.shift == 12 {
			t.PageSize = 1 << l.shift
			if large {
				base = m.largeBase(v, l.shift)
			}
			t.Physical = base + va&(t.PageSize-1)
			return nil
		}
		table = base
	}
	return nil
}

// fold brings an address to the width that is translated. Addresses of 32-bit
// machines may come with their sign extended to 64 bits, as KDBG has them.
func (m *paging) fold(va uint64) (uint64, bool) {
	high := va >> m.virtBits
	if high == 0 {
		return va, !m.canonical || va>>(m.virtBits-1) == 0
	}
	if high != 1<<(64-m.virtBits)-1 || va>>(m.virtBits-1)&1 == 0 {
		return 0, false
	}
	return va & (1<<m.virtBits - 1), true
}

// miss turns a table that the dump does not hold into the answer; other errors
// stay errors.
func (t *Translation) miss(err error) error {
	if a, ok := err.(*Absent); ok {
		t.Absent = &Absent{t.Virtual, false, a.Reason}
		return nil
	}
	return err
}
