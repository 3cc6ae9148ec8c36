package kd

import (
	"context"
	"fmt"
	"strings"

	"github.com/seed-eedd8485/lpc/internal/escape"
	"github.com/seed-eedd8485/lpc/ntdump"
	"github.com/seed-eedd8485/lpc/ntdump/stackcheck"
	"github.com/seed-eedd8485/lpc/target"
)

var cmdAnalyze = Command{
	Name: "!analyze", Args: "[-v]",
	Short: "Say what a Windows dump tells of why the machine stopped, and what it does not tell.",
	Long: `The bug check with the meaning of its parameters, what was interrupted and where, the stack, and which
modules stand on it. Nobody is blamed: that an instruction is in a module says that it failed there, not
that the mistake is there. -v is taken and changes nothing.`,
	Needs: target.Stacks,
}

func init() { cmdAnalyze.Run = runAnalyze }

func runAnalyze(_ context.Context, s *Session, o *Out, args []string) error {
	for _, a := range args {
		if a != "-v" {
			return fmt.Errorf("!analyze: %s is no option; usage: !analyze [-v]", escape.Text(a))
		}
	}
	d, err := s.windowsDump("!analyze")
	if err != nil {
		return err
	}
	a := &analysis{s: s, o: o, d: d, im: s.images(d)}
	a.stop()
	a.who()
	a.interrupted()
	a.stack()
	a.limits()
	return o.err
}

// An analysis is one run of !analyze: each part prints what it finds.
type analysis struct {
	s  *Session
	o  *Out
	d  *ntdump.Dump
	im *images

	regs   machineContext // what was interrupted, as far as found
	unsure []string       // what the dump does not tell
}

// stop prints the bug check.
func (a *analysis) stop() {
	b := a.d.Header().BugCheck
	if !b.OK {
		a.o.Printf("The dump was not made by a bug check.\n")
		return
	}
	a.o.Printf("%s\n", stopText(b))
	if b.Code&variantM != 0 && strings.HasSuffix(bugcheckName(b), "_M") {
		a.o.Printf("The _M variant of %x: the same, raised by another path.\n", b.Code&^variantM)
	}
	k := bugcheckOf(b.Code)
	a.o.Printf("Arguments:\n")
	for i, v := range b.Params {
		line := fmt.Sprintf("Arg%d: %s", i+1, a.s.long(v))
		if p := k.params[i]; p.means != "" {
			line += ", " + p.means
			if t := a.parameter(p.kind, v); t != "" {
				line += ": " + t
			}
		}
		a.o.Printf("%s\n", line)
	}
	switch b.Code &^ variantM {
	case 0x7f:
		if b.Params[0] == 8 && a.d.Header().Machine == ntdump.X86 {
			_, selector := a.d.InterruptedTask(b.Params[1])
			a.o.Printf("The second is the task state segment of the double fault's handler; .tss %x shows what it interrupted.\n", selector)
		}
	case 0xc2, 0x19, 0xc5, 0xd0:
		a.o.Printf("The pool is damaged, or was used wrongly: who noticed it need not be who did it.\n")
	case 0x124, 0x9c, 0x101:
		a.o.Printf("The machine itself reported it: the stack mostly tells nothing.\n")
	}
	a.o.Printf("\n")
}

// parameter is a parameter in words, "" where its number says all.
func (a *analysis) parameter(k kind, v uint64) string {
	switch k {
	case code:
		if v == 0 {
			return "not known"
		}
		if name, ok := a.im.known(v); ok {
			return name
		}
		return "in no loaded module"
	case exception:
		if n := exceptions[uint32(v)]; n != "" {
			return n
		}
	case trapCode:
		if v < uint64(len(traps)) {
			return traps[v]
		}
	case access:
		switch v {
		case 0:
			return "read"
		case 1, 2: // 2: from Windows 10 on in PAGE_FAULT_IN_NONPAGED_AREA
			return "write"
		case 8, 0x10:
			return "execute"
		}
	case object:
		if v < 0x10000 {
			return "near 0, as a null pointer with an offset is"
		}
	}
	return ""
}

