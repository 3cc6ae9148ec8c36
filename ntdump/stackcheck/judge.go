package stackcheck

import "github.com/seed-eedd8485/lpc/ntdump"

// judge holds the stack pointer against the bounds (reference section 2, 4).
func (r *Result) judge(d *ntdump.Dump) {
	double := r.Code == 0x7f || r.Code == 0x2b
	on := r.SP >= r.Limit && r.SP < r.Base
	if r.near(r.SP, r.Limit, r.Base) {
		r.Used = r.Base - max(r.SP, r.Limit)
	}
	switch {
	case !on && r.near(r.SP, r.Limit, r.Base):
		r.overflow(d, "the stack pointer %#x lies %#x bytes below the limit %#x, in the guard page", r.SP, r.Limit-r.SP, r.Limit)
	case r.SP == r.Limit && double:
		r.overflow(d, "the stack pointer %#x stands at the limit, and the processor could not push its frame", r.SP)
	case on && r.SP < r.Limit+nearBytes && double:
		r.overflow(d, "the stack pointer %#x lies %#x bytes above the limit %#x, and the processor could not push its frame", r.SP, r.SP-r.Limit, r.Limit)
	case on:
		if at, from, ok := r.faultAddress(d); ok && at < r.Limit && r.near(at, r.Limit, r.Base) {
			r.overflow(d, "the address that faulted, %#x (%s), lies in the guard page below the limit %#x", at, from, r.Limit)
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
		r.decide(Corrupt, Medium, "the stack pointer %#x lies neither on the thread's stack (%#x to %#x) nor on a processor's", r.SP, r.Limit, r.Base)
	}
}

// overflow decides that the stack is used up. That is less sure where the page below
// the limit is mapped: it guards nothing.
func (r *Result) overflow(d *ntdump.Dump, format string, args ...any) {
	sure := High
	if ok, _ := d.HasPageTables(); ok {
		if t, err := d.Translate(ntdump.Space{}, r.Limit-1); err == nil && t.Absent == nil {
			sure = Medium
			r.say("the page below the limit %#x is mapped, which a guard page is not", r.Limit)
		}
	}
	r.decide(Overflow, sure, format, args...)
}

// faultAddress is the address whose use raised the exception: CR2 of the processor
// for a double fault, else what the exception's own parameters say.
func (r *Result) faultAddress(d *ntdump.Dump) (at uint64, from string, ok bool) {
	b := d.Header().BugCheck
	params := func(e ntdump.Exception, from string) (uint64, string, bool) {
		if e.Code != accessViolation || len(e.Params) < 2 {
			return 0, "", false
		}
		return e.Params[1], from, true
	}
	switch r.Code {
	case 0x7f:
		for i := range d.Processors() {
			prcb, err := d.Prcb(i)
			if err != nil {
				break
			}
			if on, _ := d.ThreadOn(i); on != r.Thread.Addr {
				continue
			}
			v, err := d.Member(prcb, "_KPRCB", "ProcessorState.SpecialRegisters.Cr2")
			return v, "CR2", err == nil && v != 0
		}
	case 0x7e:
		if e, err := d.ExceptionAt(ntdump.Space{}, b.Params[2]); err == nil {
			return params(e, "the exception record's")
		}
	case 0x8e:
		// No parameter has it; the header's exception may be another.
		if e := d.Header().Exception; e.OK && e.Address == b.Params[1] {
			return params(e, "the exception in the header")
		}
	case 0x1e:
		// The exception's own parameters: how (0 read, 1 write, 8 execute) and where.
		if how := b.Params[2]; how == 0 || how == 1 || how == 8 {
			return b.Params[3], "the fourth parameter", b.Params[3] != 0
		}
	}
	return 0, "", false
}
