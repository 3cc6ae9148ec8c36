package dumptest

import (
	"maps"
	"slices"
)

// CPU is a virtual processor as a hypervisor saves it: registers by their 64-bit
// names ("rax", "rip", "rflags"), selectors ("cs"), control registers ("cr0").
type CPU map[string]uint64

// frames are the pages of the machine in order, after lists and tables were finished.
func (m *Machine) frames() []uint64 {
	m.writeDebuggerData()
	m.buildTables()
	return slices.Sorted(maps.Keys(m.phys))
}

// Raw writes the machine's memory as it is, from address 0 on. What the machine does
// not have is zero, as a program that copies memory leaves it.
func (m *Machine) Raw() []byte {
	frames := m.frames()
	out := make([]byte, (frames[len(frames)-1]+1)*page)
	for _, f := range frames {
		copy(out[f*page:], m.phys[f])
	}
	return out
}

// LabelBuild puts the build's text, the bug check and the shared page into memory: what
// a memory image has in place of a dump's header. It takes them from the header's
// fields as they are by then.
func (m *Machine) LabelBuild(lab string) {
	m.Put(m.Variable("NtBuildLab"), append([]byte(lab), 0))
	check := m.Variable("KiBugcheckData")
	for i, v := range append([]uint64{uint64(m.Header.Code)}, m.Header.Params[:]...) {
		m.Ptr(check+uint64(i*m.Pointer()), v)
	}
	shared := uint64(0xfffff78000000000)
	if m.Bits == 32 {
		shared = 0xffdf0000
	}
	for off, v := range map[uint64]uint64{0x8: m.Header.Uptime, 0x14: m.Header.Time} {
		m.Number(shared+off, v, 8)
		m.Number(shared+off+8, v>>32, 4)
	}
	m.Number(shared+0x264, 1, 4) // NtProductType
	m.Number(shared+0x2d0, 0x110, 4)
	if m.modern {
		m.Number(shared+0x260, uint64(m.Build)|0xf0000000, 4)
	}
}
