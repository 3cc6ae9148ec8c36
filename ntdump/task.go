package ntdump

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Selectors of x86 tasks: the one that runs but for faults with tasks of their own,
// and that of the double fault (reference 5.3a).
const (
	normalTask      = 0x28
	doubleFaultTask = 0x50
)

// Processors is how many processors are looked at: those that the header counts, at
// least one.
func (d *Dump) Processors() int { return max(int(min(d.header.CPUs, maxProcessors)), 1) }

// TaskSegment is the address of the task state segment that a selector names in a
// processor's descriptor table (reference 5.2: KPCR.GDT, GDT entry).
func (d *Dump) TaskSegment(processor int, selector uint64) (uint64, error) {
	if d.header.Machine != X86 {
		return 0, fmt.Errorf("%s keeps no registers in a task state segment", d.header.Machine)
	}
	types := d.Types()
	if types == nil {
		return 0, errors.New("where the descriptor table is, is not known: there are no types for this build")
	}
	data := types.Layout("_KPCR").Field("PrcbData")
	if data == nil {
		return 0, fmt.Errorf("where the descriptor table is, is not known: _KPCR is not described in %s", types.Source())
	}
	prcb, err := d.Prcb(processor)
	if err != nil {
		return 0, err
	}
	gdt, err := d.member(prcb-uint64(data.Offset), "_KPCR", "GDT")
	if err != nil {
		return 0, err
	}
	var b [8]byte
	if _, err := d.ReadMemory(gdt+selector&^7, b[:]); err != nil {
		return 0, fmt.Errorf("reading the descriptor of selector %x: %w", selector, err)
	}
	// Types 9 and b are a 32-bit task state segment, free and busy (Intel SDM volume
	// 3, 8.2.2); bit 4 is clear in all descriptors of the system, bit 7 is Present.
	if kind := b[5] & 0x9d; kind != 0x89 {
		return 0, fmt.Errorf("selector %x is no task state segment: its descriptor's type byte is %02x, expected 89 or 8b", selector, b[5])
	}
	return uint64(binary.LittleEndian.Uint16(b[2:])) | uint64(b[4])<<16 | uint64(b[7])<<24, nil
}

// InterruptedTask says which task a double fault interrupted, whose handler's segment
// stands at an address: the segment links back to it (28 where that cannot be read),
// and it is of the processor whose table names the handler (the first, where none
// does).
func (d *Dump) InterruptedTask(handler uint64) (processor int, selector uint64) {
	selector = normalTask
	if r, err := d.TaskStateAt(Space{}, handler); err == nil {
		if back, ok := r.Get("Backlink"); ok && back&^7 != 0 {
			selector = back &^ 7
		}
	}
	for i := range d.Processors() {
		if at, err := d.TaskSegment(i, doubleFaultTask); err == nil && at == handler {
			return i, selector
		}
	}
	return 0, selector
}
