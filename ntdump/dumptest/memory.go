package dumptest

import (
	"encoding/binary"
	"fmt"
	"unicode/utf16"
)

const page = 0x1000

// Machine is a stopped machine, to be written as a dump.
type Machine struct {
	Profile
	Header HeaderFields // what the header says beside addresses

	phys      map[uint64][]byte // by page number
	nextFrame uint64
	kernel    map[uint64]uint64 // entries of the page tables by virtual page number
	large     map[uint64]large  // large pages by their first virtual page number
	spaces    []*Space
	next      uint64 // of Alloc
	stacks    uint64
	images    uint64
	variables uint64 // of Variable
	variable  map[string]uint64

	modules   uint64 // list heads
	processes uint64
	kdbg      map[string]uint64 // fields of the debugger data block by name
	kdbgAt    uint64
	prcbs     []uint64

	allocs []uint64 // where Alloc's structures begin and end
	marks  []int    // of the dump that was written last

	bstoreLimit uint64 // Itanium: of the last thread's backing store
	unloaded    []Unloaded
	listed      []Module
}

type large struct {
	pages uint64 // number of small ones
	entry uint64
}

// Space is the address space of a process.
type Space struct {
	DTB  uint64 // physical address of its page tables
	user map[uint64]uint64
}

// New returns a machine with a kernel's page tables, lists and debugger data, and
// nothing in them.
func New(p Profile) *Machine {
	m := &Machine{Profile: p, phys: map[uint64][]byte{}, kernel: map[uint64]uint64{}, large: map[uint64]large{},
		nextFrame: 0x10, next: p.firstAlloc, stacks: p.firstStack, images: p.firstImage, variable: map[string]uint64{}, kdbg: map[string]uint64{}}
	m.NewSpace() // the kernel's
	m.variables = m.images
	m.images += 0x10 * page
	m.kdbgAt = m.variables
	m.page(m.kdbgAt)
	m.variables += page
	m.modules = m.List("PsLoadedModuleList")
	m.processes = m.List("PsActiveProcessHead")
	m.kdbg["KernBase"] = p.firstImage
	m.kdbg["MmPageSize"] = page
	m.SetVariable("CmNtCSDVersion", uint64(p.Pack)<<8)
	m.Header.fill(&p)
	return m
}

// frame takes the next physical page. Now and then some are left out, so that runs
// and bitmaps have gaps.
func (m *Machine) frame() uint64 {
	f := m.nextFrame
	m.nextFrame++
	if m.nextFrame%0x30 == 0 {
		m.nextFrame += 5
	}
	m.phys[f] = make([]byte, page)
	return f
}

// Frame makes a physical page with the given content and returns its number. It is
// mapped nowhere.
func (m *Machine) Frame(content []byte) uint64 {
	f := m.frame()
	copy(m.phys[f], content)
	return f
}

// NewSpace makes the address space of a process; it shares the kernel's half.
func (m *Machine) NewSpace() *Space {
	s := &Space{user: map[uint64]uint64{}, DTB: m.frame() * page}
	m.spaces = append(m.spaces, s)
	return s
}

// Kernel is the first space, which the header names.
func (m *Machine) Kernel() *Space { return m.spaces[0] }

// user says whether an address belongs to a process.
func (m *Machine) isUser(va uint64) bool {
	if m.Bits == 32 {
		return va < 0x80000000
	}
	return va>>61 != 7
}

func (m *Machine) entries(s *Space, va uint64) map[uint64]uint64 {
	if m.Bits == 32 && va>>32 != 0 {
		panic(fmt.Sprintf("dumptest: %#x is no address of a 32-bit machine", va))
	}
	if m.isUser(va) {
		return s.user
	}
	return m.kernel
}

// Entry sets the page table entry of a page as it stands: for pages that are not
// valid, or to map a frame twice.
func (m *Machine) Entry(s *Space, va, entry uint64) { m.entries(s, va)[va/page] = entry }

// Large maps a large page: pages small ones from frame on, each of which is in the
// dump when something was written to it.
func (m *Machine) Large(va, frame, pages uint64) {
	m.large[va/page] = large{pages, frame*page | valid | 1<<7}
}

// valid are the flags of a usual kernel page: present, writable, accessed, dirty.
const valid = 0x63

// page returns the bytes of the kernel page at va, made at the first use.
func (m *Machine) page(va uint64) []byte { return m.pageIn(m.Kernel(), va) }

