package x86dec

import (
	"fmt"
	"strings"

	"golang.org/x/arch/x86/x86asm"
)

// spelled holds the mnemonics that people write otherwise than x86asm's tables.
var spelled = map[x86asm.Op]string{
	0:                "salc",
	x86asm.LJMP:      "jmp",
	x86asm.LCALL:     "call",
	x86asm.LRET:      "retf",
	x86asm.ICEBP:     "int1",
	x86asm.XLATB:     "xlat",
	x86asm.FWAIT:     "wait",
	x86asm.MOVSD_XMM: "movsd",
	x86asm.CMPSD_XMM: "cmpsd",
	x86asm.UD2:       "ud2",
}

// stringUnit gives the operand size in bytes of a string instruction, whose
// mnemonic ends in it in the tables and stands as "byte ptr" in the text.
var stringUnit = map[x86asm.Op]int{
	x86asm.MOVSB: 1, x86asm.MOVSW: 2, x86asm.MOVSD: 4,
	x86asm.CMPSB: 1, x86asm.CMPSW: 2, x86asm.CMPSD: 4,
	x86asm.LODSB: 1, x86asm.LODSW: 2, x86asm.LODSD: 4,
	x86asm.STOSB: 1, x86asm.STOSW: 2, x86asm.STOSD: 4,
	x86asm.SCASB: 1, x86asm.SCASW: 2, x86asm.SCASD: 4,
	x86asm.INSB: 1, x86asm.INSW: 2, x86asm.INSD: 4,
	x86asm.OUTSB: 1, x86asm.OUTSW: 2, x86asm.OUTSD: 4,
	x86asm.XLATB: 1,
}

// StringUnit returns the number of bytes that one step of a string instruction
// moves or compares, 0 for all other instructions.
func (in Inst) StringUnit() int { return stringUnit[in.Asm.Op] }

// comparesStrings reports the string instructions whose repetition ends on a
// condition, so that rep is spelled repe there.
func comparesStrings(op x86asm.Op) bool {
	switch op {
	case x86asm.CMPSB, x86asm.CMPSW, x86asm.CMPSD, x86asm.SCASB, x86asm.SCASW, x86asm.SCASD:
		return true
	}
	return false
}

// name returns the mnemonic without prefixes.
func name(asm x86asm.Inst) string {
	op := asm.Op
	s, ok := spelled[op]
	switch {
	case ok:
	case stringUnit[op] != 0:
		s = strings.ToLower(op.String())
		s = s[:len(s)-1]
	default:
		s = strings.ToLower(op.String())
	}
	if asm.DataSize == 32 && (op == x86asm.RET || op == x86asm.LRET) {
		s += "d" // pops a 32-bit address
	}
	if _, imm := asm.Args[0].(x86asm.Imm); imm && op == x86asm.PUSH && asm.DataSize == 32 {
		s = "pushd" // MASM's name: the operand alone does not show how much is pushed
	}
	return s
}

// register names a register; alone says that it is the only operand.
func register(r x86asm.Reg, alone bool) string {
	switch {
	case r == x86asm.F0 && !alone:
		return "st"
	case r >= x86asm.F0 && r <= x86asm.F7:
		return fmt.Sprintf("st(%d)", r-x86asm.F0)
	case r >= x86asm.M0 && r <= x86asm.M7:
		return fmt.Sprintf("mm%d", r-x86asm.M0)
	case r >= x86asm.X0 && r <= x86asm.X15:
		return fmt.Sprintf("xmm%d", r-x86asm.X0)
	}
	return strings.ToLower(r.String())
}

// registerBits returns the width of a general or segment register, else 0.
func registerBits(r x86asm.Reg) int {
	switch {
	case r >= x86asm.AL && r <= x86asm.R15B:
		return 8
	case r >= x86asm.AX && r <= x86asm.R15W, r >= x86asm.ES && r <= x86asm.GS:
		return 16
	case r >= x86asm.EAX && r <= x86asm.R15L:
		return 32
	}
	return 0
}
