package dumptest

import (
	"encoding/binary"
	"maps"
	"slices"
)

// triage writes a small dump (reference 3.4): the records of the first processor,
// its thread and process, the thread's stack from its KernelStack up, and the page
// of the debugger data as a data block.
func (m *Machine) triage() []byte {
	ptr := m.Pointer()
	at := m.headerBytes()
	head := 0x80
	if m.Bits == 32 {
		head = 0x68
	}
	f := map[string]uint64{}
	var body []byte
	start := at + head
	place := func(name string, b []byte) {
		for len(body)%8 != 0 {
			body = append(body, 0)
		}
		f[name] = uint64(start + len(body))
		body = append(body, b...)
		m.marks = append(m.marks, int(f[name]), start+len(body))
	}
	if len(m.prcbs) > 0 {
		prcb := m.prcbs[0]
		thread := m.GetPtr(prcb + m.Offset("_KPRCB.CurrentThread"))
		process := m.GetPtr(thread + m.Offset("_KTHREAD.ApcState.Process"))
		sp := m.GetPtr(thread + m.Offset("_KTHREAD.KernelStack"))
		base := m.GetPtr(thread + m.Offset("_KTHREAD.InitialStack")) // where AddThread puts the base
		size := 0xc00
		if m.Has("_KPRCB") {
			size = m.Size("_KPRCB")
		}
		place("prcb", m.Get(prcb, size))
		place("process", m.Get(process, m.Size("_EPROCESS")))
		place("thread", m.Get(thread, m.Size("_ETHREAD")))
		place("stack", m.Get(sp, int(base-sp)))
		f["stackSize"], f["top"] = base-sp, sp
	}
	place("unloaded", m.triageUnloaded())
	place("kdbg", m.Get(m.kdbgAt, m.kdbgSize))
	entry := ptr + m.Size("_LDR_DATA_TABLE_ENTRY")
	if m.Bits == 64 {
		entry = 0x90
	}
	drivers := make([]byte, entry*len(m.listed))
	place("drivers", drivers)
	f["strings"] = uint64(start + len(body))
	for i, mod := range m.listed {
		e := body[int(f["drivers"])-start+i*entry:]
		binary.LittleEndian.PutUint32(e, uint32(start+len(body)))
		for _, v := range []struct {
			member string
			v      uint64
		}{{"DllBase", mod.Base}, {"EntryPoint", mod.Entry}, {"SizeOfImage", mod.Size}, {"CheckSum", uint64(mod.CheckSum)}, {"TimeDateStamp", uint64(mod.Stamp)}} {
			p := m.place("_LDR_DATA_TABLE_ENTRY." + v.member)
			put(e[ptr+p.off:], v.v, p.size)
		}
		body = appendString(body, mod.Name)
		m.marks = append(m.marks, start+len(body), int(f["drivers"])+(i+1)*entry)
	}
	f["stringsSize"] = uint64(start+len(body)) - f["strings"]
	f["blocks"], f["blockCount"] = m.triageBlocks(&body, start)
	f["valid"] = uint64(start + len(body))
	m.marks = append(m.marks, start, int(f["blocks"]), int(f["valid"]))
	body = append(body, "TRGD"...)
	r := newRecord(head, m.Bits)
	clear(r.b)
	order := []string{"", "size", "valid", "context", "exception", "", "unloaded", "prcb", "process", "thread", "stack", "stackSize", "drivers", "driverCount", "strings", "stringsSize", "", ""}
	f["size"], f["driverCount"] = uint64(start+len(body)), uint64(len(m.listed))
	for i, name := range order {
		r.u32(4*i, f[name])
	}
	if m.Bits == 64 {
		r.u64(0x48, f["top"])
		r.u64(0x58, m.bstoreLimit)
		r.u32(0x70, f["kdbg"])
		r.u32(0x74, uint64(m.kdbgSize))
		r.u32(0x78, f["blocks"])
		r.u32(0x7c, f["blockCount"])
	} else {
		r.u32(0x48, f["top"])
		r.u32(0x58, f["kdbg"])
		r.u32(0x5c, uint64(m.kdbgSize))
		r.u32(0x60, f["blocks"])
		r.u32(0x64, f["blockCount"])
	}
	return append(append(m.header(Triage, f["size"], nil), r.b...), body...)
}

// triageUnloaded is the list of unloaded images: a count as long as a pointer, then
// {UNICODE_STRING, WCHAR[12], start, end}.
func (m *Machine) triageUnloaded() []byte {
	ptr := m.Pointer()
	b := make([]byte, ptr)
	put(b, uint64(len(m.unloaded)), ptr)
	for _, u := range m.unloaded {
		e := make([]byte, 2*ptr+24+2*ptr)
		text := utf16Bytes(u.Name)
		text = text[:min(len(text), 24)]
		binary.LittleEndian.PutUint16(e, uint16(len(text)))
		binary.LittleEndian.PutUint16(e[2:], 24)
		copy(e[2*ptr:], text)
		put(e[2*ptr+24:], u.Start, ptr)
		put(e[3*ptr+24:], u.End, ptr)
		b = append(b, e...)
	}
	return b
}

// triageBlocks appends the kernel's variables as data blocks, and the table of them.
func (m *Machine) triageBlocks(body *[]byte, start int) (table, count uint64) {
	ptr := m.Pointer()
	type block struct {
		va  uint64
		off int
	}
	var list []block
	for _, name := range slices.Sorted(maps.Keys(m.variable)) {
		va := m.variable[name]
		list = append(list, block{va, start + len(*body)})
		*body = append(*body, m.Get(va, 0x40)...)
	}
	table = uint64(start + len(*body))
	for _, x := range list {
		e := make([]byte, ptr+8)
		put(e, x.va, ptr)
		binary.LittleEndian.PutUint32(e[ptr:], uint32(x.off))
		binary.LittleEndian.PutUint32(e[ptr+4:], 0x40)
		*body = append(*body, e...)
	}
	return table, uint64(len(list))
}
