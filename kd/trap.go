package kd

import (
	"context"

	"github.com/seed-eedd8485/lpc/ntdump"
	"github.com/seed-eedd8485/lpc/target"
)

var cmdTrap = Command{
	Name: ".trap", Args: "[Address]",
	Short: "Show the trap frame at an address and start r and k there; nothing goes back.",
	Long: `Bug check 8E names one in its third parameter, 2B in its first; kv shows those on a stack. Registers that
a trap frame does not hold are question marks.`,
	Needs: target.Stacks,
}

func init() {
	cmdTrap.Run = func(_ context.Context, s *Session, o *Out, args []string) error {
		return s.recordCommand(o, args, ".trap [Address]", s.recordAt("trap frame", (*ntdump.Dump).TrapFrameAt))
	}
}
