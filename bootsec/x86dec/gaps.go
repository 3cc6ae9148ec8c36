package x86dec

// closeGap rewrites an encoding that x86asm refuses, or takes for longer than it
// is, into its documented twin of the same length, in place. For salc, which
// has no twin, it puts in clc, another instruction of one byte, and returns
// true: the caller then has to take the operation out again.
//
// All of these run on every processor since the 8086 or 80386 and are listed as
// aliases in the opcode maps (Intel SDM volume 2D, tables; AMD APM
// volume 3, appendix A; opcode D6 in AMD's map as SALC).
func closeGap(code []byte) (salc bool) {
	i := prefixes(code)
	if i >= len(code) {
		return false
	}
	switch code[i] {
	case 0x82: // group 1 Eb,Ib once more: 80
		code[i] = 0x80
	case 0xd6: // al = carry ? ff : 00
		code[i] = 0xf8
		return true
	}
	if i+1 >= len(code) {
		return false
	}
	reg := code[i+1] >> 3 & 7
	switch code[i] {
	case 0xc0, 0xc1, 0xd0, 0xd1, 0xd2, 0xd3: // shift group /6: shl, as /4
		if reg == 6 {
			code[i+1] = code[i+1]&^0x38 | 4<<3
		}
	case 0x0f:
		switch second := code[i+1]; {
		case i+2 >= len(code):
		case second >= 0x19 && second <= 0x1f: // reserved no-operations: as 0F 1F /0
			code[i+1], code[i+2] = 0x1f, code[i+2]&^0x38
		case second >= 0x20 && second <= 0x23: // mov of control and debug registers: mod is ignored, there is no memory form
			code[i+2] |= 0xc0
		}
	case 0xf6, 0xf7: // unary group /1: test with immediate, as /0
		if reg == 1 {
			code[i+1] &^= 0x38
		}
	}
	return false
}
