package kd

import (
	"context"
	"fmt"
	"strings"

	"github.com/seed-eedd8485/lpc/ntdump"
	"github.com/seed-eedd8485/lpc/target"
)

var cmdCxr = Command{
	Name: ".cxr", Args: "[Address]",
	Short: "Show the context record at an address and start r and k there; nothing goes back.",
	Long: `Bug check 7E names one in its fourth parameter. Without an address, or with 0, r and k start again from
what the processor saved.`,
	Needs: target.Stacks,
}

func init() {
	cmdCxr.Run = func(_ context.Context, s *Session, o *Out, args []string) error {
		return s.recordCommand(o, args, ".cxr [Address]", s.recordAt("context record", (*ntdump.Dump).ContextAt))
	}
}

// A registersReader finds saved registers and says where they are from.
type registersReader func(d *ntdump.Dump, addr uint64) (regs *ntdump.Registers, from string, err error)

// registersAt reads a record of saved registers.
type registersAt func(*ntdump.Dump, ntdump.Space, uint64) (*ntdump.Registers, error)

// recordAt reads registers that lie at the address itself.
func (s *Session) recordAt(what string, read registersAt) registersReader {
	return func(d *ntdump.Dump, addr uint64) (*ntdump.Registers, string, error) {
		regs, err := read(d, ntdump.Space{}, addr)
		return regs, fmt.Sprintf("%s at %s", what, s.long(addr)), err
	}
}

// recordCommand is .cxr, .trap or .tss.
func (s *Session) recordCommand(o *Out, args []string, usage string, read registersReader) error {
	if err := atMost(args, 1, usage); err != nil {
		return err
	}
	name, _, _ := strings.Cut(usage, " ")
	d, err := s.windowsDump(name)
	if err != nil {
		return err
	}
	addr, err := s.optional(args, 0)
	if err != nil {
		return err
	}
	if addr == 0 {
		s.resetContext(o)
		return nil
	}
	regs, from, err := read(d, addr)
	if err != nil {
		return err
	}
	s.setContext(o, d, regs, addr, from)
	return nil
}
