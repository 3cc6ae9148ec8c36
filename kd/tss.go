package kd

import (
	"context"
	"fmt"

	"github.com/seed-eedd8485/lpc/ntdump"
	"github.com/seed-eedd8485/lpc/target"
)

var cmdTss = Command{
	Name: ".tss", Args: "[Selector | Address]",
	Short: "Show a task state segment of x86 and start r and k there; nothing goes back.",
	Long: `A double fault on x86 changes to another task: what it interrupted stands in the segment that its
handler's links back to, 28 in most cases. A number up to ffff is a selector in the descriptor table of
the processor that a double fault stopped, else of the first.`,
	Needs: target.Stacks,
}

func init() {
	cmdTss.Run = func(_ context.Context, s *Session, o *Out, args []string) error {
		return s.recordCommand(o, args, ".tss [Selector | Address]", s.taskState)
	}
}

// taskState reads a task's registers: a number up to ffff names its selector.
func (s *Session) taskState(d *ntdump.Dump, addr uint64) (*ntdump.Registers, string, error) {
	from := fmt.Sprintf("task state segment at %s", s.long(addr))
	if addr <= 0xffff {
		from = fmt.Sprintf("task state segment %x", addr)
		processor := 0
		if b := d.Header().BugCheck; b.OK && b.Code&^variantM == 0x7f && b.Params[0] == 8 {
			processor, _ = d.InterruptedTask(b.Params[1])
		}
		var err error
		if addr, err = d.TaskSegment(processor, addr); err != nil {
			return nil, "", err
		}
	}
	regs, err := d.TaskStateAt(ntdump.Space{}, addr)
	return regs, from, err
}
