package bootcode

import (
	"golang.org/x/arch/x86/x86asm"

	"github.com/seed-eedd8485/lpc/bootsec/x86dec"
)

// operand returns the value of a source operand of size bytes.
func (s *state) operand(in x86dec.Inst, arg x86asm.Arg, size int, m *image) word {
	switch a := arg.(type) {
	case x86asm.Reg:
		return s.get(a)
	case x86asm.Imm:
		return number(uint32(a), size)
	case x86asm.Mem:
		return s.fetch(a, size, m)
	}
	return make(word, size)
}

// offset returns the offset part of a memory operand's address.
func (s *state) offset(a x86asm.Mem) word {
	sum := number(uint32(a.Disp), 2)
	for _, r := range []struct {
		reg   x86asm.Reg
		scale uint8
	}{{a.Base, 1}, {a.Index, a.Scale}} {
		if r.reg == 0 {
			continue
		}
		w := s.get(r.reg)[:2]
		for range max(r.scale, 1) {
			sum = add(sum, w, 1)
		}
	}
	return sum
}

// segmentOf returns the segment register of a memory operand.
func segmentOf(a x86asm.Mem) x86asm.Reg {
	switch {
	case a.Segment != 0:
		return a.Segment
	case a.Base == x86asm.BP || a.Base == x86asm.EBP || a.Base == x86asm.ESP:
		return x86asm.SS
	}
	return x86asm.DS
}

// address returns the linear address of a memory operand, if it is known.
func (s *state) address(a x86asm.Mem) (uint32, bool) {
	return s.linear(segmentOf(a), s.offset(a))
}

// entryField returns which byte of a partition entry a memory operand names: by
// a pointer to an entry, by an address in the table, or by an index of unknown
// value added to one.
func (s *state) entryField(a x86asm.Mem, m *image) (uint32, bool) {
	off := s.offset(a)
	if p, ok := off.pointer(); ok {
		return uint32(p), true
	}
	if linear, ok := s.address(a); ok {
		if _, written := s.mem[linear]; written {
			return 0, false
		}
		return m.entryAt(linear)
	}
	if _, known := off.num(); !known && a.Disp != 0 {
		if base, ok := s.get(segmentOf(a)).num(); ok {
			return m.entryAt(base<<4 + uint32(a.Disp)&0xffff)
		}
	}
	return 0, false
}

// fetch reads a memory operand.
func (s *state) fetch(a x86asm.Mem, size int, m *image) word {
	if n, ok := s.entryField(a, m); ok {
		w := make(word, size)
		for i := range w {
			w[i] = cell{kind: entryByte, n: uint8(n+uint32(i)) & 15}
		}
		return w
	}
	if linear, ok := s.address(a); ok {
		return s.read(linear, size, m)
	}
	return make(word, size)
}

// store writes an operand. A write to an unknown address is taken to hit
// nothing that matters: this is a reader's help, not a proof.
func (s *state) store(arg x86asm.Arg, w word) {
	switch a := arg.(type) {
	case x86asm.Reg:
		s.set(a, w)
	case x86asm.Mem:
		if linear, ok := s.address(a); ok {
			s.write(linear, w)
		}
	}
}

// sizeOf returns the size in bytes of operand 0.
func sizeOf(in x86dec.Inst) int {
	switch a := in.Asm.Args[0].(type) {
	case x86asm.Reg:
		switch {
		case a >= x86asm.AL && a <= x86asm.BH:
			return 1
		case a >= x86asm.EAX && a <= x86asm.EDI:
			return 4
		}
		return 2
	case x86asm.Mem:
		if in.Asm.MemBytes > 0 {
			return min(in.Asm.MemBytes, 8)
		}
	}
	return in.Asm.DataSize / 8
}