func (m *Machine) pageIn(s *Space, va uint64) []byte {
	for base, l := range m.large {
		if n := va/page - base; n < l.pages {
			f := l.entry&^(1<<63)/page + n
			if m.phys[f] == nil {
				m.phys[f] = make([]byte, page)
			}
			return m.phys[f]
		}
	}
	e := m.entries(s, va)
	if v, ok := e[va/page]; ok {
		if v&1 == 0 {
			panic(fmt.Sprintf("dumptest: the page at %#x is not valid", va))
		}
		return m.phys[v&(1<<52-1)/page]
	}
	f := m.frame()
	e[va/page] = f*page | valid
	return m.phys[f]
}

// Put writes bytes at a kernel address; pages are made as needed.
func (m *Machine) Put(va uint64, b []byte) { m.PutIn(m.Kernel(), va, b) }

// PutIn writes bytes at an address of a space.
func (m *Machine) PutIn(s *Space, va uint64, b []byte) {
	for len(b) > 0 {
		n := copy(m.pageIn(s, va)[va%page:], b)
		b, va = b[n:], va+uint64(n)
	}
}

// Get reads n bytes at a kernel address.
func (m *Machine) Get(va uint64, n int) []byte {
	out := make([]byte, 0, n)
	for len(out) < n {
		p := m.page(va)[va%page:]
		p = p[:min(len(p), n-len(out))]
		out, va = append(out, p...), va+uint64(len(p))
	}
	return out
}

// Number writes a little-endian number of size bytes.
func (m *Machine) Number(va, v uint64, size int) {
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], v)
	m.Put(va, b[:size])
}

// Ptr writes a pointer.
func (m *Machine) Ptr(va, v uint64) { m.Number(va, v, m.Pointer()) }

// GetPtr reads a pointer.
func (m *Machine) GetPtr(va uint64) uint64 {
	b := append(m.Get(va, m.Pointer()), 0, 0, 0, 0)
	if m.Pointer() == 4 {
		return uint64(binary.LittleEndian.Uint32(b))
	}
	return binary.LittleEndian.Uint64(b)
}

// Alloc takes n bytes of kernel memory, zero, on a boundary of 16.
func (m *Machine) Alloc(n int) uint64 {
	at := m.next
	m.next = (at + uint64(n) + 15) &^ 15
	m.allocs = append(m.allocs, at, at+uint64(n))
	for va := at; va < m.next; va = va&^(page-1) + page {
		m.page(va)
	}
	return at
}

// Set writes a member of the structure at va: Set(t, "_ETHREAD.Cid", 4).
func (m *Machine) Set(va uint64, member string, v uint64) {
	p := m.place(member)
	if p.size == 0 {
		panic(fmt.Sprintf("dumptest: %s is no number", member))
	}
	m.Number(va+uint64(p.off), v, p.size)
}

// Try is Set where the profile has the member.
func (m *Machine) Try(va uint64, member string, v uint64) {
	if m.Has(member) {
		m.Set(va, member, v)
	}
}

// Unicode writes a UNICODE_STRING at va, and its text elsewhere.
func (m *Machine) Unicode(va uint64, s string) {
	text := utf16Bytes(s)
	buffer := m.Alloc(len(text) + 2)
	m.Put(buffer, text)
	m.Set(va, "_UNICODE_STRING.Length", uint64(len(text)))
	m.Set(va, "_UNICODE_STRING.MaximumLength", uint64(len(text)+2))
	m.Set(va, "_UNICODE_STRING.Buffer", buffer)
}

func utf16Bytes(s string) []byte {
	var out []byte
	for _, u := range utf16.Encode([]rune(s)) {
		out = binary.LittleEndian.AppendUint16(out, u)
	}
	return out
}

// Empty makes the list head at va empty.
func (m *Machine) Empty(va uint64) {
	m.Set(va, "_LIST_ENTRY.Flink", va)
	m.Set(va, "_LIST_ENTRY.Blink", va)
}

// Insert puts the entry at the end of the list with that head.
func (m *Machine) Insert(head, entry uint64) {
	last := m.GetPtr(head + m.Offset("_LIST_ENTRY.Blink"))
	m.Set(entry, "_LIST_ENTRY.Flink", head)
	m.Set(entry, "_LIST_ENTRY.Blink", last)
	m.Set(last, "_LIST_ENTRY.Flink", entry)
	m.Set(head, "_LIST_ENTRY.Blink", entry)
}

// Variable is the address of a kernel variable that the debugger data names, made
// at the first use.
func (m *Machine) Variable(name string) uint64 {
	at, ok := m.variable[name]
	if !ok {
		at = m.variables
		m.variables += 0x40
		m.variable[name] = at
		m.kdbg[name] = at
		m.page(at)
	}
	return at
}

// SetVariable gives a kernel variable its value.
func (m *Machine) SetVariable(name string, v uint64) { m.Ptr(m.Variable(name), v) }

// List makes a kernel variable that is an empty list head.
func (m *Machine) List(name string) uint64 {
	at := m.Variable(name)
	m.Empty(at)
	return at
}
