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
	if kind == Triage {
		return m.triage()
	}
	m.buildTables()
	frames := slices.Sorted(maps.Keys(m.phys))
	var out []byte
	switch kind {
	case HeaderOnly:
		return m.header(kind, uint64(m.Bits)*128, nil)
	case Full:
		runs := runsOf(frames)
		size := uint64(m.Bits)*128 + uint64(len(frames))*page
		out = m.header(kind, size, runs)
	default:
		second := m.bitmapHeader(frames)
		out = append(m.header(kind, uint64(m.Bits)*128+uint64(len(second)+len(frames)*page), nil), second...)
	}
	for _, f := range frames {
		out = append(out, m.phys[f]...)
	}
	return out
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
		return append(r.b, bitmap...)
	}
	r := newRecord(0x38, 64)
	copy(r.b, "SDMPDUMP")
	r.u64(0x20, 0x2000+0x38+uint64(len(bitmap)))
	r.u64(0x28, uint64(len(frames)))
	r.u64(0x30, bits)
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
