package stackcheck

import (
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
	trapFrame := func(at uint64) *ntdump.Registers {
		regs, err := d.TrapFrameAt(ntdump.Space{}, at)
		name := fmt.Sprintf("trap frame at %#x", at)
		switch {
		case !hasTrapFrames(d): // nothing else tells; the header's may be a later state
			name = "context in the header"
			regs, err = d.Context(d.Header().Context)
		case err != nil && r.Code == 0x8e: // a small dump may have it in its header alone
			if n, other, e := r.interrupted(d, b.Params[1]); e == nil {
				regs, err, name = other, nil, n
			}
		}
		return take(name, regs, err)
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
		// The fourth parameter is the instruction; the header may have the handler's.
		if at := b.Params[3]; at != 0 && d.Header().Machine == ntdump.X64 {
			name, regs, err := r.interrupted(d, at)
			return take(name, regs, err)
		}
		regs, err := d.Context(d.Header().Context)
		return take("context in the header", regs, err)
	case 0x7e:
		if !exception("system thread exception not handled") {
			return nil
		}
		regs, err := d.ContextAt(ntdump.Space{}, b.Params[3])
		name := fmt.Sprintf("context at %#x", b.Params[3])
		if err != nil { // a small dump may have it in its header alone
			if n, other, e := r.interrupted(d, b.Params[1]); e == nil {
				regs, err, name = other, nil, n
			}
		}
		return take(name, regs, err)
	case 0x8e:
		if !exception("kernel mode exception not handled") {
			return nil
		}
		return trapFrame(b.Params[2])
	case 0x1e:
		if !exception("kernel mode exception not handled") {
			return nil
		}
		name, regs, err := r.interrupted(d, b.Params[1])
		return take(name, regs, err)
	case 0x2b:
		r.Class = "panic stack switch"
		return trapFrame(b.Params[0])
	}
	r.Class = fmt.Sprintf("bug check %X", r.Code)
	r.decide(NotACase, High, "bug check %X does not come from a stack that is used up; 7F, 1E, 7E, 8E and 2B can", r.Code)
	return nil
}

// interrupted finds the registers at an instruction that raised an exception, for a
// bug check that names no record: the header's, when they stand there, else those in a
// trap frame whose instruction pointer and selector fit, on the thread's stack or above
// the header's stack pointer.
func (r *Result) interrupted(d *ntdump.Dump, pc uint64) (string, *ntdump.Registers, error) {
	regs, err := d.Context(d.Header().Context)
	if err == nil && regs.PC() == pc {
		return "context in the header", regs, nil
	}
	if !hasTrapFrames(d) {
		return "", nil, fmt.Errorf("the context in the header does not stand at the instruction %#x", pc)
	}
	if at, f := trapAt(d, r.Limit, r.Base, pc); f != nil {
		return fmt.Sprintf("trap frame at %#x", at), f, nil
	}
	if err == nil {
		const far = 0x6000 // no handler has a larger stack of its own
		from := regs.SP() &^ 7
		if at, f := trapAt(d, from, from+min(far, ^from), pc); f != nil {
			return fmt.Sprintf("trap frame at %#x", at), f, nil
		}
	}
	return "", nil, fmt.Errorf("no trap frame on the stack stands at the instruction %#x", pc)
}

// trapAt looks for a trap frame of the kernel that was interrupted at pc.
func trapAt(d *ntdump.Dump, from, to, pc uint64) (uint64, *ntdump.Registers) {
	cs := uint64(0x08) // KGDT_R0_CODE
	if d.Header().Machine == ntdump.X64 {
		cs = 0x10 // KGDT64_R0_CODE
	}
	for at := from; at < to; at += uint64(d.PointerSize()) {
		if f, err := d.TrapFrameAt(ntdump.Space{}, at); err == nil && f.PC() == pc {
			if have, ok := f.Get("cs"); ok && have == cs {
				return at, f
			}
		}
	}
	return 0, nil
}

// taskState finds the state of the task that a double fault interrupted, by its
// handler's segment, whose address the bug check tells.
func taskState(d *ntdump.Dump, handler uint64) (*ntdump.Registers, string, error) {
	processor, selector := d.InterruptedTask(handler)
	at, err := d.TaskSegment(processor, selector)
	if err != nil {
		return nil, "", err
	}
	regs, err := d.TaskStateAt(ntdump.Space{}, at)
	return regs, fmt.Sprintf("task state segment %x at %#x", selector, at), err
}

// hasTrapFrames says whether the machine's trap frames are read.
func hasTrapFrames(d *ntdump.Dump) bool {
	m := d.Header().Machine
	return m == ntdump.X86 || m == ntdump.X64
}
