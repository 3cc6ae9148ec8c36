package ntdump

import "encoding/binary"

// State is what a page table entry says of its page.
type State uint8

// States of an entry (reference 5.1). The processor knows Valid alone; the others
// are Windows' own use of an entry whose bit 0 is clear.
const (
	Valid        State = iota + 1 // bit 0: the page is in memory
	InTransition                  // bit 11, not bit 10: in memory still, on the standby or modified list
	InPrototype                   // bit 10: another entry, of a section, stands for the page
	InPageFile                    // a place in a page file
	Zero                          // demand zero: a protection and no place
	Empty                         // nothing
)

var stateNames = [...]string{Valid: "valid", InTransition: "transition", InPrototype: "prototype",
	InPageFile: "page file", Zero: "demand zero", Empty: "not valid"}

// String is the state's name.
func (s State) String() string {
	if int(s) < len(stateNames) {
		return stateNames[s]
	}
	return ""
}

func (s State) reason() Reason {
	switch s {
	case InPrototype:
		return Prototype
	case InPageFile:
		return PagedOut
	case Zero:
		return DemandZero
	}
	return NotMapped
}

// Bits of an entry.
const (
	validBit      = 1 << 0
	largeBit      = 1 << 7
	prototypeBit  = 1 << 10
	transitionBit = 1 << 11
)

// entry is a page table entry taken apart.
type entry struct {
	state State
	pfn   uint64 // Valid, InTransition
	proto uint64 // InPrototype: the whole entry
}

// decode takes an entry apart. Where the place in a page file stands depends on
// the width: the number of the file in bits 1 to 4 and the page in it from bit 12
// on (4 bytes) or from bit 32 on (8 bytes), as the public symbols' _MMPTE_SOFTWARE
// has them.
func (m *paging) decode(v uint64) entry {
	pfn := v & (1<<m.addrBits - 1) / pageBytes
	switch {
	case v&validBit != 0:
		return entry{state: Valid, pfn: pfn}
	case v == 0:
		return entry{state: Empty}
	case v&prototypeBit != 0:
		return entry{state: InPrototype, proto: v}
	case v&transitionBit != 0:
		return entry{state: InTransition, pfn: pfn}
	}
	place := v >> 12
	if m.entry == 8 {
		place = v >> 32
	}
	if place != 0 {
		return entry{state: InPageFile}
	}
	return entry{state: Zero}
}

// largeBase is the physical address of a large page. Entries of 4 bytes may carry
// bits 32 to 39 of it in their bits 13 to 20 (PSE-36, Intel SDM volume 3, 4.3).
func (m *paging) largeBase(v uint64, shift uint) uint64 {
	base := v & (1<<m.addrBits - 1) &^ (1<<shift - 1)
	if m.entry == 4 {
		base |= v >> 13 & 0xff << 32
	}
	return base
}

// protoAddress is where the prototype entry stands that an entry names: by the
// public symbols' _MMPTE_PROTOTYPE. An entry of 4 bytes has an offset in paged
// pool, so the pool's start must be known.
func (d *Dump) protoAddress(v uint64) (uint64, bool) {
	switch d.mode {
	case pagingX64:
		// Bits 16 to 63, sign extended. All ones but the low word stand for "look
		// into the process's address descriptors", which are not read here.
		addr := uint64(int64(v) >> 16)
		return addr, addr != ^uint64(0xffff) && addr != ^uint64(0)
	case pagingPAE:
		addr := v >> 32
		return addr, addr != 0xffffffff && addr != 0
	case pagingX86:
		start, ok := d.pagedPoolStart()
		return (start + v>>1&0x7f<<2 + v>>11<<9) & 0xffffffff, ok
	}
	return 0, false
}

// pagedPoolStart is MmPagedPoolStart's value, through the debugger data block.
func (d *Dump) pagedPoolStart() (uint64, bool) {
	k := d.debugger.Load()
	if k == nil {
		return 0, false
	}
	at, ok := k.Address(MmPagedPoolStart)
	if !ok {
		return 0, false
	}
	var b [4]byte
	t := Translation{Virtual: at}
	if d.translate(Space{}, at, &t, false) != nil || t.Absent != nil {
		return 0, false
	}
	if _, err := d.ReadPhysical(t.Physical, b[:]); err != nil {
		return 0, false
	}
	return uint64(binary.LittleEndian.Uint32(b[:])), true
}

// translateProto follows a prototype entry to its page. One that is itself in a
// section (bit 10: the page is in a mapped file) or paged out is an answer.
func (d *Dump) translateProto(va uint64, e entry, t *Translation) error {
	t.Absent = &Absent{t.Virtual, false, Prototype}
	at, ok := d.protoAddress(e.proto)
	if !ok {
		return nil
	}
	own := Translation{Virtual: at}
	if err := d.translate(Space{}, at, &own, false); err != nil || own.Absent != nil {
		return err
	}
	v, err := d.physWord(own.Physical, d.mode.entry)
	if err != nil {
		return t.miss(err)
	}
	p := d.mode.decode(v)
	t.add(Step{"Proto", at, v, p.state})
	if p.state != Valid && p.state != InTransition {
		if r := p.state.reason(); r != NotMapped {
			t.Absent.Reason = r
		}
		return nil
	}
	t.Absent, t.Proto, t.PageSize = nil, true, pageBytes
	t.Transition = p.state == InTransition
	t.Physical = p.pfn*pageBytes + va%pageBytes
	return nil
}
