package kd

import (
	"fmt"
	"strings"

	"github.com/seed-eedd8485/lpc/internal/escape"
	"github.com/seed-eedd8485/lpc/ntdump"
	"github.com/seed-eedd8485/lpc/ntdump/stack"
)

// A callStack is a walk with what there is to say of it.
type callStack struct {
	stack.Walk
	notes []string
	task  uint64 // x86: selector of the task that a double fault interrupted, 0 for none
}

// maxFrames bounds a walk that was not told a number.
const maxFrames = 4096

// unknownStack is how far above the stack pointer a walk looks where the bounds of
// the stack are not known: as much as the largest usual stack has (reference 1.5).
const unknownStack = 0x12000

// walk walks the stack of a context.
func (s *Session) walk(d *ntdump.Dump, im *images, c machineContext, limit int) (callStack, error) {
	machine := d.Header().Machine
	walker := walkers[machine]
	if walker == nil {
		return callStack{}, fmt.Errorf("call stacks of %s are not walked; !stackcheck shows its stacks' bounds", machine)
	}
	in := stack.Input{Memory: s.threadMemory(d, c.thread), Images: im.stack(), PC: c.regs.PC(), SP: c.regs.SP(), FP: c.regs.FP(), Max: limit, Saved: c.saved, FPO: im.fpo,
		User: im.userPart(d, c.thread)}
	var cs callStack
	var st ntdump.Stack
	if c.thread != 0 {
		st = d.Thread(c.thread).Stack
	}
	switch {
	case onStack(st, in.SP):
		in.Limit, in.Base = st.Limit, st.Base
	case onDPCStack(d, &in, &cs):
	case in.User != nil && d.IsUser(in.PC) && d.IsUser(in.SP): // in.User has the bounds
	default:
		in.Limit, in.Base = in.SP, in.SP+min(unknownStack, ^in.SP)
		cs.notes = append(cs.notes, "The stack pointer is on no stack that is known: the walk looks at the "+fmt.Sprintf("%#x", unknownStack)+" bytes from there on.")
	}
	if machine == ntdump.X64 {
		in.Registers = stack.RegistersBy(c.regs.Get)
	}
	if !knowsPC(c.regs) && in.Max > 0 {
		in.Max++ // for the row that is dropped below
	}
	cs.Walk = walker(in)
	if b := d.Header().BugCheck; machine == ntdump.X86 && b.OK && b.Code&^variantM == 0x7f && b.Params[0] == 8 {
		_, cs.task = d.InterruptedTask(b.Params[1])
	}
	if len(cs.Frames) > 0 && cs.Frames[0].PC == 0 && !knowsPC(c.regs) {
		cs.Frames = cs.Frames[1:] // where the thread was switched out is not known
		cs.notes = append(cs.notes, "The thread is switched out, and where its instruction pointer lies differs by build: the walk begins at its saved stack pointer.")
	}
	if im.unnamed(cs.Walk) {
		cs.notes = append(cs.notes, s.userTrouble(im)+".")
	}
	if im.err != nil {
		cs.notes = append(cs.notes, "The list of modules is not whole: "+escape.Text(im.err.Error())+".")
	}
	return cs, nil
}

// onDPCStack takes the bounds of a processor's stack for deferred calls where the stack
// pointer is on one.
func onDPCStack(d *ntdump.Dump, in *stack.Input, cs *callStack) bool {
	limit, base, processor, ok := d.DPCStack(in.SP)
	if ok {
		in.Limit, in.Base = limit, base
		cs.notes = append(cs.notes, fmt.Sprintf("The stack pointer is on the stack of processor %d for deferred calls.", processor))
	}
	return ok
}

// walkers walk the stacks of each machine.
var walkers = map[ntdump.Machine]func(stack.Input) stack.Walk{ntdump.X86: stack.X86, ntdump.X64: stack.X64, ntdump.ARM64: stack.ARM64}

// knowsPC tells an instruction pointer of 0 from one that is not known.
func knowsPC(r *ntdump.Registers) bool {
	for _, name := range []string{"rip", "eip", "pc"} {
		if _, ok := r.Get(name); ok {
			return true
		}
	}
	return false
}

// stackStyle is what a command of the k family shows of a frame.
type stackStyle struct {
	number bool // n: a number
	memory bool // f: the distance to the frame before
	args   bool // b, v: words that may be arguments
	traps  bool // v: trap frames
}

// printStack prints frames in WinDbg's shape, each with the method that found it.
func (s *Session) printStack(o *Out, im *images, cs callStack, st stackStyle, indent string) {
	head := ""
	if st.memory {
		head += "  Memory  "
	}
	if st.number {
		head += " # "
	}
	wide := s.Target.PointerSize() == 8
	args, child := 3, "Child-SP"
	if d := s.windows(); d != nil && d.Dump().Header().Machine == ntdump.ARM64 {
		// Frames are found by their records, whose place is the frame pointer; arguments
		// are in registers.
		child, st.args = "Child-FP", false
	}
	switch {
	case wide && st.args:
		args = 4
		head += fmt.Sprintf("%-17s %-17s : %-71s : Call Site", child, "RetAddr", "Args to Child")
	case wide:
		head += fmt.Sprintf("%-17s %-17s Call Site", child, "RetAddr")
	case st.args:
		head += "ChildEBP RetAddr  Args to Child"
	default:
		head += "ChildEBP RetAddr"
	}
	o.Printf("%s%s\n", indent, head)
	for i, f := range cs.Frames {
		line := ""
		if st.memory {
			distance := ""
			if i > 0 && f.Frame >= cs.Frames[i-1].Frame {
				distance = fmt.Sprintf("%x", f.Frame-cs.Frames[i-1].Frame)
			}
			line += fmt.Sprintf("%8s  ", distance)
		}
		if st.number {
			line += fmt.Sprintf("%02x ", i)
		}
		line += s.long(f.Frame) + " " + s.long(f.Return)
		if st.args {
			var words []string
			for k := range args {
				w := strings.Repeat("?", len(s.long(0)))
				if k < len(f.Args) {
					w = s.long(f.Args[k])
				}
				words = append(words, w)
			}
			if wide {
				line += " : " + strings.Join(words, " ") + " :"
			} else {
				line += " " + strings.Join(words, " ")
			}
		}
		line += " " + im.place(f.PC)
		if remark := f.Remark(cs.task); st.traps && remark != "" {
			line += " " + remark
		}
		o.Printf("%s%s [%s]\n", indent, line, f.Method)
	}
	o.Lines(indent, cs.notes)
	o.Printf("%sFound by %s; ended: %s\n", indent, cs.Method, cs.End)
}
