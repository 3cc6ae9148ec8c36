package kd

import (
	"context"
	"fmt"
	"strings"
	"unicode/utf16"

	"github.com/seed-eedd8485/lpc/internal/escape"
)

// da and du show memory as text, dds as pointers of 4 bytes.
var (
	cmdDa  = textCommand("da", "characters of a byte", 1)
	cmdDu  = textCommand("du", "UTF-16 characters", 2)
	cmdDds = Command{
		Name: "dds", Args: "Address [Range]",
		Short: "Show memory as doublewords, one a line, with the place that each is an address of.",
		Long:  dumpHelp,
	}
)

func init() {
	cmdDds.Run = func(ctx context.Context, s *Session, o *Out, args []string) error {
		addr, n, err := s.span(args, 4, 16)
		if err != nil {
			return fmt.Errorf("dds: %w", err)
		}
		return s.pointers(ctx, o, addr, n, 4)
	}
}

// maxText bounds the characters that da and du show when no range is given.
const maxText = 0x200

// textRow is how many characters stand in a row.
const textRow = 32

func textCommand(name, what string, unit int) Command {
	return Command{
		Name: name, Args: "Address [Range]", Short: "Show memory as text of " + what + ".",
		Long: "The text ends at its zero, or with the range. What is no printable character is escaped.",
		Run: func(ctx context.Context, s *Session, o *Out, args []string) error {
			addr, n, err := s.span(args, uint64(unit), maxText)
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			return s.text(ctx, o, name, addr, n, unit)
		},
	}
}

// text prints rows of characters up to a zero, n of them at most.
func (s *Session) text(ctx context.Context, o *Out, command string, addr, n uint64, unit int) error {
	for at := uint64(0); at < n; at += textRow {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		b := make([]byte, min(textRow, n-at)*uint64(unit))
		got, err := s.readMemory(addr+at*uint64(unit), b)
		got -= got % unit
		row, end := characters(b[:got], unit)
		if row != "" || end {
			o.Printf("%s  \"%s\"\n", s.long(addr+at*uint64(unit)), strings.ReplaceAll(escape.Text(row), `"`, `\"`))
		}
		if end {
			return nil
		}
		if got < len(b) {
			return fmt.Errorf("%s: the text goes on where nothing is: %w", command, absence(addr+at*uint64(unit)+uint64(got), err))
		}
	}
	return nil
}

// characters are those up to a zero; end tells that one was there.
func characters(b []byte, unit int) (text string, end bool) {
	if unit == 1 {
		text, _, end = strings.Cut(string(b), "\x00")
		return text, end
	}
	var units []uint16
	for ; len(b) >= 2; b = b[2:] {
		u := uint16(b[0]) | uint16(b[1])<<8
		if u == 0 {
			return string(utf16.Decode(units)), true
		}
		units = append(units, u)
	}
	return string(utf16.Decode(units)), false
}
