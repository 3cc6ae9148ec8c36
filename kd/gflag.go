package kd

import (
	"context"
	"fmt"

	"github.com/seed-eedd8485/lpc/internal/escape"
	"github.com/seed-eedd8485/lpc/target"
)

var cmdGflag = Command{
	Name:  "!gflag",
	Args:  "[+Flag | -Flag]",
	Short: "Show the global flags that matter to LPC.",
	Long: `otl: a list of the objects of each type is kept; !lpc port and !lpc scan walk it. It is always on in
processes of ours. ust: calls record the Go stack of who waits; a process has it on when it was started
with LPC_STACKS=1. kd reads memory and changes nothing, so it sets and clears no flag.`,
	Needs: target.Objects,
}

func init() { cmdGflag.Run = runGflag }

// NT's numbers of the two flags.
const (
	flagOTL = 0x4000
	flagUST = 0x1000
)

// poolStacks is the bit in a pool's Flags that says that it records stacks.
const poolStacks = 1

// gflags prints the flags of a process.
func (s *Session) gflags(o *Out, p target.Process) {
	who := fmt.Sprintf("Process %d (%s)", p.ID, escape.Text(p.Image))
	r, err := s.reader.Read(p.Addr, "_LPC_POOL_HEADER")
	if err != nil {
		o.Printf("%s: not readable: %s\n", who, escape.Text(err.Error()))
		return
	}
	ust := r.U("Flags")&poolStacks != 0
	flags := flagOTL
	if ust {
		flags |= flagUST
	}
	o.Printf("%s: NtGlobalFlag contents: 0x%08x\n", who, flags)
	o.Printf("    otl - Maintain a list of objects for each type (always on)\n")
	if ust {
		o.Printf("    ust - Record the stacks of waiting calls\n")
	}
}

func runGflag(_ context.Context, s *Session, o *Out, args []string) error {
	if err := atMost(args, 1, "!gflag"); err != nil {
		return err
	}
	ours := false
	for p := range s.Target.System().Processes() {
		ours = ours || s.reader.Ours(p.Addr)
	}
	if !ours {
		return fmt.Errorf("!gflag: where NtGlobalFlag stands is not known in this target")
	}
	if len(args) == 1 {
		switch args[0] {
		case "+otl":
			o.Printf("otl is always on here: pools keep all objects by their tags\n")
			return nil
		case "-otl":
			return fmt.Errorf("!gflag: otl is always on here and cannot be cleared")
		case "+ust", "-ust":
			return fmt.Errorf("!gflag: kd changes nothing in a process; start it with LPC_STACKS=1 to record stacks")
		}
		return fmt.Errorf("!gflag: there is no flag %s here; otl and ust are shown", escape.Text(args[0]))
	}
	for p := range s.Target.System().Processes() {
		s.gflags(o, p)
	}
	return nil
}