// who prints the thread and process that ran.
func (a *analysis) who() {
	at, ok := a.d.CurrentThread()
	if !ok {
		a.unsure = append(a.unsure, "which thread ran")
		return
	}
	t := a.d.Thread(at)
	line := "Thread " + a.s.ptr(at)
	if t.Err == nil || t.PID|t.TID != 0 {
		line += fmt.Sprintf(", Cid %04x.%04x", t.PID, t.TID)
	}
	if p := a.d.Process(t.Process); t.Process != 0 && p.Image != "" {
		line += ", process " + escape.Text(p.Image)
	}
	if t.Stack.OK {
		line += fmt.Sprintf(", stack %s to %s (%d KB)", a.s.long(t.Stack.Limit), a.s.long(t.Stack.Base), t.Stack.Size()>>10)
	}
	a.o.Printf("%s\n", line)
	if a.d.Header().CPUs > 1 && a.d.Header().Type != ntdump.Triage {
		a.unsure = append(a.unsure, fmt.Sprintf("which of the %d processors stopped the machine: the first is looked at", a.d.Header().CPUs))
	}
}

// interrupted finds the registers that matter: those that the bug check names, else
// the exception's in the header, else the processor's.
func (a *analysis) interrupted() {
	h := a.d.Header()
	b := h.BugCheck
	var err error
	named := func(from string, regs *ntdump.Registers, e error) {
		if err = e; e == nil {
			a.regs = machineContext{regs: regs, from: from, thread: a.s.threadOf(a.d, regs.SP())}
		}
	}
	at := func(command string, read registersAt, addr uint64) {
		regs, e := read(a.d, ntdump.Space{}, addr)
		named(command+" "+a.s.ptr(addr), regs, e)
	}
	if b.OK {
		switch b.Code &^ variantM {
		case 0x7e:
			at(".cxr", (*ntdump.Dump).ContextAt, b.Params[3])
		case 0x3b:
			at(".cxr", (*ntdump.Dump).ContextAt, b.Params[2])
		case 0x8e:
			at(".trap", (*ntdump.Dump).TrapFrameAt, b.Params[2])
		case 0x2b:
			at(".trap", (*ntdump.Dump).TrapFrameAt, b.Params[0])
		case 0x7f:
			if b.Params[0] == 8 && h.Machine == ntdump.X86 {
				processor, selector := a.d.InterruptedTask(b.Params[1])
				at, e := a.d.TaskSegment(processor, selector)
				var regs *ntdump.Registers
				if e == nil {
					regs, e = a.d.TaskStateAt(ntdump.Space{}, at)
				}
				named(fmt.Sprintf(".tss %x", selector), regs, e)
			}
		}
	}
	if err != nil {
		a.unsure = append(a.unsure, "the interrupted registers that the bug check names: "+escape.Text(err.Error()))
	}
	if a.regs.regs == nil {
		a.atInstruction()
	}
	if a.regs.regs == nil {
		if a.regs, err = a.s.registersInUse(a.d); err != nil {
			a.unsure = append(a.unsure, "any registers: "+escape.Text(err.Error()))
			return
		}
	}
	if e, ok := a.exception(); ok {
		a.o.Printf("%s\n", a.exceptionText(e))
	}
	if selector, ok := strings.CutPrefix(a.regs.from, ".tss "); ok {
		a.o.Printf("\nTSS:  %08s -- (.tss 0x%s)\n", selector, selector)
	} else {
		a.o.Printf("\nRegisters of %s\n", escape.Text(a.regs.from))
	}
	a.s.registerBlock(a.o, a.im, a.regs.regs)
}

// atInstruction takes the registers in the dump's header where they stand at the
// instruction that the bug check names.
func (a *analysis) atInstruction() {
	h := a.d.Header()
	regs, err := a.d.Context(h.Context)
	if err != nil || !h.BugCheck.OK || regs.PC() == 0 {
		return
	}
	trap64 := h.BugCheck.Code&^variantM == 0x7f && h.Machine == ntdump.X64 // its fourth parameter is the instruction
	for i, p := range bugcheckOf(h.BugCheck.Code).params {
		if (p.kind == code || trap64 && i == 3) && h.BugCheck.Params[i] == regs.PC() {
			a.regs = machineContext{regs: regs, from: "the dump's header", thread: a.s.threadOf(a.d, regs.SP())}
		}
	}
}

