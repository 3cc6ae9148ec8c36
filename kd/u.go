package kd

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"golang.org/x/arch/x86/x86asm"

	"github.com/seed-eedd8485/lpc/ntdump"
)

var cmdU = Command{
	Name: "u", Args: "[Address [Range]]",
	Short: "Disassemble 32-bit or 64-bit x86 code, by the target's pointers.",
	Long: `Without an address, u goes on behind what was shown last. Range is L and a count of instructions, or the
last address; 8 instructions unless told. A byte that begins no instruction is shown as ???. The decoder
knows no AVX, and ends the listing there, as it does where memory is absent. Boot code is 16-bit: ur.`,
}

func init() { cmdU.Run = runU }

func runU(ctx context.Context, s *Session, o *Out, args []string) error {
	c, err := s.codeArgs(args)
	if err != nil {
		return fmt.Errorf("u: %w", err)
	}
	if w := s.windows(); w != nil {
		if m := w.Dump().Header().Machine; m != ntdump.X86 && m != ntdump.X64 {
			return fmt.Errorf("u: instructions of %s are not disassembled", m)
		}
	}
	mode := 8 * s.Target.PointerSize()
	names := s.codeNames()
	at := c.from
	at.isReal = false
	for i := uint64(0); c.shows(i, at.linear); i++ {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		code, why := s.codeBytes(at.linear, maxInstruction)
		if len(code) == 0 {
			return s.noCode("u", i, s.long(at.linear), why)
		}
		text, n := decodeNamed(code, at.linear, mode, names)
		if n == 0 {
			return s.noCode("u", i, s.long(at.linear), errors.New("an AVX instruction, whose length the decoder does not know"))
		}
		if n > len(code) {
			return s.noCode("u", i, s.long(at.linear), why)
		}
		names.head(o, at.linear, i == 0)
		o.codeLine(s.long(at.linear), code[:n], text)
		at = at.next(n)
		s.codeAt = at
		if at.linear == 0 {
			break
		}
	}
	return nil
}

// decode is the instruction at the start of code, which has 32 or 64 bits by mode, in
// WinDbg's spelling, and its length: more than len(code) when code ends within it, 1
// with ??? for bytes that are none, 0 for one of AVX, whose length is not known.
func decode(code []byte, addr uint64, mode int) (text string, n int) {
	return decodeNamed(code, addr, mode, nil)
}

// decodeNamed is decode with the names of places that the instruction names.
func decodeNamed(code []byte, addr uint64, mode int, names *codeNames) (text string, n int) {
	if vector(code, mode) {
		return "", 0
	}
	var buf [maxInstruction]byte
	copy(buf[:], code) // the zeros behind a short code let the decoder finish
	in, err := x86asm.Decode(buf[:], mode)
	if err != nil || in.Op == 0 || in.Len < 1 {
		return "???", 1
	}
	if in.Len > len(code) {
		return "", in.Len
	}
	name, operands := cutOperands(strings.ToLower(x86asm.IntelSyntax(in, addr, nil)))
	behind, place := addr+uint64(in.Len), uint64(0)
	for _, a := range in.Args {
		switch a := a.(type) {
		case x86asm.Rel:
			to := behind + uint64(a)
			if mode == 32 {
				to = uint64(uint32(to))
			}
			operands, place = longText(to, mode), to
		case x86asm.Mem:
			if to := uint64(uint32(a.Disp)); a.Base == 0 && a.Index == 0 && a.Segment == 0 && mode == 32 && names.known(to) {
				operands, place = strings.Replace(operands, fmt.Sprintf("[%#x]", to), "["+longText(to, mode)+"]", 1), to
			}
			if a.Base == x86asm.RIP {
				place = behind + uint64(int32(a.Disp))
				operands = relative.ReplaceAllLiteralString(operands, "["+longText(place, mode)+"]")
			}
		}
	}
	operands = hexNumber.ReplaceAllStringFunc(strings.ReplaceAll(operands, ", ", ","), masm)
	if place != 0 {
		operands = strings.Replace(operands, longText(place, mode), names.operand(place, longText(place, mode)), 1)
	}
	return strings.TrimRight(fmt.Sprintf("%-7s %s", conditional(name, in.Op), operands), " "), in.Len
}

// longText is an address as Session.long writes it, of that many bits.
func longText(addr uint64, mode int) string {
	if mode == 32 {
		return fmt.Sprintf("%08x", uint32(addr))
	}
	return fmt.Sprintf("%08x`%08x", addr>>32, uint32(addr))
}

// vector tells whether code begins with a VEX or EVEX prefix (Intel SDM volume 2A,
// sections 2.3.5 and 2.7.1): C4, C5 and 62, which without 64-bit mode are other
// instructions unless what would be their ModRM names a register.
func vector(code []byte, mode int) bool {
	for len(code) > 0 && strings.IndexByte("\x26\x2e\x36\x3e\x64\x65\x67", code[0]) >= 0 {
		code = code[1:] // those that may stand in front of one
	}
	if len(code) < 2 {
		return false
	}
	switch code[0] {
	case 0xc4, 0xc5, 0x62:
		return mode == 64 || code[1] >= 0xc0
	}
	return false
}

// repeats are the words in front of a mnemonic.
var repeats = regexp.MustCompile(`^((?:lock|repn?e?|repz|repnz|data(?:16|32)|addr(?:16|32)|xacquire|xrelease|bnd|[c-gs]s) )*[a-z0-9]+`)

// cutOperands parts the mnemonic with its prefixes from the operands.
func cutOperands(text string) (name, operands string) {
	name = repeats.FindString(text)
	return name, strings.TrimPrefix(text[len(name):], " ")
}

// conditional writes jz as je, setnb as setae and so on: the names of the table of
// instructions, which WinDbg and ur use.
func conditional(name string, op x86asm.Op) string {
	if table := strings.ToLower(op.String()); conditions.MatchString(table) {
		return name[:strings.LastIndexByte(name, ' ')+1] + table
	}
	return name
}

var (
	conditions = regexp.MustCompile(`^(j|set|cmov)n?[abceglops]+$`)

	hexNumber = regexp.MustCompile(`\b0x[0-9a-f]+\b`)
	relative  = regexp.MustCompile(`\[rip[^\]]*\]`)
)

// masm writes a number of the form 0x1f as MASM and WinDbg do: 1Fh.
func masm(n string) string {
	n = strings.ToUpper(n[2:])
	switch {
	case len(n) == 1 && n[0] <= '9':
		return n
	case n[0] > '9':
		return "0" + n + "h"
	}
	return n + "h"
}