// exec changes s as the instruction does, as far as values can be followed.
// Where control goes is the walk's business, and string instructions are
// strings.go's.
func (s *state) exec(in x86dec.Inst, m *image) {
	asm := in.Asm
	size := sizeOf(in)
	dst := asm.Args[0]
	s.testText(in)
	get := func(i int) word { return s.operand(in, asm.Args[i], size, m) }
	switch asm.Op {
	case x86asm.MOV:
		if src, ok := asm.Args[1].(x86asm.Reg); ok && size != len(s.get(src)) {
			s.store(dst, s.get(src)) // segment registers and mov r32,sreg
			return
		}
		s.store(dst, get(1))
	case x86asm.MOVZX, x86asm.MOVSX:
		w := s.movx(in, m)
		s.store(dst, w)
	case x86asm.LEA:
		if a, ok := asm.Args[1].(x86asm.Mem); ok {
			s.store(dst, append(s.offset(a), make(word, max(0, size-2))...)[:size])
		}
	case x86asm.LDS, x86asm.LES, x86asm.LSS, x86asm.LFS, x86asm.LGS:
		s.loadFar(in, m)
	case x86asm.XCHG:
		a, b := get(0), get(1)
		s.store(dst, b)
		s.store(asm.Args[1], a)
	case x86asm.PUSH:
		n := asm.DataSize / 8
		s.push(append(s.operand(in, dst, n, m), make(word, 4)...)[:n])
	case x86asm.POP:
		s.store(dst, s.pop(asm.DataSize/8, m))
	case x86asm.PUSHA, x86asm.PUSHAD:
		sp := s.get(x86asm.ESP)
		for r := x86asm.EAX; r <= x86asm.EDI; r++ {
			w := s.get(r)
			if r == x86asm.ESP {
				w = sp
			}
			s.push(w[:asm.DataSize/8])
		}
	case x86asm.POPA, x86asm.POPAD:
		for r := x86asm.EDI; r >= x86asm.EAX; r-- {
			w := s.pop(asm.DataSize/8, m)
			if r == x86asm.ESP {
				continue
			}
			copy(s.reg[r-x86asm.EAX][:], w)
		}
	case x86asm.PUSHF, x86asm.PUSHFD:
		s.push(make(word, asm.DataSize/8))
	case x86asm.POPF, x86asm.POPFD:
		s.pop(asm.DataSize/8, m)
	case x86asm.ADC, x86asm.SBB:
		s.store(dst, derived(size, get(0), get(1))) // carry is not kept
	case x86asm.ADD, x86asm.SUB, x86asm.INC, x86asm.DEC:
		s.store(dst, s.sum(in, size, m))
	case x86asm.AND, x86asm.OR, x86asm.XOR, x86asm.SHL, x86asm.SHR, x86asm.NOT, x86asm.NEG:
		s.store(dst, s.logic(in, size, m))
	case x86asm.CBW:
		if v, ok := s.get(x86asm.AL).num(); ok {
			s.set(x86asm.AX, number(uint32(int32(int8(v))), 2))
		} else {
			s.set(x86asm.AH, word{{}})
		}
	case x86asm.CWD, x86asm.CDQ:
		s.set(x86asm.EDX, nil)
	case x86asm.CMP, x86asm.TEST, x86asm.BT, x86asm.OUT, x86asm.NOP:
	case x86asm.MUL, x86asm.IMUL, x86asm.DIV, x86asm.IDIV:
		if asm.Args[1] != nil {
			s.store(dst, derived(size, get(1)))
			return
		}
		w := derived(4, get(0), s.get(x86asm.EAX), s.get(x86asm.EDX))
		s.set(x86asm.EAX, w)
		if size > 1 {
			s.set(x86asm.EDX, w)
		}
	case x86asm.LOOP, x86asm.LOOPE, x86asm.LOOPNE:
		s.set(x86asm.CX, add(s.get(x86asm.CX), number(1, 2), -1))
	case x86asm.LAHF, x86asm.AAM, x86asm.AAD, x86asm.DAA, x86asm.DAS, x86asm.AAA, x86asm.AAS, 0:
		s.set(x86asm.AX, nil)
	case x86asm.CPUID, x86asm.RDTSC, x86asm.RDMSR:
		for _, r := range []x86asm.Reg{x86asm.EAX, x86asm.EBX, x86asm.ECX, x86asm.EDX} {
			s.set(r, nil)
		}
	case x86asm.LEAVE:
		s.set(x86asm.SP, s.get(x86asm.BP))
		s.set(x86asm.BP, s.pop(2, m))
	default:
		if in.StringUnit() != 0 {
			s.execString(in, m)
			return
		}
		if dst != nil && in.Flow() == x86dec.Next {
			s.store(dst, make(word, min(size, 4))) // an operation that is not followed
		}
	}
}

