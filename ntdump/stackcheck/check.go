package stackcheck

import (
	"fmt"

	"github.com/seed-eedd8485/lpc/ntdump"
)

// Check examines the thread that a dump is about. It returns an error only when the
// dump was not made by a bug check; everything else is in the result.
func Check(d *ntdump.Dump) (*Result, error) {
	if !d.Header().BugCheck.OK {
		return nil, fmt.Errorf("checking the stack: the dump was not made by a bug check")
	}
	r := &Result{Verdict: Undecided, Confidence: Low, guard: guardBytes(d.Header().Machine)}
	if at, ok := d.CurrentThread(); ok {
		r.setThread(d.Thread(at))
	}
	regs := r.state(d)
	if regs != nil {
		r.PC, r.SP = regs.PC(), regs.SP()
		r.otherProcessors(d)
	}
	r.bounds(d)
	if regs == nil {
		return r, nil
	}
	r.dpcStack(d)
	if r.Base != 0 {
		r.judge(d)
	}
	r.backingStore(d, regs)
	if r.Base != 0 {
		r.account(d, regs)
	}
	return r, nil
}

func (r *Result) say(format string, args ...any) {
	r.Evidence = append(r.Evidence, fmt.Sprintf(format, args...))
}

// decide gives the verdict; the sentence that it rests on comes first.
func (r *Result) decide(v Verdict, c Confidence, format string, args ...any) {
	r.Verdict, r.Confidence = v, c
	r.Evidence = append([]string{fmt.Sprintf(format, args...)}, r.Evidence...)
}

func (r *Result) setThread(t ntdump.Thread) {
	r.Thread = t
	r.Limit, r.Base = t.Stack.Limit, t.Stack.Base
	if !t.Stack.OK {
		r.Limit, r.Base = 0, 0
	}
}

// near says whether an address lies on a stack or in the guard page below.
func (r *Result) near(va, limit, base uint64) bool {
	return base != 0 && va < base && va >= limit-min(r.guard, limit)
}

// otherProcessors changes over to the thread of another processor when the stack
// pointer is on its stack: the processor that stopped the machine need not be the
// first.
func (r *Result) otherProcessors(d *ntdump.Dump) {
	if d.Header().Type == ntdump.Triage || r.near(r.SP, r.Limit, r.Base) {
		return
	}
	for i := range d.Processors() {
		at, ok := d.ThreadOn(i)
		if !ok || at == r.Thread.Addr {
			continue
		}
		t := d.Thread(at)
		if t.Stack.OK && r.near(r.SP, t.Stack.Limit, t.Stack.Base) {
			r.setThread(t)
			r.say("the stack pointer is on the stack of the thread that processor %d ran", i)
			return
		}
	}
}

// runs is KTHREAD.State of a thread that a processor runs.
const runs = 2

// bounds says what is odd about the thread and its stack.
func (r *Result) bounds(d *ntdump.Dump) {
	s := r.Thread.Stack
	switch {
	case r.Thread.Addr == 0:
		r.say("the thread that ran is not known")
		return
	case !s.OK:
		r.say("the bounds of the stack of thread %#x are not known", r.Thread.Addr)
		return
	case !usual(d.Header().Machine, s):
		r.say("the stack has %#x bytes, which no kernel stack of Windows has", s.Size())
	}
	if r.State != "" && r.Thread.State == runs && !s.Contains(s.Kernel) && s.Kernel != s.Base {
		r.say("the stack pointer that the thread's record saves, %#x (KernelStack), is stale, since the thread ran: it is no evidence", s.Kernel)
	}
}

// dpcStack changes over to a processor's stack for deferred calls when the stack
// pointer is there: it is no thread's, and may be used legitimately.
func (r *Result) dpcStack(d *ntdump.Dump) {
	limit, base, processor, ok := d.DPCStack(r.SP)
	if !ok {
		return
	}
	r.Limit, r.Base = limit, base
	r.say("the stack pointer is on the stack of processor %d for deferred calls (%#x to %#x)", processor, limit, base)
}
