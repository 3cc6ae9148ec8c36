package kd

import (
	"context"
	"errors"
	"fmt"

	"github.com/seed-eedd8485/lpc/bootsec/x86dec"
	"github.com/seed-eedd8485/lpc/internal/escape"
)

var cmdUr = Command{
	Name: "ur", Args: "[Address [Range]]",
	Short: "Disassemble 16-bit code, as real mode runs it.",
	Long: `Address is linear, or seg:off: then addresses and targets are offsets in that segment, which wrap at
64 KB. Without it, ur goes on behind what was shown last. Range is L and a count of instructions, or the
last address; 8 instructions unless told. A byte that begins no instruction is shown as ???. Memory that
is absent ends the listing.

Boot code runs at 0:7c00: laid there with .readmem, its targets are right. !mbr follows the flow of
control and tells code from data, which ur does not.`,
}

func init() { cmdUr.Run = runUr }

func runUr(ctx context.Context, s *Session, o *Out, args []string) error {
	c, err := s.codeArgs(args)
	if err != nil {
		return fmt.Errorf("ur: %w", err)
	}
	at := c.from
	for i := uint64(0); c.shows(i, at.linear); i++ {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		name, limit := s.long(at.linear), maxInstruction
		if at.isReal {
			name, limit = at.real.String(), 0x10000-int(at.real.off)
		}
		code, why := s.codeBytes(at.linear, limit)
		if len(code) == 0 {
			return s.noCode("ur", i, name, why)
		}
		text, n, err := decode16(at, code, s.long)
		if err != nil {
			return s.noCode("ur", i, name, why) // the instruction goes on where nothing is
		}
		o.codeLine(name, code[:n], text)
		at = at.next(n)
		s.codeAt = at
		if at.isReal && at.real.off == 0 || at.linear == 0 {
			break // the end of the segment
		}
	}
	return nil
}

// noCode is the error for an instruction that is not there, whole.
func (s *Session) noCode(command string, shown uint64, name string, why error) error {
	behind := ""
	if shown > 0 {
		behind = fmt.Sprintf(" behind %d instructions", shown)
	}
	if why == nil {
		why = errors.New("the segment ends within the instruction")
	}
	return fmt.Errorf("%s: the listing ends at %s%s: %s", command, name, behind, escape.Text(why.Error()))
}

// next is n bytes on.
func (c codeAt) next(n int) codeAt {
	c.linear += uint64(n)
	if c.isReal {
		c.real.off += uint16(n)
		c.linear = c.real.linear()
	}
	return c
}

// decode16 is the instruction at the start of code and its length: ??? and 1 for
// bytes that are none. The error says that it goes on behind code.
func decode16(at codeAt, code []byte, address func(uint64) string) (text string, n int, err error) {
	addr := uint32(at.real.off)
	if !at.isReal {
		addr = uint32(at.linear)
	}
	in, err := x86dec.Decode16(code, addr)
	if err != nil {
		var e *x86dec.Error
		if errors.As(err, &e) && !e.Short {
			err = nil
		}
		return "???", 1, err
	}
	if rel, ok := in.Displacement(); ok && !at.isReal {
		return in.WithTarget(address(at.linear + uint64(in.Len()) + uint64(rel))), in.Len(), nil
	}
	return in.String(), in.Len(), nil
}