// exception is what was raised at the registers: the record that 7E names, else the
// header's. That one may be the break that the bug check itself makes, which says
// nothing: it is taken only where it is of the same instruction.
func (a *analysis) exception() (ntdump.Exception, bool) {
	h := a.d.Header()
	if b := h.BugCheck; b.OK && b.Code&^variantM == 0x7e {
		if e, err := a.d.ExceptionAt(ntdump.Space{}, b.Params[2]); err == nil && e.Code == uint32(b.Params[0]) {
			return e, true
		}
	}
	e := h.Exception
	return e, e.OK && e.Code != 0 && e.Address == a.regs.regs.PC()
}

// exceptionText is an exception as a sentence.
func (a *analysis) exceptionText(e ntdump.Exception) string {
	line := fmt.Sprintf("Exception %08x", e.Code)
	if n := exceptions[e.Code]; n != "" {
		line += " (" + n + ")"
	}
	line += " at " + a.im.place(e.Address)
	if e.Code == 0xc0000005 && len(e.Params) >= 2 {
		if what := accesses[e.Params[0]]; what != "" {
			line += ": an attempt to " + what + " " + a.s.long(e.Params[1])
		}
	}
	return line
}

// accesses are the first parameter of an access violation (EXCEPTION_RECORD on
// learn.microsoft.com).
var accesses = map[uint64]string{0: "read", 1: "write", 8: "execute"}

// stack prints the frames, the modules on them, and how much of the stack is used.
func (a *analysis) stack() {
	if a.regs.regs == nil {
		return
	}
	im := a.s.threadImages(a.d, a.regs.thread)
	if cs, err := a.s.walk(a.d, im, a.regs, normalFrames); err != nil {
		a.unsure = append(a.unsure, "the call stack: "+escape.Text(err.Error()))
	} else {
		a.o.Printf("\n")
		a.s.printStack(a.o, im, cs, stackStyle{}, "")
		a.o.Printf("\n")
		a.modules(im, cs)
	}
	if r, err := stackcheck.Check(a.d); err == nil && r.Verdict != stackcheck.NotACase {
		a.o.Printf("Stack: %s (confidence %s)", r.Verdict, r.Confidence)
		if r.State != "" && r.Base != 0 {
			a.o.Printf("; %d of %d bytes used, %d %%", r.Used, r.Base-r.Limit, r.Percent())
		}
		a.o.Printf(". !stackcheck has the evidence.\n")
	}
}

// core are modules on every stack: that they stand on one says nothing.
var core = map[string]bool{"nt": true, "hal": true}

// modules says where the instruction is, and which module outside the kernel comes
// first.
func (a *analysis) modules(im *images, cs callStack) {
	pc := a.regs.regs.PC()
	if m := im.at(pc); m != nil {
		a.o.Printf("The instruction is in %s (%s, time stamp %s).\n", im.name(m), escape.Text(m.Name), stampText(m.Stamp, a.d.Header().Time))
		if !core[strings.ToLower(im.name(m))] {
			return
		}
	} else if pc != 0 {
		a.o.Printf("The instruction, %s, is in no loaded module.\n", im.place(pc))
	}
	for _, f := range cs.Frames {
		m := im.at(f.PC)
		if m == nil || m.User() || core[strings.ToLower(im.name(m))] {
			continue
		}
		a.o.Printf("The first module outside the kernel on the stack is %s (%s), found by %s.\n", im.name(m), escape.Text(m.Name), f.Method)
		return
	}
	a.o.Printf("No module outside the kernel stands on the frames shown.\n")
}

// limits says what the analysis rests on, and what it does not.
func (a *analysis) limits() {
	if !a.s.Target.Has(target.Symbols) {
		a.unsure = append(a.unsure, "names of functions: there are no symbols (.isf FILE gives the kernel's)")
	}
	if a.d.Header().Type == ntdump.Triage {
		a.unsure = append(a.unsure, "anything outside this thread: a triage dump holds no other memory")
	}
	if a.im.err != nil {
		a.unsure = append(a.unsure, "all modules: "+escape.Text(a.im.err.Error()))
	}
	if len(a.unsure) == 0 {
		return
	}
	a.o.Printf("\nNot known from this dump:\n")
	for _, u := range a.unsure {
		a.o.Printf("  %s\n", u)
	}
}
