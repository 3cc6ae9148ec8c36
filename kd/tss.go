package kd

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/seed-eedd8485/lpc/ntdump"
	"github.com/seed-eedd8485/lpc/target"
)

var cmdTss = Command{
	Name: ".tss", Args: "[Selector | Address]",
	Short: "Show a task state segment of x86 and start r and k there; nothing goes back.",
	Long: `A double fault on x86 changes to another task: what it interrupted stands in the segment that its
handler's links back to, 28 in most cases. A number up to ffff is a selector in the first processor's
descriptor table.`,
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
		var err error
		if addr, err = taskAddress(d, addr); err != nil {
			return nil, "", err
		}
	}
	regs, err := d.TaskStateAt(ntdump.Space{}, addr)
	return regs, from, err
}

// interruptedTask is the selector of the task that a double fault interrupted: its
// handler's segment links back to it (reference 5.3a); 28 where that cannot be read.
func interruptedTask(d *ntdump.Dump, handler uint64) uint64 {
	if r, err := d.TaskStateAt(ntdump.Space{}, handler); err == nil {
		if back, ok := r.Get("Backlink"); ok && back&^7 != 0 {
			return back &^ 7
		}
	}
	return 0x28
}

// taskAddress is the base of the task state segment that a selector names in the
// first processor's descriptor table (reference 5.2: KPCR.GDT, GDT entry).
func taskAddress(d *ntdump.Dump, selector uint64) (uint64, error) {
	if d.Header().Machine != ntdump.X86 {
		return 0, fmt.Errorf("%s keeps no registers in a task state segment", d.Header().Machine)
	}
	types := d.Types()
	if types == nil {
		return 0, errors.New("where the descriptor table is, is not known: there are no types for this build")
	}
	data := types.Layout("_KPCR").Field("PrcbData")
	if data == nil {
		return 0, fmt.Errorf("where the descriptor table is, is not known: _KPCR is not described in %s", types.Source())
	}
	prcb, err := d.Prcb(0)
	if err != nil {
		return 0, err
	}
	gdt, err := d.Member(prcb-uint64(data.Offset), "_KPCR", "GDT")
	if err != nil {
		return 0, err
	}
	var b [8]byte
	if _, err := d.ReadMemory(gdt+selector&^7, b[:]); err != nil {
		return 0, fmt.Errorf("reading the descriptor of selector %x: %w", selector, err)
	}
	// Types 9 and b are a 32-bit task state segment, free and busy (Intel SDM volume
	// 3, 8.2.2); bit 4 is clear in all descriptors of the system, bit 7 is Present.
	if kind := b[5] & 0x9d; kind != 0x89 {
		return 0, fmt.Errorf("selector %x is no task state segment: its descriptor's type byte is %02x, expected 89 or 8b", selector, b[5])
	}
	return uint64(binary.LittleEndian.Uint16(b[2:])) | uint64(b[4])<<16 | uint64(b[7])<<24, nil
}
