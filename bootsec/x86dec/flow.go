package x86dec

import "golang.org/x/arch/x86/x86asm"

// Flow says where control may go after an instruction.
type Flow int

// The kinds of flow. A far pointer's target is given by FarTarget; the targets
// of Indirect kinds stand in a register or in memory.
const (
	Next         Flow = iota // only to the instruction behind
	Jump                     // to Target or FarTarget
	Branch                   // to Target or behind
	Call                     // to Target or FarTarget, and behind on return
	IndirectJump             // to where an operand says
	IndirectCall             // likewise, and behind on return
	Return                   // to what the stack says: ret, retf, iret
	Interrupt                // int n: a service, and behind on return
	Stop                     // hlt: behind, once an interrupt came
)

// Flow returns where control may go after in.
func (in Inst) Flow() Flow {
	switch in.Asm.Op {
	case x86asm.JMP, x86asm.LJMP:
		if _, _, far := in.FarTarget(); far {
			return Jump
		}
		if _, near := in.Target(); near {
			return Jump
		}
		return IndirectJump
	case x86asm.CALL, x86asm.LCALL:
		if _, _, far := in.FarTarget(); far {
			return Call
		}
		if _, near := in.Target(); near {
			return Call
		}
		return IndirectCall
	case x86asm.RET, x86asm.LRET, x86asm.IRET, x86asm.IRETD:
		return Return
	case x86asm.INT, x86asm.INTO, x86asm.ICEBP:
		return Interrupt
	case x86asm.HLT:
		return Stop
	}
	if _, ok := in.Target(); ok {
		return Branch
	}
	return Next
}

// Target returns the offset that a near jump, branch, loop or call names.
func (in Inst) Target() (uint32, bool) {
	rel, ok := in.Asm.Args[0].(x86asm.Rel)
	if !ok {
		return 0, false
	}
	addr := in.Addr + uint32(len(in.Bytes)) + uint32(int32(rel))
	if in.Asm.DataSize == 32 {
		return addr, true
	}
	return in.wrap(addr), true
}

// FarTarget returns the segment and offset that a far jump or call names.
func (in Inst) FarTarget() (seg uint16, off uint32, ok bool) {
	if in.Asm.Op != x86asm.LJMP && in.Asm.Op != x86asm.LCALL {
		return 0, 0, false
	}
	s, ok1 := in.Asm.Args[0].(x86asm.Imm)
	o, ok2 := in.Asm.Args[1].(x86asm.Imm)
	if !ok1 || !ok2 {
		return 0, 0, false
	}
	return uint16(s), uint32(o), true
}
