package dumptest

import (
	"encoding/binary"
	"maps"
	"slices"
)

// Kind is the kind of a dump, by the header's number (reference 3.3).
type Kind uint32

// Kinds.
const (
	Full         Kind = 1
	Summary      Kind = 2
	HeaderOnly   Kind = 3
	Triage       Kind = 4
	BitmapFull   Kind = 5
	BitmapKernel Kind = 6
	Automatic    Kind = 7
)

// Kinds are those that hold physical memory.
var Kinds = []Kind{Full, Summary, BitmapFull, BitmapKernel, Automatic}

// Dump writes the machine as a dump. It finishes lists and page tables, so it
// comes last; a second dump of another kind may follow.
func (m *Machine) Dump(kind Kind) []byte {
	m.writeDebuggerData()
	m.marks = []int{m.headerBytes()}
	if kind == Triage {
		return m.triage()
	}
	m.buildTables()
	frames := slices.Sorted(maps.Keys(m.phys))
	var out []byte
	switch kind {
	case HeaderOnly:
		return m.header(kind, uint64(m.headerBytes()), nil)
	case Full:
		runs := runsOf(frames)
		size := uint64(m.headerBytes()) + uint64(len(frames))*page
		out = m.header(kind, size, runs)
	default:
		second := m.bitmapHeader(frames)
		out = append(m.header(kind, uint64(m.headerBytes())+uint64(len(second)+len(frames)*page), nil), second...)
	}
	m.mark(out)
	m.markAllocs(frames, len(out))
	for _, f := range frames {
		out = append(out, m.phys[f]...)
	}
	return out
}

// headerBytes is the size of the first header.
func (m *Machine) headerBytes() int { return m.Bits * 128 }

// Boundaries are the offsets in the dump that was written last at which a structure
// begins or ends: headers, bitmap, pieces of a small dump, what Alloc took. They are
// in no order and may repeat.
func (m *Machine) Boundaries() []int { return m.marks }

// mark notes that a structure ends where b ends, and another begins.
func (m *Machine) mark(b []byte) { m.marks = append(m.marks, len(b)) }

// markAllocs notes what Alloc took, in pages that stand in the file from first on.
func (m *Machine) markAllocs(frames []uint64, first int) {
	index := make(map[uint64]int, len(frames))
	for i, f := range frames {
		index[f] = i
	}
	for _, va := range m.allocs {
		if i, ok := index[m.kernel[va/page]&(1<<52-1)/page]; ok {
			m.marks = append(m.marks, first+i*page+int(va%page))
		}
	}
}

// HeaderWithRuns is the header of a full dump with other runs than the machine's:
// for files whose memory a test makes itself.
func (m *Machine) HeaderWithRuns(runs []Run) []byte { return m.header(Full, 0, runs) }

func runsOf(frames []uint64) []Run {
	var runs []Run
	for _, f := range frames {
		if n := len(runs); n > 0 && runs[n-1].Base+runs[n-1].Count == f {
			runs[n-1].Count++
			continue
		}
		runs = append(runs, Run{f, 1})
	}
	return runs
}

// bitmapHeader writes the second header of a bitmap dump with its bitmap.
func (m *Machine) bitmapHeader(frames []uint64) []byte {
	bits := frames[len(frames)-1] + 1
	bitmap := make([]byte, (bits+7)/8)
	for _, f := range frames {
		bitmap[f/8] |= 1 << (f % 8)
	}
	if m.Bits == 32 {
		// Signature, options, first page, bits, pages, {bits, pointer}, bitmap.
		r := newRecord(0x20, 32)
		copy(r.b, "SDMPDUMP")
		r.u32(0x0c, 0x1000+0x20+uint64(len(bitmap)))
		r.u32(0x10, bits)
		r.u32(0x14, uint64(len(frames)))
		r.u32(0x18, bits)
		r.u32(0x1c, 0x81234000)
		m.marks = append(m.marks, m.headerBytes()+len(r.b))
		return append(r.b, bitmap...)
	}
	r := newRecord(0x38, 64)
	copy(r.b, "SDMPDUMP")
	r.u64(0x20, 0x2000+0x38+uint64(len(bitmap)))
	r.u64(0x28, uint64(len(frames)))
	r.u64(0x30, bits)
	m.marks = append(m.marks, m.headerBytes()+len(r.b))
	return append(r.b, bitmap...)
}

// appendString appends a string of a small dump: a count of characters, then UTF-16
// with a NUL.
func appendString(b []byte, s string) []byte {
	text := utf16Bytes(s)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(text)/2))
	b = append(append(b, text...), 0, 0)
	for len(b)%8 != 0 {
		b = append(b, 0)
	}
	return b
}
