package x86dec

import (
	"strings"

	"golang.org/x/arch/x86/x86asm"
)

// hasPrefix reports whether prefix byte p stands before the opcode.
func hasPrefix(asm x86asm.Inst, p x86asm.Prefix) bool {
	for _, q := range asm.Prefix {
		if q == 0 {
			break
		}
		if q&0xff == p&0xff {
			return true
		}
	}
	return false
}

// Repeats reports whether a rep prefix repeats a string instruction.
func (in Inst) Repeats() bool {
	return stringUnit[in.Asm.Op] != 0 && in.Asm.Op != x86asm.XLATB &&
		(hasPrefix(in.Asm, x86asm.PrefixREP) || hasPrefix(in.Asm, x86asm.PrefixREPN))
}

// prefixText returns the prefixes that the operands do not show, each with a
// space behind it. A prefix without effect is printed too: the bytes are there,
// and a reader who counts them must find them in the text.
func (in Inst) prefixText() string {
	var out strings.Builder
	for i, p := range in.Asm.Prefix {
		if p == 0 {
			break
		}
		switch p & 0xff {
		case 0xf0:
			out.WriteString("lock ")
		case 0xf2:
			if p&x86asm.PrefixImplicit == 0 || in.Repeats() {
				out.WriteString("repne ")
			}
		case 0xf3:
			switch {
			case comparesStrings(in.Asm.Op):
				out.WriteString("repe ")
			case p&x86asm.PrefixImplicit == 0 || in.Repeats():
				out.WriteString("rep ")
			}
		case 0x66:
			if !in.shows(i) {
				out.WriteString("data32 ")
			}
		case 0x67:
			if !in.shows(i) {
				out.WriteString("addr32 ")
			}
		case 0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65:
			r := register(segmentPrefix(p), true)
			if direct := p&0xff == 0x3e && strings.Contains(strings.Join(in.Operands(), ","), "ds:["); !direct && !in.shows(i) {
				out.WriteString(r + " ")
			}
		}
	}
	return out.String()
}

// shows reports whether name or operands differ for want of prefix i.
func (in Inst) shows(i int) bool {
	buf := [MaxLen]byte{}
	n := copy(buf[:], in.Bytes[:i])
	n += copy(buf[n:], in.Bytes[i+1:])
	salc := closeGap(buf[:n])
	asm, err := x86asm.Decode(buf[:], 16) // the zeros behind stand in for a longer immediate
	if err != nil || asm.Op == 0 {
		return true
	}
	if salc {
		asm.Op = 0
	}
	other := Inst{Addr: in.Addr, Bytes: in.Bytes, Asm: asm}
	return name(asm) != name(in.Asm) ||
		strings.Join(other.Operands(), ",") != strings.Join(in.Operands(), ",")
}

// segmentPrefix names the segment register of an override.
func segmentPrefix(p x86asm.Prefix) x86asm.Reg {
	switch p & 0xff {
	case 0x26:
		return x86asm.ES
	case 0x2e:
		return x86asm.CS
	case 0x36:
		return x86asm.SS
	case 0x3e:
		return x86asm.DS
	case 0x64:
		return x86asm.FS
	}
	return x86asm.GS
}
