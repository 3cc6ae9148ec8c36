package kd

import (
	"context"
	"fmt"

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
		return s.recordCommand(o, args, ".cxr", "context record", (*ntdump.Dump).ContextAt)
	}
}

// recordCommand is .cxr or .trap.
func (s *Session) recordCommand(o *Out, args []string, name, what string, read func(*ntdump.Dump, ntdump.Space, uint64) (*ntdump.Registers, error)) error {
	if err := atMost(args, 1, name+" [Address]"); err != nil {
		return err
	}
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
	regs, err := read(d, ntdump.Space{}, addr)
	if err != nil {
		return err
	}
	s.setContext(o, d, regs, fmt.Sprintf("%s at %s", what, s.long(addr)))
	return nil
}
