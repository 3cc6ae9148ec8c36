package x86dec

import "golang.org/x/arch/x86/x86asm"

// Decode16 decodes the instruction at the start of code as a processor in
// 16-bit real mode would. addr is its offset in the code segment; branch
// targets are counted from it. At most MaxLen bytes of code are looked at, and
// none are kept.
//
// The error is an *Error: the bytes are no instruction, or end within one.
func Decode16(code []byte, addr uint32) (Inst, error) {
	given := len(code)
	if given == 0 {
		return Inst{}, &Error{Addr: addr}
	}
	code = code[:min(given, MaxLen)]
	// The zeros behind a short code let x86asm finish, which tells an
	// instruction that is cut off from bytes that are none.
	buf := [MaxLen]byte{}
	n := copy(buf[:], code)
	salc := closeGap(buf[:])
	asm, err := x86asm.Decode(buf[:], 16)
	if err == nil && (asm.Op == 0 || invalidPrefix(asm)) {
		err = x86asm.ErrUnrecognized // prefixes with nothing behind them
	}
	short := err == nil && asm.Len > n || err != nil && endsBeforeGroup(buf, n)
	if short {
		err = x86asm.ErrTruncated
	}
	if err != nil {
		return Inst{}, &Error{
			Addr: addr, Given: given, Reason: err, Short: short,
			Bytes: append([]byte(nil), code[:min(n, 4)]...),
		}
	}
	if salc {
		asm.Op = 0
	}
	return Inst{Addr: addr, Bytes: append([]byte(nil), code[:asm.Len]...), Asm: asm}, nil
}

// endsBeforeGroup reports whether the n bytes that code holds end before a
// ModRM byte that selects the instruction, and 0 selects none: 0F BA, 0F C7.
func endsBeforeGroup(code [MaxLen]byte, n int) bool {
	if n == MaxLen {
		return false
	}
	for reg := byte(1); reg < 8; reg++ {
		code[n] = reg << 3
		if asm, err := x86asm.Decode(code[:], 16); err == nil && asm.Op != 0 && asm.Len > n {
			return true
		}
	}
	return false
}

// invalidPrefix reports a lock prefix that makes the instruction undefined.
func invalidPrefix(asm x86asm.Inst) bool {
	for _, p := range asm.Prefix {
		if p == 0 {
			break
		}
		if p&x86asm.PrefixInvalid != 0 {
			return true
		}
	}
	return false
}

// prefixes returns how many prefix bytes code starts with.
func prefixes(code []byte) int {
	for i, b := range code {
		switch b {
		case 0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0x66, 0x67, 0xf0, 0xf2, 0xf3:
		default:
			return i
		}
	}
	return len(code)
}
