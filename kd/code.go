package kd

import (
	"fmt"
	"strings"

	"github.com/seed-eedd8485/lpc/internal/escape"
)

// codeAt is where u and ur go on when they are given no address.
type codeAt struct {
	set    bool
	linear uint64
	real   realMode // counts instead of linear if isReal
	isReal bool
}

// codeRange is what u and ur are to show.
type codeRange struct {
	from   codeAt
	count  uint64 // of instructions, 0: up to last
	last   uint64 // the last address that an instruction may begin at
	normal bool   // no range was given
}

// normalCount is how many instructions are shown unless told.
const normalCount = 8

// codeArgs reads the arguments of u and ur: an address, or nothing to go on, and L
// with a count of instructions, or the last address.
func (s *Session) codeArgs(args []string) (c codeRange, err error) {
	c.count = normalCount
	if len(args) == 0 {
		if !s.codeAt.set {
			return c, fmt.Errorf("an address is expected: nothing was shown yet that could be gone on with")
		}
		c.from, c.normal = s.codeAt, true
		return c, nil
	}
	real, isReal, err := s.realModeAddress(args[0])
	if err != nil {
		return c, err
	}
	c.from = codeAt{set: true, real: real, isReal: isReal, linear: real.linear()}
	if !isReal {
		if c.from.linear, err = s.address(args[0]); err != nil {
			return c, err
		}
	}
	if len(args) == 1 {
		c.normal = true
		return c, nil
	}
	length, isLength := strings.CutPrefix(strings.ToUpper(args[1]), "L")
	rest := args[2:]
	if isLength && length == "" && len(rest) > 0 {
		length, rest = rest[0], rest[1:]
	}
	if len(rest) > 0 {
		return c, fmt.Errorf("%s is too much, expected an address and a range (L20, or the last address)", escape.Text(rest[0]))
	}
	if isLength {
		if c.count, err = number(length); err != nil {
			return c, err
		}
		if c.count == 0 || c.count > maxUnits {
			return c, fmt.Errorf("%#x instructions, expected 1 to %#x", c.count, maxUnits)
		}
		return c, nil
	}
	c.count = 0
	if c.last, err = s.address(args[1]); err != nil {
		return c, err
	}
	if c.last < c.from.linear {
		return c, fmt.Errorf("the range ends at %s, before it begins at %s", s.ptr(c.last), s.ptr(c.from.linear))
	}
	if c.last-c.from.linear >= maxUnits {
		return c, fmt.Errorf("a range of %#x bytes, expected at most %#x", c.last-c.from.linear+1, maxUnits)
	}
	return c, nil
}

// shows tells whether instruction i, at addr, is still within the range.
func (c codeRange) shows(i, addr uint64) bool {
	if c.count > 0 {
		return i < c.count
	}
	return addr <= c.last
}

// maxInstruction is the longest instruction, in bytes (Intel SDM volume 2A, section
// 2.3.11).
const maxInstruction = 15

// codeBytes reads the bytes of an instruction that may have limit bytes. Fewer than
// that come with the reason; none at all is an error.
func (s *Session) codeBytes(addr uint64, limit int) (code []byte, why error) {
	code = make([]byte, min(limit, maxInstruction))
	n, err := s.readMemory(addr, code)
	if n < len(code) {
		return code[:n], absence(addr+uint64(n), err)
	}
	return code, nil
}

// codeLine prints one row: address, bytes, text.
func (o *Out) codeLine(addr string, code []byte, text string) {
	o.Printf("%s\n", strings.TrimRight(fmt.Sprintf("%s %-15x %s", addr, code, text), " "))
}
