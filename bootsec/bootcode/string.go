package bootcode

import (
	"golang.org/x/arch/x86/x86asm"

	"github.com/seed-eedd8485/lpc/bootsec/x86dec"
)

// execString is the string instructions, the direction flag taken as clear:
// boot code that sets it is rare, and cld stands at the start of nearly all.
func (s *state) execString(in x86dec.Inst, m *image) {
	unit := in.StringUnit()
	count, counted := uint32(1), true
	if in.Repeats() {
		count, counted = s.get(x86asm.CX).num()
	}
	n := count * uint32(unit)
	acc := word(s.reg[0][:unit])
	switch in.Asm.Op {
	case x86asm.XLATB:
		s.set(x86asm.AL, nil)
		return
	case x86asm.LODSB, x86asm.LODSW, x86asm.LODSD:
		src, ok := in.Asm.Args[1].(x86asm.Mem)
		if ok && unit == 1 && s.inText(src, m) {
			s.reg[0][0] = cell{kind: textChar}
			return
		}
		if ok && !in.Repeats() {
			copy(s.reg[0][:unit], s.fetch(src, unit, m))
		} else {
			clear(acc)
		}
	case x86asm.MOVSB, x86asm.MOVSW, x86asm.MOVSD:
		s.move(in, n, counted, m)
	case x86asm.STOSB, x86asm.STOSW, x86asm.STOSD:
		if to, ok := s.linear(x86asm.ES, s.get(x86asm.DI)); ok && counted && n <= 64 {
			for i := uint32(0); i < n; i += uint32(unit) {
				s.write(to+i, acc)
			}
		}
	}
	si, di := usesString(in.Asm.Op)
	stops := in.Repeats() && (in.Asm.Op == x86asm.CMPSB || in.Asm.Op == x86asm.CMPSW || in.Asm.Op == x86asm.SCASB || in.Asm.Op == x86asm.SCASW)
	for _, r := range []struct {
		used bool
		reg  x86asm.Reg
	}{{si, x86asm.SI}, {di, x86asm.DI}} {
		switch {
		case !r.used:
		case !counted || stops:
			s.set(r.reg, nil)
		default:
			s.set(r.reg, add(s.get(r.reg), number(n, 2), 1))
		}
	}
	switch {
	case in.Repeats() && !stops:
		s.set(x86asm.CX, number(0, 2))
	case in.Repeats():
		s.set(x86asm.CX, nil)
	}
}

// inText reports whether a source address is that of a string in the sector. A
// loop over its characters is then gone through once, not once for each: al is
// some character, and si stays at the start until the end is found.
func (s *state) inText(src x86asm.Mem, m *image) bool {
	linear, ok := s.address(src)
	if !ok || s.overwritten(linear) {
		return false
	}
	off, ok := m.locate(linear)
	if !ok {
		return false
	}
	_, text := stringAt(m.data, off)
	return text
}

// testText notes that al, a character of a string, is compared: with an
// immediate, or with zero by or, and, test.
func (s *state) testText(in x86dec.Inst) {
	asm := in.Asm
	switch asm.Op {
	case x86asm.MOV, x86asm.PUSH, x86asm.POP, x86asm.LEA, x86asm.NOP:
		return // flags stay
	}
	if in.Flow() == x86dec.Branch {
		return
	}
	s.tested = textTest{}
	if asm.Args[0] != x86asm.AL || s.reg[0][0].kind != textChar {
		return
	}
	switch asm.Op {
	case x86asm.CMP:
		if end, ok := asm.Args[1].(x86asm.Imm); ok {
			s.tested = textTest{true, uint8(end)}
		}
	case x86asm.OR, x86asm.AND, x86asm.TEST:
		if asm.Args[1] == x86asm.AL {
			s.tested = textTest{true, 0}
		}
	}
}

// endText puts si behind the end of the string, as it is when the character
// that ends it was found; and si as it was just pushed, for code that prints
// what stands behind the call and returns behind it.
func (s *state) endText(m *image) {
	s.reg[0][0] = cell{kind: constant, n: s.tested.end}
	si := s.get(x86asm.SI)
	linear, ok := s.linear(x86asm.DS, si)
	if !ok {
		return
	}
	code, _, ok := m.code(linear)
	if !ok {
		s.set(x86asm.SI, nil)
		return
	}
	for i, b := range code {
		if b == s.tested.end {
			behind := add(si, number(uint32(i+1), 2), 1)
			s.set(x86asm.SI, behind)
			if top := s.clone().pop(2, m); top[0] == si[0] && top[1] == si[1] {
				s.pop(2, m)
				s.push(behind)
			}
			return
		}
	}
	s.set(x86asm.SI, nil)
}

// move is movs: a copy of the sector's own bytes is a region of its own, a
// short copy of anything else is done byte by byte.
func (s *state) move(in x86dec.Inst, n uint32, counted bool, m *image) {
	src, ok := in.Asm.Args[1].(x86asm.Mem)
	if !ok || !counted {
		return
	}
	from, fok := s.address(src)
	to, tok := s.linear(x86asm.ES, s.get(x86asm.DI))
	if !fok || !tok || n > 64 {
		return
	}
	s.write(to, s.read(from, int(n), m))
}

// usesString reports which of si and di an instruction advances.
func usesString(op x86asm.Op) (si, di bool) {
	switch op {
	case x86asm.LODSB, x86asm.LODSW, x86asm.LODSD, x86asm.OUTSB, x86asm.OUTSW, x86asm.OUTSD:
		return true, false
	case x86asm.STOSB, x86asm.STOSW, x86asm.STOSD, x86asm.SCASB, x86asm.SCASW, x86asm.SCASD, x86asm.INSB, x86asm.INSW, x86asm.INSD:
		return false, true
	}
	return true, true
}
