package bootcode

import (
	"fmt"

	"golang.org/x/arch/x86/x86asm"
)

// region is a stretch of memory that holds bytes of the sector: where the BIOS
// put it, and where the code copied itself.
type region struct {
	linear uint32 // first address
	off    int    // offset in the sector
	n      int
}

// A Copy is a move of the code to another place, from where it goes on.
type Copy struct {
	At    uint32 `json:"at"`   // address of the instruction that copies
	From  uint32 `json:"from"` // linear
	To    uint32 `json:"to"`
	Bytes int    `json:"bytes"`
	Seg   uint16 `json:"seg"` // To as the code gives it
	Off   uint16 `json:"off"`
}

// Target returns where the copy goes as text.
func (c Copy) Target() string { return fmt.Sprintf("%04x:%04x", c.Seg, c.Off) }

// image is the sector in memory.
type image struct {
	data    []byte
	table   bool     // 1BE to 1FD is a partition table
	regions []region // the first is where it was loaded
}

// locate returns the offset in the sector of what stands at a linear address.
// A later copy hides an earlier one.
func (m *image) locate(linear uint32) (int, bool) {
	for i := len(m.regions) - 1; i >= 0; i-- {
		r := m.regions[i]
		if linear >= r.linear && linear-r.linear < uint32(r.n) {
			return r.off + int(linear-r.linear), true
		}
	}
	return 0, false
}

// code returns the bytes from a linear address to the end of its region. A
// partition table is no code.
func (m *image) code(linear uint32) (code []byte, off int, ok bool) {
	for i := len(m.regions) - 1; i >= 0; i-- {
		r := m.regions[i]
		if linear >= r.linear && linear-r.linear < uint32(r.n) {
			off = r.off + int(linear-r.linear)
			end := r.off + r.n
			if m.table && off >= diskIDOffset {
				return nil, 0, false
			}
			if m.table {
				end = min(end, diskIDOffset)
			}
			return m.data[off:end], off, true
		}
	}
	return nil, 0, false
}

// copied notes that n bytes were copied. Only what comes from the sector
// counts; it is clipped to it. The number of regions is bounded, since code
// may copy in circles.
func (m *image) copied(from, to uint32, n int) (region, bool) {
	off, ok := m.locate(from)
	if !ok || n <= 0 || from == to {
		return region{}, false
	}
	r := region{linear: to, off: off, n: min(n, len(m.data)-off)}
	for _, have := range m.regions {
		if have == r {
			return r, false
		}
	}
	if len(m.regions) >= 8 {
		return region{}, false
	}
	m.regions = append(m.regions, r)
	return r, true
}

// Within the sector: what a master boot record keeps behind its code.
const (
	messageOffset   = 0x1b5
	diskIDOffset    = 0x1b8
	tableOffset     = 0x1be
	tableEnd        = 0x1fe
	signatureOffset = 0x1fe
)

// entryAt returns the offset within a partition entry that an address is, if it
// lies in the table.
func (m *image) entryAt(linear uint32) (uint32, bool) {
	off, ok := m.locate(linear)
	if !ok || !m.table || off < tableOffset || off >= tableEnd {
		return 0, false
	}
	return uint32(off-tableOffset) % 16, true
}

// assumedMemory is the size of conventional memory, in KB, that code which asks
// the BIOS for it is followed with: code that moves itself to the top of memory,
// as boot viruses do, can be followed only with some value.
const assumedMemory = 640

// load returns the cell at a linear address that nothing was written to.
func (m *image) load(linear uint32) cell {
	switch linear { // the size of memory in KB, in the BIOS data area
	case 0x413, 0x414:
		return number(assumedMemory, 2)[linear-0x413]
	}
	if n, ok := m.entryAt(linear); ok {
		return cell{kind: entryByte, n: uint8(n)}
	}
	if off, ok := m.locate(linear); ok {
		return cell{kind: constant, n: m.data[off]}
	}
	return cell{}
}

// seg indexes a segment register in a state.
func seg(r x86asm.Reg) int { return int(r - x86asm.ES) }
