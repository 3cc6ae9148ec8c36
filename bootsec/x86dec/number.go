package x86dec

import (
	"fmt"
	"strings"
)

// number prints an immediate as MASM and WinDbg write it: 0 to 9 as they are,
// larger ones in hex with h, and a leading 0 where a letter would come first.
func number(v uint64) string {
	if v < 10 {
		return fmt.Sprint(v)
	}
	s := strings.ToUpper(fmt.Sprintf("%x", v)) + "h"
	if s[0] > '9' {
		s = "0" + s
	}
	return s
}

// displacement prints the part of an address behind its registers, with its
// sign; nothing for zero.
func displacement(v int64) string {
	switch {
	case v == 0:
		return ""
	case v < 0:
		return "-" + number(uint64(-v))
	}
	return "+" + number(uint64(v))
}

// truncate keeps the low bits of an immediate that the operand size takes:
// x86asm hands sign-extended values.
func truncate(v int64, bits int) uint64 {
	switch bits {
	case 8:
		return uint64(uint8(v))
	case 16:
		return uint64(uint16(v))
	case 32:
		return uint64(uint32(v))
	}
	return uint64(v)
}
