package dumptest

import "encoding/binary"

// HeaderFields are what a header says beside addresses. A test may change them
// before the dump is written.
type HeaderFields struct {
	CPUs      uint32
	Code      uint32 // of the bug check
	Params    [4]uint64
	Time      uint64 // FILETIME
	Uptime    uint64 // in 100 ns
	Comment   string
	Exception []byte // EXCEPTION_RECORD
	Context   []byte // CONTEXT
	Status    uint32
}

func (h *HeaderFields) fill(p *Profile) {
	*h = HeaderFields{CPUs: 1, Code: 0xe2, Time: 0x1c9f3a5b2d4e600, Uptime: 36_000_000_000}
	if p.modern {
		h.Time = 0x1d707f23dbb3399
	}
}

// Run is a stretch of physical pages.
type Run struct{ Base, Count uint64 }

// record is a header under construction: every byte that is not set holds the
// filler "PAGE".
type record struct {
	b    []byte
	bits int
}

func newRecord(size, bits int) *record {
	r := &record{b: make([]byte, size), bits: bits}
	for i := range r.b {
		r.b[i] = "PAGE"[i%4]
	}
	return r
}

func (r *record) u32(off int, v uint64) { binary.LittleEndian.PutUint32(r.b[off:], uint32(v)) }
func (r *record) u64(off int, v uint64) { binary.LittleEndian.PutUint64(r.b[off:], v) }

func (r *record) bytes(off, size int, b []byte) {
	if b == nil {
		return
	}
	clear(r.b[off : off+size])
	copy(r.b[off:off+size], b)
}

// header writes the first header of a dump (reference 3.1 and 3.2).
func (m *Machine) header(kind Kind, size uint64, runs []Run) []byte {
	pages := uint64(0)
	for _, r := range runs {
		pages += r.Count
	}
	if m.Bits == 32 {
		return m.header32(kind, size, pages, runs)
	}
	return m.header64(kind, size, pages, runs)
}

func (m *Machine) header32(kind Kind, size, pages uint64, runs []Run) []byte {
	h, r := &m.Header, newRecord(0x1000, 32)
	copy(r.b, "PAGEDUMP")
	r.u32(0x08, 0xf)
	r.u32(0x0c, uint64(m.Build))
	r.u32(0x10, m.Kernel().DTB)
	r.u32(0x14, 0x81000000)
	r.u32(0x18, m.modules)
	r.u32(0x1c, m.processes)
	r.u32(0x20, uint64(m.Machine))
	r.u32(0x24, uint64(h.CPUs))
	r.u32(0x28, uint64(h.Code))
	for i, p := range h.Params {
		r.u32(0x2c+4*i, p)
	}
	r.bytes(0x3c, 32, []byte{})
	r.b[0x5c] = 0
	if m.PAE {
		r.b[0x5c] = 1
	}
	r.u32(0x60, m.kdbgAt)
	if runs != nil {
		r.u32(0x64, uint64(len(runs)))
		r.u32(0x68, pages)
		for i, run := range runs {
			r.u32(0x6c+8*i, run.Base)
			r.u32(0x70+8*i, run.Count)
		}
	}
	r.bytes(0x320, 1200, h.Context)
	r.bytes(0x7d0, 0x50, h.Exception)
	r.bytes(0x820, 128, []byte(h.Comment))
	r.u32(0xf88, uint64(kind))
	r.u32(0xf94, 1)
	r.u32(0xf98, 0x110)
	r.u32(0xf9c, uint64(h.Status))
	r.u64(0xfa0, size)
	r.u64(0xfb8, h.Uptime)
	r.u64(0xfc0, h.Time)
	return r.b
}

func (m *Machine) header64(kind Kind, size, pages uint64, runs []Run) []byte {
	h, r := &m.Header, newRecord(0x2000, 64)
	copy(r.b, "PAGEDU64")
	r.u32(0x08, 0xf)
	r.u32(0x0c, uint64(m.Build))
	r.u64(0x10, m.dtb())
	r.u64(0x18, 0xfffffa8000000000)
	r.u64(0x20, m.modules)
	r.u64(0x28, m.processes)
	r.u32(0x30, uint64(m.Machine))
	r.u32(0x34, uint64(h.CPUs))
	r.u32(0x38, uint64(h.Code))
	for i, p := range h.Params {
		r.u64(0x40+8*i, p)
	}
	r.bytes(0x60, 32, []byte{})
	r.u64(0x80, m.kdbgAt)
	if runs != nil {
		r.u32(0x88, uint64(len(runs)))
		r.u64(0x90, pages)
		for i, run := range runs {
			r.u64(0x98+16*i, run.Base)
			r.u64(0xa0+16*i, run.Count)
		}
	}
	r.bytes(0x348, 3000, h.Context)
	r.bytes(0xf00, 0x98, h.Exception)
	r.u32(0xf98, uint64(kind))
	r.u64(0xfa0, size)
	r.u64(0xfa8, h.Time)
	r.bytes(0xfb0, 128, []byte(h.Comment))
	r.u64(0x1030, h.Uptime)
	r.u32(0x1040, 1)
	r.u32(0x1044, 0x110)
	r.u32(0x1048, uint64(h.Status))
	return r.b
}

// dtb is the kernel's root as the header has it: Windows 10 leaves flags in the low
// bits.
func (m *Machine) dtb() uint64 {
	if m.modern {
		return m.Kernel().DTB | 2
	}
	return m.Kernel().DTB
}
