package kd

import (
	"context"
	"fmt"

	"github.com/seed-eedd8485/lpc/internal/escape"
	"github.com/seed-eedd8485/lpc/ntdump"
	"github.com/seed-eedd8485/lpc/target"
)

var cmdPte = Command{
	Name: "!pte", Args: "Address [Process]",
	Short: "Show how an address of a Windows dump is translated: each table entry, and the page.",
	Long: `Process is an address or an id; without it, kernel addresses are the same in all, and user addresses are
those of the default process. The letters are those of WinDbg: copy on write, global, large, dirty,
accessed, not cached, write through, user or kernel, writable or read only, executable, valid.`,
	Needs: target.PageTables,
}

func init() { cmdPte.Run = runPte }

func runPte(_ context.Context, s *Session, o *Out, args []string) error {
	if err := atMost(args, 2, "!pte Address [Process]"); err != nil {
		return err
	}
	d, err := s.windowsDump("!pte")
	if err != nil {
		return err
	}
	if len(args) == 0 {
		return fmt.Errorf("!pte needs an address")
	}
	va, err := s.address(args[0])
	if err != nil {
		return err
	}
	var space ntdump.Space
	if len(args) == 2 || s.process != 0 {
		p, err := s.processArg(args, 1)
		if err != nil {
			return err
		}
		if space.DTB, err = d.Member(p.Addr, "_EPROCESS", "Pcb.DirectoryTableBase[0]"); err != nil {
			return err
		}
	}
	t, err := d.Translate(space, va)
	if err != nil {
		return err
	}
	o.Printf("VA %s\n", s.long(va))
	for _, step := range t.Steps() {
		where := "physical"
		if step.Level == "Proto" {
			where = "virtual"
		}
		o.Printf("%-5s at %s %s contains %s  %s\n", step.Level, where, s.long(step.Addr), s.entryText(step.Value), entryFlags(step))
	}
	if t.Absent != nil {
		o.Printf("The page is not there: %s\n", t.Absent.Reason)
		return nil
	}
	how := ""
	if t.Transition {
		how = ", in transition: in memory, and in no working set"
	}
	if t.Proto {
		how += ", by a prototype entry"
	}
	o.Printf("Physical address %s, page of %d KB%s\n", s.wide(t.Physical), t.PageSize>>10, how)
	var b [1]byte
	if _, err := d.ReadPhysical(t.Physical, b[:]); err != nil {
		o.Printf("The dump does not hold it: %s\n", escape.Text(err.Error()))
	}
	return nil
}

// wide is a physical address, which has more than 32 bits on 32-bit machines too.
func (s *Session) wide(pa uint64) string {
	if pa>>32 == 0 && s.Target.PointerSize() == 4 {
		return fmt.Sprintf("%08x", pa)
	}
	return fmt.Sprintf("%08x`%08x", pa>>32, uint32(pa))
}

// entryText is an entry in the width that its value needs: 32 bits without PAE.
func (s *Session) entryText(v uint64) string {
	if v>>32 == 0 && s.Target.PointerSize() == 4 {
		return fmt.Sprintf("%08X", v)
	}
	return fmt.Sprintf("%016X", v)
}

// entryFlags is what an entry says, in WinDbg's letters (Intel SDM volume 3, 4.3 to
// 4.5; bit 9 is copy on write in Windows' use of it).
func entryFlags(step ntdump.Step) string {
	v := step.Value
	if step.State != ntdump.Valid {
		if step.State == ntdump.InTransition {
			return fmt.Sprintf("not valid: transition, pfn %x", v>>12&(1<<40-1))
		}
		if step.State == ntdump.Empty {
			return "not valid"
		}
		return "not valid: " + step.State.String()
	}
	flags := []byte("-----------")
	set := func(i int, bit uint, yes, no byte) {
		flags[i] = no
		if v>>bit&1 == 1 {
			flags[i] = yes
		}
	}
	set(0, 9, 'C', '-')
	set(1, 8, 'G', '-')
	if step.Level != "PTE" && step.Level != "Proto" {
		set(2, 7, 'L', '-')
	}
	set(3, 6, 'D', '-')
	set(4, 5, 'A', '-')
	set(5, 4, 'N', '-')
	set(6, 3, 'T', '-')
	set(7, 2, 'U', 'K')
	set(8, 1, 'W', 'R')
	set(9, 63, '-', 'E') // no execute
	flags[10] = 'V'
	return fmt.Sprintf("pfn %x  %s", v&(1<<52-1)>>12, flags)
}
