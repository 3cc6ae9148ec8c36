package stackcheck

import (
	"encoding/binary"
	"fmt"

	"github.com/seed-eedd8485/lpc/ntdump"
)

// accessViolation is STATUS_ACCESS_VIOLATION: what a push to the guard page raises.
const accessViolation = 0xc0000005

// state finds the interrupted registers by the bug check's parameters (reference
// section 2, 3). nil registers come with the reason as evidence, or with a verdict.
func (r *Result) state(d *ntdump.Dump) *ntdump.Registers {
	b := d.Header().BugCheck
	r.Code = b.Code &^ 0x10000000
	exception := func(what string) bool {
		r.Class = fmt.Sprintf("%s, exception %08x", what, uint32(b.Params[0]))
		if uint32(b.Params[0]) != accessViolation {
			r.decide(NotACase, High, "the exception is %08x; only an access violation (c0000005) can come from a stack that is used up", uint32(b.Params[0]))
			return false
		}
		return true
	}
	take := func(name string, regs *ntdump.Registers, err error) *ntdump.Registers {
		if err != nil {
			r.say("the interrupted registers are not known: %v", err)
			return nil
		}
		r.State = name
		return regs
	}
	switch r.Code {
	case 0x7f:
		r.Class = fmt.Sprintf("unexpected kernel mode trap %#x", b.Params[0])
		if b.Params[0] != 8 {
			r.decide(NotACase, High, "trap %#x is no double fault (8)", b.Params[0])
			return nil
		}
		r.Class += ", a double fault"
		if d.Header().Machine == ntdump.X86 {
			regs, name, err := taskState(d, b.Params[1])
			return take(name, regs, err)
		}
		regs, err := d.Context(d.Header().Context)
		return take("context in the header", regs, err)
	case 0x7e:
		if !exception("system thread exception not handled") {
			return nil
		}
		regs, err := d.ContextAt(ntdump.Space{}, b.Params[3])
		return take(fmt.Sprintf("context at %#x", b.Params[3]), regs, err)
	case 0x8e:
		if !exception("kernel mode exception not handled") {
			return nil
		}
		regs, err := d.TrapFrameAt(ntdump.Space{}, b.Params[2])
		return take(fmt.Sprintf("trap frame at %#x", b.Params[2]), regs, err)
	case 0x1e:
		if !exception("kernel mode exception not handled") {
			return nil
		}
		name, regs, err := r.interrupted(d, b.Params[1])
		return take(name, regs, err)
	case 0x2b:
		r.Class = "panic stack switch"
		regs, err := d.TrapFrameAt(ntdump.Space{}, b.Params[0])
		return take(fmt.Sprintf("trap frame at %#x", b.Params[0]), regs, err)
	}
	r.Class = fmt.Sprintf("bug check %X", r.Code)
	r.decide(NotACase, High, "bug check %X does not come from a stack that is used up; 7F, 1E, 7E, 8E and 2B can", r.Code)
	return nil
}

// interrupted finds the registers at an instruction that raised an exception, for a
// bug check that names no record: the header's, when they stand there, else a trap
// frame on the thread's stack whose instruction pointer and selector fit.
func (r *Result) interrupted(d *ntdump.Dump, pc uint64) (string, *ntdump.Registers, error) {
	regs, err := d.Context(d.Header().Context)
	if err == nil && regs.PC() == pc {
		return "context in the header", regs, nil
	}
	cs := uint64(0x08) // KGDT_R0_CODE
	if d.Header().Machine == ntdump.X64 {
		cs = 0x10 // KGDT64_R0_CODE
	}
	for at := r.Limit; at < r.Base; at += uint64(d.PointerSize()) {
		if f, err := d.TrapFrameAt(ntdump.Space{}, at); err == nil && f.PC() == pc {
			if have, ok := f.Get("cs"); ok && have == cs {
				return fmt.Sprintf("trap frame at %#x", at), f, nil
			}
		}
	}
	return "", nil, fmt.Errorf("no trap frame on the stack stands at the instruction %#x", pc)
}

// normalTask is the selector of the task that runs but for double faults and other
// faults with tasks of their own (reference 5.3a).
const normalTask = 0x28

// taskState finds the state of the task that a double fault interrupted: the
// handler's own segment, whose address the bug check tells, links back to it.
func taskState(d *ntdump.Dump, handler uint64) (*ntdump.Registers, string, error) {
	selector := uint64(normalTask)
	if regs, err := d.TaskStateAt(ntdump.Space{}, handler); err == nil {
		if back, ok := regs.Get("Backlink"); ok && back&^7 != 0 {
			selector = back &^ 7
		}
	}
	prcb, err := d.Prcb(0)
	if err != nil {
		return nil, "", fmt.Errorf("the processor's record is not found: %w", err)
	}
	types := d.Types()
	if types == nil {
		return nil, "", fmt.Errorf("no types are known for build %d", d.Header().Build)
	}
	data, gdtField := types.Layout("_KPCR").Field("PrcbData"), types.Layout("_KPCR").Field("GDT")
	if data == nil || gdtField == nil {
		return nil, "", fmt.Errorf("_KPCR is not described in %s", types.Source())
	}
	gdt, err := d.Pointer(ntdump.Space{}, prcb-uint64(data.Offset)+uint64(gdtField.Offset))
	if err != nil {
		return nil, "", err
	}
	var b [8]byte
	if _, err := d.ReadMemory(gdt+selector, b[:]); err != nil {
		return nil, "", err
	}
	// A descriptor's base: word at 2, byte at 4, byte at 7 (reference 5.2).
	base := uint64(binary.LittleEndian.Uint16(b[2:])) | uint64(b[4])<<16 | uint64(b[7])<<24
	regs, err := d.TaskStateAt(ntdump.Space{}, base)
	return regs, fmt.Sprintf("task state segment %x at %#x", selector, base), err
}
