package stack

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// FPOKind is what kind of frame an x86 function has, by the numbers of its debug
// information (winnt.h, FRAME_FPO and following).
type FPOKind uint8

// Kinds.
const (
	FPOFrame   FPOKind = iota // no frame pointer
	FPOTrap                   // the entry of a trap: a trap frame
	FPOTask                   // the entry of a task gate: a task state segment
	FPONone                   // ebp is the frame pointer
	FPOProgram                // newer data: Program tells
)

// FPO is what debug information tells of the frame of an x86 function. Sizes are in
// bytes.
type FPO struct {
	Kind      FPOKind
	Params    uint32 // what the caller pushed
	Locals    uint32
	Registers uint32 // saved registers, on the stack below the locals or above
	UsesBP    bool   // ebp is a common register here, and was saved
	Program   string // for FPOProgram: how the caller is found, in postfix notation
}

// savedBP finds where a program says that ebp was saved: in bytes below the return
// address, which it calls $T0.
var savedBP = regexp.MustCompile(`\$ebp \$T0 (\d+) - \^ =`)

// pointer says whether ebp is the frame pointer.
func (f *FPO) pointer() bool {
	return f.Kind == FPONone || f.Kind == FPOProgram && strings.HasPrefix(strings.TrimSpace(f.Program), "$T0 $ebp")
}

// usesBP says whether ebp is a common register that was saved, and, where a program
// tells, how many bytes below the return address.
func (f *FPO) usesBP() (below uint64, known, uses bool) {
	if f.Kind != FPOProgram {
		return 0, false, f.UsesBP
	}
	m := savedBP.FindStringSubmatch(f.Program)
	if m == nil {
		return 0, false, false
	}
	n, err := strconv.ParseUint(m[1], 10, 16)
	return n, err == nil, true
}

// Remark is the frame's debug information as WinDbg writes it behind a frame:
// "(FPO: [0,0,4])", the parameters, locals and registers in words. task is the
// selector of the task that a task gate interrupted, 0 where it is not known. It is
// empty where there is nothing to say.
func (f *Frame) Remark(task uint64) string {
	trap := ""
	if f.Trap != 0 {
		trap = fmt.Sprintf("TrapFrame @ %08x", f.Trap)
	}
	switch {
	case f.FPO == nil && trap == "":
		return ""
	case f.FPO == nil:
		return "(" + trap + ")"
	case trap != "":
		return fmt.Sprintf("(FPO: [%d,%d] %s)", f.FPO.Params/4, f.FPO.Locals/4, trap)
	case f.FPO.Kind == FPOTask && task != 0:
		return fmt.Sprintf("(FPO: TaskGate %x:0)", task)
	case f.FPO.pointer():
		return "(FPO: [Non-Fpo])"
	}
	uses := ""
	if _, _, bp := f.FPO.usesBP(); bp {
		uses = "[Uses EBP] "
	}
	return fmt.Sprintf("(FPO: %s[%d,%d,%d])", uses, f.FPO.Params/4, f.FPO.Locals/4, f.FPO.Registers/4)
}

// fpoAt asks for the debug information of an instruction. An address to which a call
// returns may be the first one behind its function, so the byte before it is asked
// for.
func (in *Input) fpoAt(pc uint64, how Method) *FPO {
	if in.FPO == nil || pc == 0 {
		return nil
	}
	if how != Start && how != Trap || in.Saved != 0 && how == Start {
		pc--
	}
	if f, ok := in.FPO(pc); ok {
		return &f
	}
	return nil
}

// maxSlide is how many words above the place that debug information tells a return
// address is looked for: a function in pieces has one description for all of them,
// and what a piece pushed is not in it.
const maxSlide = 16

// fpoStep walks over a function without a frame pointer. What it passed to the
// function that it called lies below its own locals.
func (in *Input) fpoStep(f *FPO, from step) (Frame, step, bool) {
	sp := from.sp + from.passed
	if from.how == Start {
		sp -= in.Saved
	}
	slot := sp + uint64(f.Locals) + uint64(f.Registers)
	if f.Kind != FPOFrame && f.Kind != FPOProgram || sp%4 != 0 || slot < sp {
		return Frame{}, step{}, false
	}
	for slide := 0; slide <= maxSlide && in.on(slot, 4); slide++ {
		ret, there := in.word(slot, 4)
		if !there {
			break
		}
		if in.returns(ret) == "" {
			slot += 4
			continue
		}
		found := FPOData
		if slide > 0 {
			found = FPOScanned
		}
		fr := Frame{PC: from.pc, Frame: slot - 4, Return: ret, Args: in.words(slot+4, 4, argsX86), Method: from.how, FPO: f}
		next := step{pc: ret, sp: slot + 4, passed: uint64(f.Params), fp: from.fp, how: found}
		if below, known, uses := f.usesBP(); uses {
			next.fp = in.savedFP(sp, slot, below, known, from.fp)
		}
		return fr, next, true
	}
	return Frame{}, step{}, false
}

// savedFP is the caller's frame pointer, which a function saved between sp and its
// return address at slot: where its debug information says, else the first word
// there that heads a frame further up.
func (in *Input) savedFP(sp, slot, below uint64, known bool, fp uint64) uint64 {
	if known {
		if v, ok := in.word(slot-below, 4); ok {
			return v
		}
		return fp
	}
	for at := sp; at < slot; at += 4 {
		v, ok := in.word(at, 4)
		if !ok || v%4 != 0 || v <= slot || !in.on(v, 8) {
			continue
		}
		if ret, ok := in.word(v+4, 4); ok && (ret == 0 || in.returns(ret) != "") {
			return v
		}
	}
	return fp
}
