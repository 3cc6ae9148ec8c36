package kd

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"

	"github.com/seed-eedd8485/lpc/internal/escape"
)

// number reads a number as WinDbg does: hexadecimal unless it begins with 0n
// (decimal), 0t (octal) or 0y (binary); 0x and backticks may stand in it.
func number(word string) (uint64, error) {
	digits, base := strings.ReplaceAll(word, "`", ""), 16
	if len(digits) > 2 && digits[0] == '0' {
		switch digits[1] {
		case 'n', 'N':
			digits, base = digits[2:], 10
		case 't', 'T':
			digits, base = digits[2:], 8
		case 'y', 'Y':
			digits, base = digits[2:], 2
		case 'x', 'X':
			digits = digits[2:]
		}
	}
	v, err := strconv.ParseUint(digits, base, 64)
	if err != nil || strings.ContainsAny(digits, "+-_") {
		if ne := (*strconv.NumError)(nil); asNum(err, &ne) && ne.Err == strconv.ErrRange {
			return 0, fmt.Errorf("%s is more than 64 bits", escape.Text(word))
		}
		return 0, fmt.Errorf("%s is no number; numbers are hexadecimal, 0n%s would be decimal", escape.Text(word), "123")
	}
	return v, nil
}

func asNum(err error, to **strconv.NumError) bool {
	e, ok := err.(*strconv.NumError)
	*to = e
	return ok
}

// address reads an expression: numbers and names, joined by + and -. Names are
// $proc and $thread, the defaults of the session, and $free, with or without an @ in
// front. poi(expression) is the pointer that lies there. seg:off is an address of real
// mode.
func (s *Session) address(word string) (uint64, error) {
	if word == "" {
		return 0, fmt.Errorf("an address is expected, nothing was given")
	}
	if !strings.Contains(word, "(") {
		if r, ok, err := s.realModeAddress(word); ok {
			return r.linear(), err
		}
	}
	var sum uint64
	sign, rest := '+', word
	if rest[0] == '-' || rest[0] == '+' {
		sign, rest = rune(rest[0]), rest[1:]
	}
	for {
		i := operator(rest)
		term := rest
		if i >= 0 {
			term = rest[:i]
		}
		v, err := s.term(term)
		if err != nil {
			return 0, fmt.Errorf("%w (in %s)", err, escape.Text(word))
		}
		if sign == '+' {
			sum += v
		} else {
			sum -= v
		}
		if i < 0 {
			break
		}
		sign, rest = rune(rest[i]), rest[i+1:]
	}
	if s.Target.PointerSize() == 4 {
		sum = uint64(uint32(sum))
	}
	return sum, nil
}

// operator is where the first + or - is that is in no parentheses, or -1.
func operator(text string) int {
	depth := 0
	for i := range len(text) {
		switch text[i] {
		case '(':
			depth++
		case ')':
			depth--
		case '+', '-':
			if depth == 0 {
				return i
			}
		}
	}
	return -1
}

// poi is the pointer at the address that an expression gives.
func (s *Session) poi(expression string) (uint64, error) {
	addr, err := s.address(expression)
	if err != nil {
		return 0, err
	}
	b := make([]byte, s.Target.PointerSize())
	if n, err := s.Target.ReadMemory(addr, b); n < len(b) {
		return 0, fmt.Errorf("no pointer can be read at %s: %w", s.ptr(addr), err)
	}
	if len(b) == 4 {
		return uint64(binary.LittleEndian.Uint32(b)), nil
	}
	return binary.LittleEndian.Uint64(b), nil
}

func (s *Session) term(t string) (uint64, error) {
	if inner, ok := strings.CutPrefix(t, "poi("); ok {
		if inner, ok = strings.CutSuffix(inner, ")"); !ok {
			return 0, fmt.Errorf("a ) is expected at the end of %s", escape.Text(t))
		}
		return s.poi(inner)
	}
	switch strings.ToLower(strings.TrimPrefix(t, "@")) {
	case "$proc":
		if s.process == 0 {
			return 0, fmt.Errorf("no default process is set; .process ADDRESS sets it")
		}
		return s.process, nil
	case "$thread":
		if s.thread == 0 {
			return 0, fmt.Errorf("no default thread is set; .thread ADDRESS sets it")
		}
		return s.thread, nil
	case "$free":
		if s.free == 0 {
			return 0, fmt.Errorf("$free is not set; !findfree SIZE sets it")
		}
		return s.free, nil
	}
	if v, ok, err := s.windowsTerm(t); ok {
		return v, err
	}
	return number(t)
}

// maxUnits bounds how much one command of the d family shows.
const maxUnits = 1 << 20

// span reads the arguments of a command of the d family: nothing but an address, an
// address and L with a count of units, or a first and a last address.
func (s *Session) span(args []string, unit uint64, normal uint64) (addr, count uint64, err error) {
	if len(args) == 0 {
		return 0, 0, fmt.Errorf("an address is expected")
	}
	if addr, err = s.address(args[0]); err != nil {
		return 0, 0, err
	}
	if len(args) == 1 {
		return addr, normal, nil
	}
	length, isLength := strings.CutPrefix(args[1], "L")
	if !isLength {
		length, isLength = strings.CutPrefix(args[1], "l")
	}
	rest := args[2:]
	if isLength && length == "" && len(rest) > 0 {
		length, rest = rest[0], rest[1:]
	}
	if len(rest) > 0 {
		return 0, 0, fmt.Errorf("%s is too much, expected an address and a range (L200)", escape.Text(rest[0]))
	}
	if isLength {
		if count, err = number(length); err != nil {
			return 0, 0, err
		}
	} else {
		last, err := s.address(args[1])
		if err != nil {
			return 0, 0, err
		}
		if last < addr {
			return 0, 0, fmt.Errorf("the range ends at %s, before it begins at %s", s.ptr(last), s.ptr(addr))
		}
		count = (last-addr)/unit + 1
	}
	if count == 0 || count > maxUnits {
		return 0, 0, fmt.Errorf("a range of %#x units, expected 1 to %#x", count, maxUnits)
	}
	return addr, count, nil
}
