package stackcheck

import (
	"fmt"

	"github.com/seed-eedd8485/lpc/ntdump"
	"github.com/seed-eedd8485/lpc/ntdump/stack"
)

// Check examines the thread that a dump is about. It returns an error only when the
// dump was not made by a bug check; everything else is in the result.
func Check(d *ntdump.Dump) (*Result, error) {
	if !d.Header().BugCheck.OK {
		return nil, fmt.Errorf("checking the stack: the dump was not made by a bug check")
	}
	r := &Result{Verdict: Undecided, Confidence: Low}
	if at, ok := d.CurrentThread(); ok {
		r.Thread = d.Thread(at)
		r.Limit, r.Base = r.Thread.Stack.Limit, r.Thread.Stack.Base
		if !r.Thread.Stack.OK {
			r.Limit, r.Base = 0, 0
			r.say("the bounds of the stack of thread %#x are not known", at)
		} else if _, known := sizes[r.Base-r.Limit]; !known {
			r.say("the stack has %#x bytes, which no kernel stack of Windows has", r.Base-r.Limit)
		}
	} else {
		r.say("the thread that ran is not known")
	}
	regs := r.state(d)
	if regs == nil {
		return r, nil
	}
	r.PC, r.SP = regs.PC(), regs.SP()
	r.dpcStack(d)
	if r.Base != 0 {
		r.judge(d)
		r.account(d, regs)
	}
	return r, nil
}

func (r *Result) say(format string, args ...any) {
	r.Evidence = append(r.Evidence, fmt.Sprintf(format, args...))
}

func (r *Result) decide(v Verdict, c Confidence, format string, args ...any) {
	r.Verdict, r.Confidence = v, c
	r.say(format, args...)
}

// dpcStack changes over to the processor's stack for deferred calls when the stack
// pointer is there: it is no thread's, and may be used legitimately.
func (r *Result) dpcStack(d *ntdump.Dump) {
	prcb, err := d.Prcb(0)
	if err != nil || d.Types() == nil {
		return
	}
	f := d.Types().Layout("_KPRCB").Field("DpcStack")
	if f == nil {
		return
	}
	top, err := d.Pointer(ntdump.Space{}, prcb+uint64(f.Offset))
	size := uint64(0x3000)
	if d.Header().Bits == 64 {
		size = 0x6000
	}
	if err != nil || top < size || r.SP >= top || r.SP < top-size-guardBytes {
		return
	}
	r.Limit, r.Base = top-size, top
	r.say("the stack pointer is on the processor's stack for deferred calls (%#x to %#x)", r.Limit, r.Base)
}

// judge holds the stack pointer against the bounds (reference section 2, 4).
func (r *Result) judge(d *ntdump.Dump) {
	double := r.Code == 0x7f || r.Code == 0x2b
	if r.SP < r.Base && r.SP >= r.Limit-min(guardBytes, r.Limit) {
		r.Used = r.Base - max(r.SP, r.Limit)
	}
	switch {
	case r.SP < r.Limit && r.SP >= r.Limit-min(guardBytes, r.Limit):
		r.decide(Overflow, High, "the stack pointer %#x lies %#x bytes below the limit %#x, in the guard page", r.SP, r.Limit-r.SP, r.Limit)
	case r.SP >= r.Limit && r.SP < r.Limit+nearBytes && double:
		r.decide(Overflow, High, "the stack pointer %#x lies %#x bytes above the limit %#x, and the processor could not push its frame", r.SP, r.SP-r.Limit, r.Limit)
	case r.SP >= r.Limit && r.SP < r.Base:
		if cr2, ok := faultAddress(d); ok && r.Code == 0x7f && cr2 < r.Limit && cr2 >= r.Limit-min(guardBytes, r.Limit) {
			r.decide(Overflow, High, "the address that faulted, %#x (CR2), lies in the guard page below the limit %#x", cr2, r.Limit)
			return
		}
		if r.SP < r.Limit+nearBytes {
			r.decide(Undecided, Low, "the stack pointer %#x lies only %#x bytes above the limit %#x, but nothing was written below it", r.SP, r.SP-r.Limit, r.Limit)
			return
		}
		r.decide(Other, High, "the stack pointer %#x lies on the stack, %#x bytes above its limit", r.SP, r.SP-r.Limit)
	default:
		for bit := range d.Header().Bits {
			if flipped := r.SP ^ 1<<bit; flipped >= r.Limit && flipped < r.Base {
				r.decide(Hardware, Medium, "the stack pointer %#x differs from %#x, on the stack, in bit %d alone", r.SP, flipped, bit)
				return
			}
		}
		r.decide(Corrupt, Medium, "the stack pointer %#x lies neither on the thread's stack (%#x to %#x) nor on the processor's", r.SP, r.Limit, r.Base)
	}
}

// faultAddress is CR2 as the first processor saved it.
func faultAddress(d *ntdump.Dump) (uint64, bool) {
	prcb, err := d.Prcb(0)
	if err != nil {
		return 0, false
	}
	v, err := d.Member(prcb, "_KPRCB", "ProcessorState.SpecialRegisters.Cr2")
	return v, err == nil && v != 0
}

// account walks the stack and adds up who used it.
func (r *Result) account(d *ntdump.Dump, regs *ntdump.Registers) {
	modules, err := d.Modules()
	if err != nil {
		r.say("the list of modules is not whole: %v", err)
	}
	in := stack.Input{Memory: d, Limit: r.Limit, Base: r.Base, PC: r.PC, SP: r.SP, FP: regs.FP(), Max: maxFrames}
	for _, m := range modules {
		in.Images = append(in.Images, stack.Image{Base: m.Base, Size: m.Size})
	}
	if d.Header().Machine == ntdump.X86 {
		r.Walk = stack.X86(in)
	} else {
		in.Registers = registers(regs)
		r.Walk = stack.X64(in)
	}
	r.add(modules)
}

// registers are those that unwinding starts with, in the order of unwind codes.
func registers(regs *ntdump.Registers) *stack.Registers {
	var out stack.Registers
	for i, name := range []string{"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15"} {
		out[i], _ = regs.Get(name)
	}
	return &out
}
