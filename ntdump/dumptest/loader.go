package dumptest

import "encoding/binary"

// Loader is what a process's loader keeps in the process: the PEB, and the lists of the
// modules.
type Loader struct {
	Space   *Space
	Peb     uint64
	Data    uint64   // of the _PEB_LDR_DATA
	Entries []uint64 // of the modules, in load order

	m    *Machine
	p    *Profile // whose layouts it has
	next uint64   // free memory of the process
}

// The lists that a loader keeps, each with the members of the head and of an entry.
var loaderLists = [][2]string{
	{"_PEB_LDR_DATA.InLoadOrderModuleList", "_LDR_DATA_TABLE_ENTRY.InLoadOrderLinks"},
	{"_PEB_LDR_DATA.InMemoryOrderModuleList", "_LDR_DATA_TABLE_ENTRY.InMemoryOrderLinks"},
	{"_PEB_LDR_DATA.InInitializationOrderModuleList", "_LDR_DATA_TABLE_ENTRY.InInitializationOrderLinks"},
}

// AddLoader lays down the PEB that a process names and empty lists of modules.
func (m *Machine) AddLoader(process uint64, s *Space) *Loader {
	peb := m.GetPtr(process + m.Offset("_EPROCESS.Peb"))
	return m.newLoader(&Loader{Space: s, Peb: peb, Data: 0x251e90, m: m, p: &m.Profile})
}

// AddWow64Loader lays down the PEB of the 32-bit part of a process of x64.
func (m *Machine) AddWow64Loader(process uint64, s *Space, peb uint64) *Loader {
	part := m.Alloc(m.Size("_WOW64_PROCESS"))
	m.Set(part, "_WOW64_PROCESS.Wow64", peb)
	m.Set(process, "_EPROCESS.Wow64Process", part)
	return m.newLoader(&Loader{Space: s, Peb: peb, Data: 0x351e90, m: m, p: &XP})
}

func (m *Machine) newLoader(l *Loader) *Loader {
	l.next = (l.Data + uint64(l.p.Size("_PEB_LDR_DATA")) + 15) &^ 15
	m.PutIn(l.Space, l.Peb, make([]byte, l.p.Size("_PEB")))
	m.PutIn(l.Space, l.Data, make([]byte, l.p.Size("_PEB_LDR_DATA")))
	l.Set(l.Peb, "_PEB.Ldr", l.Data)
	l.Set(l.Data, "_PEB_LDR_DATA.Length", uint64(l.p.Size("_PEB_LDR_DATA")))
	l.Set(l.Data, "_PEB_LDR_DATA.Initialized", 1)
	for _, list := range loaderLists {
		head := l.Data + l.p.Offset(list[0])
		l.Set(head, "_LIST_ENTRY.Flink", head)
		l.Set(head, "_LIST_ENTRY.Blink", head)
	}
	return l
}

// Set writes a member of a structure in the process.
func (l *Loader) Set(va uint64, member string, v uint64) {
	at := l.p.place(member)
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], v)
	l.m.PutIn(l.Space, va+uint64(at.off), b[:at.size])
}

// Memory is n bytes of the process's memory, on one page that is there.
func (l *Loader) Memory(va uint64, n int) []byte {
	return append([]byte(nil), l.m.pageIn(l.Space, va)[va%page:][:n]...)
}

// Alloc takes n bytes of the process's memory, zero.
func (l *Loader) Alloc(n int) uint64 {
	at := l.next
	l.next = (at + uint64(n) + 15) &^ 15
	l.m.PutIn(l.Space, at, make([]byte, n))
	return at
}

// Unicode writes a UNICODE_STRING, and its text elsewhere.
func (l *Loader) Unicode(va uint64, s string) {
	text := utf16Bytes(s)
	buffer := l.Alloc(len(text) + 2)
	l.m.PutIn(l.Space, buffer, text)
	l.Set(va, "_UNICODE_STRING.Length", uint64(len(text)))
	l.Set(va, "_UNICODE_STRING.MaximumLength", uint64(len(text)+2))
	l.Set(va, "_UNICODE_STRING.Buffer", buffer)
}

// Add notes a module as loaded, the first one as the process's own image, and returns
// its entry. Its memory is the test's to write.
func (l *Loader) Add(mod Module) uint64 {
	at := l.Alloc(l.p.Size("_LDR_DATA_TABLE_ENTRY"))
	for _, list := range loaderLists {
		head := l.Data + l.p.Offset(list[0])
		last := head
		if n := len(l.Entries); n > 0 {
			last = l.Entries[n-1] + l.p.Offset(list[1])
		}
		links := at + l.p.Offset(list[1])
		l.Set(links, "_LIST_ENTRY.Flink", head)
		l.Set(links, "_LIST_ENTRY.Blink", last)
		l.Set(last, "_LIST_ENTRY.Flink", links)
		l.Set(head, "_LIST_ENTRY.Blink", links)
	}
	if len(l.Entries) == 0 {
		l.Set(l.Peb, "_PEB.ImageBaseAddress", mod.Base)
	}
	l.Entries = append(l.Entries, at)
	for member, v := range mod.numbers() {
		l.Set(at, member, v)
	}
	l.Unicode(at+l.p.Offset("_LDR_DATA_TABLE_ENTRY.BaseDllName"), mod.Name)
	l.Unicode(at+l.p.Offset("_LDR_DATA_TABLE_ENTRY.FullDllName"), `C:\WINDOWS\system32\`+mod.Name)
	return at
}

// Stack lays down the part of a thread's TEB that has the bounds of its user stack.
func (l *Loader) Stack(teb, limit, base uint64) {
	l.m.PutIn(l.Space, teb, make([]byte, l.p.Size("_NT_TIB")))
	l.Set(teb, "_NT_TIB.StackBase", base)
	l.Set(teb, "_NT_TIB.StackLimit", limit)
	l.Set(teb, "_NT_TIB.Self", teb)
}
