package dumptest

// AddProcessor makes the records of a processor that runs a thread, and returns the
// address of its KPCR; the KPRCB stands in it.
func (m *Machine) AddProcessor(thread uint64) uint64 {
	off := "_KPCR.PrcbData"
	if m.Bits == 64 {
		off = "_KPCR.Prcb"
	}
	pcr := m.Alloc(0x3000)
	if m.Has("_KPRCB") {
		pcr = m.Alloc(0x180 + m.Size("_KPRCB"))
	}
	prcb := pcr + m.Offset(off)
	m.Set(prcb, "_KPRCB.CurrentThread", thread)
	m.Set(prcb, "_KPRCB.Number", uint64(len(m.prcbs)))
	m.Try(pcr, "_KPCR.Self", pcr)
	m.Try(pcr, "_KPCR.CurrentPrcb", prcb)
	if len(m.prcbs) == 0 {
		table := m.Variable("KiProcessorBlock")
		m.Put(table, make([]byte, 32*m.Pointer()))
		m.variables += 32 * 8
	}
	m.Ptr(m.Variable("KiProcessorBlock")+uint64(len(m.prcbs)*m.Pointer()), prcb)
	m.prcbs = append(m.prcbs, prcb)
	return pcr
}

// Registers are written into a CONTEXT, a trap frame or a task state by name of the
// member: {"Eip": 0x804d7123}.
type Registers map[string]uint64

// Fill writes registers into the structure at va.
func (m *Machine) Fill(va uint64, structure string, r Registers) {
	for name, v := range r {
		m.Set(va, structure+"."+name, v)
	}
}

// Record is Fill into bytes of their own: for the header's context.
func (m *Machine) Record(structure string, r Registers) []byte {
	at := m.Alloc(m.Size(structure))
	m.Fill(at, structure, r)
	return m.Get(at, m.Size(structure))
}

// SaveContext writes what a processor saved of itself.
func (m *Machine) SaveContext(processor int, r Registers) {
	m.Fill(m.prcbs[processor]+m.Offset("_KPRCB.ProcessorState.ContextFrame"), "_CONTEXT", r)
}

// AddTask makes a task state segment with the given registers, enters it into the
// processor's descriptor table at a selector, and returns its address.
func (m *Machine) AddTask(pcr uint64, selector uint16, r Registers) uint64 {
	gdt := m.GetPtr(pcr + m.Offset("_KPCR.GDT"))
	if gdt == 0 {
		gdt = m.Alloc(0x400)
		m.Set(pcr, "_KPCR.GDT", gdt)
	}
	at := m.Alloc(0x80)
	m.Fill(at, "_KTSS", r)
	// A descriptor has its base in bytes 2, 3, 4 and 7; 89h is a present task state.
	d := []byte{0x67, 0, byte(at), byte(at >> 8), byte(at >> 16), 0x89, 0, byte(at >> 24)}
	m.Put(gdt+uint64(selector&^7), d)
	return at
}