// movx extends a byte or a word.
func (s *state) movx(in x86dec.Inst, m *image) word {
	size := sizeOf(in)
	n := in.Asm.MemBytes
	if r, ok := in.Asm.Args[1].(x86asm.Reg); ok {
		n = len(s.get(r))
	}
	w := s.operand(in, in.Asm.Args[1], n, m)
	fill := cell{kind: constant}
	if in.Asm.Op == x86asm.MOVSX {
		fill = cell{}
		if v, ok := w.num(); ok {
			fill = cell{kind: constant, n: uint8(int32(v<<(32-8*n)) >> 31)}
		}
	}
	for len(w) < size {
		w = append(w, fill)
	}
	return w
}

// loadFar is lds and its family: an offset, then a segment.
func (s *state) loadFar(in x86dec.Inst, m *image) {
	a, ok := in.Asm.Args[1].(x86asm.Mem)
	if !ok {
		return
	}
	n := in.Asm.DataSize / 8
	w := append(s.fetch(a, n+2, m), make(word, 2)...)
	s.store(in.Asm.Args[0], w[:n])
	r := map[x86asm.Op]x86asm.Reg{x86asm.LDS: x86asm.DS, x86asm.LES: x86asm.ES, x86asm.LSS: x86asm.SS, x86asm.LFS: x86asm.FS, x86asm.LGS: x86asm.GS}[in.Asm.Op]
	s.set(r, w[n:n+2])
}

// sum is add, sub, inc and dec.
func (s *state) sum(in x86dec.Inst, size int, m *image) word {
	a := s.operand(in, in.Asm.Args[0], size, m)
	b := number(1, size)
	if in.Asm.Args[1] != nil {
		b = s.operand(in, in.Asm.Args[1], size, m)
	}
	sign := 1
	if in.Asm.Op == x86asm.SUB || in.Asm.Op == x86asm.DEC {
		sign = -1
	}
	if in.Asm.Op == x86asm.SUB && in.Asm.Args[0] == in.Asm.Args[1] {
		return number(0, size)
	}
	return add(a, b, sign)
}

// logic is the bitwise operations and shifts.
func (s *state) logic(in x86dec.Inst, size int, m *image) word {
	asm := in.Asm
	if asm.Op == x86asm.XOR && asm.Args[0] == asm.Args[1] {
		return number(0, size)
	}
	a := s.operand(in, asm.Args[0], size, m)
	x, ok := a.num()
	y, ok2 := uint32(0), true
	var b word
	if asm.Args[1] != nil {
		b = s.operand(in, asm.Args[1], size, m)
		y, ok2 = b.num()
	}
	if (asm.Op == x86asm.AND || asm.Op == x86asm.OR) && asm.Args[0] == asm.Args[1] {
		return a
	}
	if asm.Op == x86asm.AND && ok2 && !ok { // the bits that are cleared are known
		w := make(word, len(a))
		for i := range w {
			switch uint8(y >> (8 * i)) {
			case 0:
				w[i] = cell{kind: constant}
			case 0xff:
				w[i] = a[i]
			}
		}
		return w
	}
	if !ok || !ok2 {
		return derived(size, a, b)
	}
	switch asm.Op {
	case x86asm.AND:
		x &= y
	case x86asm.OR:
		x |= y
	case x86asm.XOR:
		x ^= y
	case x86asm.SHL:
		x <<= y & 31
	case x86asm.SHR:
		x >>= y & 31
	case x86asm.NOT:
		x = ^x
	case x86asm.NEG:
		x = -x
	}
	return number(x, size)
}
