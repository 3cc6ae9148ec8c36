package kd

import (
	"context"

	"github.com/seed-eedd8485/lpc/ntdump/stackcheck"
	"github.com/seed-eedd8485/lpc/target"
)

var cmdStackcheck = Command{
	Name:  "!stackcheck",
	Short: "Say whether a kernel stack was used up, and by whom.",
	Long: `For bug checks 7F with a double fault, 1E, 7E and 8E with an access violation, 2B, and their _M variants:
the interrupted registers are held against the bounds of the thread's stack, and the frames are added
up. The verdict comes with its evidence and how much it rests on. The saved stack pointer of a thread
that was running is stale and never evidence. Of Itanium the stack and the backing store are held
against their bounds, and nothing is unwound.`,
	Needs: target.Threads | target.Stacks,
}

func init() { cmdStackcheck.Run = runStackcheck }

func runStackcheck(_ context.Context, s *Session, o *Out, args []string) error {
	if err := atMost(args, 0, "!stackcheck"); err != nil {
		return err
	}
	d, err := s.windowsDump("!stackcheck")
	if err != nil {
		return err
	}
	r, err := stackcheck.Check(d)
	if err != nil {
		return err
	}
	if o.err == nil {
		o.err = r.WriteText(o.w)
	}
	return nil
}
