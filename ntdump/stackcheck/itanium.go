package stackcheck

import "github.com/seed-eedd8485/lpc/ntdump"

// backingStore holds an Itanium's second stack pointer, BSP, against the bounds of
// the backing store. It grows up: its guard page lies above the limit.
func (r *Result) backingStore(d *ntdump.Dump, regs *ntdump.Registers) {
	if d.Header().Machine != ntdump.IA64 {
		return
	}
	b := d.BackingStore(r.Thread.Addr)
	if !b.OK {
		r.say("the bounds of the backing store are not known")
		return
	}
	s := &BStore{Base: b.Base, Limit: b.Limit, From: b.From}
	r.BStore = s
	bsp, ok := regs.Get("bsp")
	if !ok || bsp == 0 {
		r.say("the backing store pointer when interrupted is not known")
		return
	}
	s.Pointer = bsp
	if bsp >= s.Base && bsp < s.Limit+r.guard {
		s.Used = min(bsp, s.Limit) - s.Base
	}
	switch {
	case bsp >= s.Limit && bsp < s.Limit+r.guard:
		r.decide(Overflow, High, "the backing store pointer %#x lies %#x bytes above the limit %#x, in the guard page", bsp, bsp-s.Limit, s.Limit)
	case bsp >= s.Base && bsp < s.Limit && bsp+nearBytes >= s.Limit && (r.Code == 0x7f || r.Code == 0x2b):
		r.decide(Overflow, High, "the backing store pointer %#x lies %#x bytes below the limit %#x, and the processor could not store its registers", bsp, s.Limit-bsp, s.Limit)
	case bsp >= s.Base && bsp < s.Limit:
		r.say("the backing store pointer %#x lies in the backing store, %#x bytes below its limit", bsp, s.Limit-bsp)
	case r.Verdict == Other:
		r.decide(Corrupt, Medium, "the backing store pointer %#x does not lie in the backing store (%#x to %#x)", bsp, s.Base, s.Limit)
	default:
		r.say("the backing store pointer %#x does not lie in the backing store (%#x to %#x)", bsp, s.Base, s.Limit)
	}
}
