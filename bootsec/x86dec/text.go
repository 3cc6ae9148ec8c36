package x86dec

import (
	"fmt"
	"strings"

	"golang.org/x/arch/x86/x86asm"
)

// String returns the instruction as ur prints it: the mnemonic in a column of
// eight, then the operands. Immediates are cut to the operand size and written
// as number does; branch targets are bare offsets of four digits, eight where
// the operand size is 32; memory has its size, and a segment where the address
// is direct or overridden.
func (in Inst) String() string {
	prefix := in.prefixText()
	operands := strings.Join(in.Operands(), ",")
	mnemonic := prefix + name(in.Asm)
	switch {
	case operands == "":
		return mnemonic
	case prefix != "":
		return mnemonic + " " + operands // a column would be torn anyway
	}
	return fmt.Sprintf("%-7s %s", mnemonic, operands)
}

// Line returns offset, bytes and text in the columns of WinDbg's ur.
func (in Inst) Line() string {
	return fmt.Sprintf("%04x %-15x %s", in.Addr, in.Bytes, in.String())
}

// Mnemonic returns the first word or words: prefixes and name.
func (in Inst) Mnemonic() string { return in.prefixText() + name(in.Asm) }

// Operands returns the operands as String prints them.
func (in Inst) Operands() []string {
	asm := in.Asm
	if seg, off, ok := in.FarTarget(); ok {
		if asm.DataSize == 32 {
			return []string{fmt.Sprintf("%04x:%08x", seg, off)}
		}
		return []string{fmt.Sprintf("%04x:%04x", seg, off)}
	}
	var out []string
	for i, arg := range shownArgs(asm) {
		switch a := arg.(type) {
		case x86asm.Reg:
			out = append(out, register(a, asm.Args[1] == nil))
		case x86asm.Imm:
			out = append(out, number(truncate(int64(a), immediateBits(asm, i))))
		case x86asm.Rel:
			target, _ := in.Target()
			width := 4
			if asm.DataSize == 32 || in.Addr > 0xffff {
				width = 8
			}
			out = append(out, fmt.Sprintf("%0*x", width, target))
		case x86asm.Mem:
			out = append(out, sizeName(asm)+address(asm, a))
		}
	}
	return out
}

// shownArgs leaves out what the mnemonic already says.
func shownArgs(asm x86asm.Inst) []x86asm.Arg {
	var args []x86asm.Arg
	for _, a := range asm.Args {
		if a == nil {
			break
		}
		args = append(args, a)
	}
	switch asm.Op {
	case x86asm.LODSB, x86asm.LODSW, x86asm.LODSD, x86asm.SCASB, x86asm.SCASW, x86asm.SCASD:
		return args[1:]
	case x86asm.STOSB, x86asm.STOSW, x86asm.STOSD:
		return args[:1]
	case x86asm.AAM, x86asm.AAD:
		if args[0] == x86asm.Imm(10) {
			return nil
		}
	}
	return args
}

// immediateBits returns the width of immediate operand i.
func immediateBits(asm x86asm.Inst, i int) int {
	switch asm.Op {
	case x86asm.INT, x86asm.IN, x86asm.OUT, x86asm.AAM, x86asm.AAD,
		x86asm.ROL, x86asm.ROR, x86asm.RCL, x86asm.RCR, x86asm.SHL, x86asm.SHR, x86asm.SAR,
		x86asm.SHLD, x86asm.SHRD, x86asm.BT, x86asm.BTS, x86asm.BTR, x86asm.BTC:
		return 8
	case x86asm.RET, x86asm.LRET:
		return 16
	case x86asm.ENTER:
		return 16 >> i
	}
	switch a := asm.Args[0].(type) {
	case x86asm.Reg:
		if bits := registerBits(a); bits != 0 {
			return bits
		}
		return 8 // the selectors of MMX and SSE
	case x86asm.Mem:
		return asm.MemBytes * 8
	}
	return asm.DataSize
}

// sizeName returns the words in front of a memory operand.
func sizeName(asm x86asm.Inst) string {
	n := asm.MemBytes
	if unit := stringUnit[asm.Op]; unit != 0 {
		n = unit
	}
	switch asm.Op {
	case x86asm.LEA, x86asm.INVLPG, x86asm.FXSAVE, x86asm.FXRSTOR, x86asm.FNSAVE, x86asm.FRSTOR,
		x86asm.FNSTENV, x86asm.FLDENV, x86asm.PREFETCHNTA, x86asm.PREFETCHT0, x86asm.PREFETCHT1,
		x86asm.PREFETCHT2, x86asm.PREFETCHW, x86asm.CLFLUSH:
		return ""
	case x86asm.LJMP, x86asm.LCALL:
		if asm.DataSize == 32 {
			return "fword ptr "
		}
		return "far ptr " // "dword ptr" would read as a near jump with prefix 66
	case x86asm.LGDT, x86asm.LIDT, x86asm.SGDT, x86asm.SIDT:
		return "fword ptr "
	case x86asm.FLD, x86asm.FSTP, x86asm.FBLD, x86asm.FBSTP:
		if n == 0 {
			return "tbyte ptr "
		}
	}
	switch n {
	case 1:
		return "byte ptr "
	case 2:
		return "word ptr "
	case 4:
		return "dword ptr "
	case 6:
		return "fword ptr "
	case 8:
		return "qword ptr "
	case 10:
		return "tbyte ptr "
	case 16:
		return "xmmword ptr "
	}
	return ""
}

// address prints a memory operand's segment and brackets.
func address(asm x86asm.Inst, m x86asm.Mem) string {
	var terms []string
	if m.Base != 0 {
		terms = append(terms, register(m.Base, true))
	}
	if m.Index != 0 {
		s := register(m.Index, true)
		if m.Scale > 1 {
			s += fmt.Sprintf("*%d", m.Scale)
		}
		terms = append(terms, s)
	}
	inner := strings.Join(terms, "+")
	disp := m.Disp
	if asm.AddrSize == 32 {
		disp = int64(int32(disp))
	} else {
		disp = int64(int16(disp))
	}
	if inner == "" {
		inner = number(truncate(disp, asm.AddrSize))
	} else {
		inner += displacement(disp)
	}
	return segment(asm, m, len(terms) == 0) + "[" + inner + "]"
}

// segment prints a segment where the reader could not know it: an override,
// the es of a string's destination, and the ds of a direct address, which
// without it would look like an immediate.
func segment(asm x86asm.Inst, m x86asm.Mem, direct bool) string {
	switch {
	case m.Segment == x86asm.ES, m.Segment != 0 && m.Segment != x86asm.DS:
		return register(m.Segment, true) + ":"
	case direct, m.Segment == x86asm.DS && hasPrefix(asm, x86asm.PrefixDS):
		return "ds:"
	}
	return ""
}
