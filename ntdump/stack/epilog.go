package stack

import "encoding/binary"

// maxEpilog is more than the longest epilogue has: 8 bytes that free the frame, eight
// pops of 2 bytes, a jump of 7.
const maxEpilog = 32

// epilogue undoes what is left of a function's epilogue, when the interrupted
// instruction is in one: registers are popped there already, and unwind codes tell of
// the prologue alone ("x64 prolog and epilog", "x64 exception handling: unwind
// procedure"). An epilogue is an addition to rsp or an lea that sets it from the
// frame pointer, then pops, then a return or a jump out of the function. It returns
// false, with the state as it was, where none begins at the instruction.
func (in *Input) epilogue(s *unwindState, m Image, f function) bool {
	var buf [maxEpilog]byte
	n := 0
	for n < len(buf) { // the code may end at a page that is absent
		if got, _ := in.Memory.ReadMemory(s.pc+uint64(n), buf[n:n+1]); got == 0 {
			break
		}
		n++
	}
	b := buf[:n]
	at := *s
	use := func(k int) { b, at.pc = b[k:], at.pc+uint64(k) }
	rex := func() byte { // of the instruction at b
		if len(b) > 0 && b[0]&0xf0 == 0x40 {
			return b[0]
		}
		return 0
	}
	switch {
	case len(b) >= 4 && b[0] == 0x48 && b[1] == 0x83 && b[2] == 0xc4: // add rsp, imm8
		at.reg[rsp] += uint64(int64(int8(b[3])))
		use(4)
	case len(b) >= 7 && b[0] == 0x48 && b[1] == 0x81 && b[2] == 0xc4: // add rsp, imm32
		at.reg[rsp] += uint64(int64(int32(binary.LittleEndian.Uint32(b[3:]))))
		use(7)
	case len(b) >= 4 && b[0]&0xfe == 0x48 && b[1] == 0x8d && b[2]&0x38 == 0x20 && b[2]&7 != 4: // lea rsp, [reg+disp]
		reg := b[2]&7 | b[0]&1<<3
		if at.known>>reg&1 == 0 {
			return false
		}
		switch b[2] >> 6 {
		case 1:
			at.reg[rsp] = at.reg[reg] + uint64(int64(int8(b[3])))
			use(4)
		case 2:
			if len(b) < 7 {
				return false
			}
			at.reg[rsp] = at.reg[reg] + uint64(int64(int32(binary.LittleEndian.Uint32(b[3:]))))
			use(7)
		default:
			return false
		}
	}
	for {
		r := rex()
		k := 0
		if r != 0 {
			k = 1
		}
		if len(b) <= k || b[k]&0xf8 != 0x58 || r&0x0e != 0 { // pop reg
			break
		}
		v, ok := in.word(at.reg[rsp], 8)
		if !ok {
			return false
		}
		at.set(b[k]&7|r&1<<3, v)
		at.reg[rsp] += 8
		use(k + 1)
	}
	if !in.leaves(b, at.pc-m.Base, f) {
		return false
	}
	ret, ok := in.word(at.reg[rsp], 8)
	if !ok {
		return false
	}
	at.pc, at.trap = ret, false
	at.reg[rsp] += 8
	*s = at
	return true
}

// leaves says whether the instruction b, at an offset in its image, ends an epilogue
// of a function: a return, or a jump that leaves it.
func (in *Input) leaves(b []byte, at uint64, f function) bool {
	out := func(to uint64) bool { return to < uint64(f.begin) || to >= uint64(f.end) }
	switch {
	case len(b) == 0:
		return false
	case b[0] == 0xc3 || b[0] == 0xc2: // ret
		return true
	case len(b) >= 2 && b[0] == 0xf3 && b[1] == 0xc3: // rep ret
		return true
	case len(b) >= 2 && b[0] == 0xeb: // jmp rel8
		return out(at + 2 + uint64(int64(int8(b[1]))))
	case len(b) >= 5 && b[0] == 0xe9: // jmp rel32
		return out(at + 5 + uint64(int64(int32(binary.LittleEndian.Uint32(b[1:])))))
	case len(b) >= 2 && b[0] == 0xff && b[1] == 0x25: // jmp [rip+disp32]
		return true
	case len(b) >= 3 && b[0] == 0x48 && b[1] == 0xff && b[2]&0x38 == 0x20: // rex jmp
		return true
	}
	return false
}
