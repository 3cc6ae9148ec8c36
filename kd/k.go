package kd

import (
	"context"
	"fmt"
	"strings"

	"github.com/seed-eedd8485/lpc/internal/escape"
	"github.com/seed-eedd8485/lpc/ntdump"
	"github.com/seed-eedd8485/lpc/target"
)

// The k family: call stacks.
var (
	cmdK  = stackCommand("k", "Show the call stack.", stackStyle{}, "")
	cmdKb = stackCommand("kb", "Show the call stack with the words that may be arguments.", stackStyle{args: true}, "")
	cmdKv = stackCommand("kv", "Show the call stack with the words that may be arguments and the trap frames.", stackStyle{args: true, traps: true}, "")
	cmdKf = stackCommand("kf", "Show the call stack with the bytes that each frame takes.", stackStyle{memory: true},
		"\nThe first column is the distance to the frame above it: large ones use up a stack.")
	cmdKn = stackCommand("kn", "Show the call stack with a number in front of each frame.", stackStyle{number: true}, "")
)

const stackHelp = `The walk starts from the registers in use (r). n numbers the frames, f shows their sizes; Count is 14
(20 decimal) unless told. = gives frame pointer, stack pointer and instruction pointer to start from.
x86 is walked by frame pointers and by the functions' debug information where there is some, x64 by the
unwind data of images in memory, ARM64 by frame records; Itanium is not walked (!stackcheck).

Each frame names the method that found it. A frame found by a scan is a word of the stack behind a
call instruction, and may be left over from an earlier call; where the code is not in the dump the
call could not be checked. The letters may be joined: kvn, kbf. Without symbols a place is module+offset. The words behind a return
address are arguments on x86; on x64 only where the function has stored its registers there.`

// normalFrames is how many frames k shows unless told.
const normalFrames = 0x14

func stackCommand(name, short string, st stackStyle, more string) Command {
	return Command{
		Name: name, Args: "[n][f] [Count] | = Base Stack Instruction [Count]", Short: short, Long: stackHelp + more, Needs: target.Stacks, JSON: jsonStack,
		Run: func(_ context.Context, s *Session, o *Out, args []string) error {
			d, err := s.windowsDump(name)
			if err != nil {
				return err
			}
			c, st, count, err := s.stackArgs(d, args, st)
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			im := s.threadImages(d, c.thread)
			cs, err := s.walk(d, im, c, count)
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			o.Printf("Call stack from the registers of %s\n", escape.Text(c.from))
			s.printStack(o, im, cs, st, "")
			return nil
		},
	}
}

// joinedStackCommand is a command of the family whose options were typed as one word:
// kvn, kbf, knf.
func joinedStackCommand(word string) (*Command, bool) {
	letters, ok := strings.CutPrefix(strings.ToLower(word), "k")
	if !ok || len(letters) < 2 || strings.Trim(letters, "bvnf") != "" {
		return nil, false
	}
	has := func(set string) bool { return strings.ContainsAny(letters, set) }
	c := stackCommand("k"+letters, cmdK.Short, stackStyle{number: has("n"), memory: has("f"), args: has("bv"), traps: has("v")}, "")
	return &c, true
}

// stackArgs reads the arguments of the k family.
func (s *Session) stackArgs(d *ntdump.Dump, args []string, st stackStyle) (c machineContext, _ stackStyle, count int, err error) {
	for len(args) > 0 && strings.Trim(args[0], "nfNF") == "" {
		st.number = st.number || strings.ContainsAny(args[0], "nN")
		st.memory = st.memory || strings.ContainsAny(args[0], "fF")
		args = args[1:]
	}
	if len(args) > 0 && strings.HasPrefix(args[0], "=") {
		if args[0] = args[0][1:]; args[0] == "" {
			args = args[1:]
		}
		if len(args) < 3 {
			return c, st, 0, fmt.Errorf("= is followed by %d addresses, expected three: frame pointer, stack pointer, instruction pointer", len(args))
		}
		var v [3]uint64
		for i := range v {
			if v[i], err = s.address(args[i]); err != nil {
				return c, st, 0, err
			}
		}
		args = args[3:]
		c = startContext(d, v[0], v[1], v[2])
		c.thread = s.threadOf(d, v[1])
	} else if c, err = s.registersInUse(d); err != nil {
		return c, st, 0, err
	}
	count = normalFrames
	if len(args) > 0 {
		n, err := number(args[0])
		if err != nil {
			return c, st, 0, err
		}
		if n == 0 || n > maxFrames {
			return c, st, 0, fmt.Errorf("%#x frames, expected 1 to %#x", n, maxFrames)
		}
		count, args = int(n), args[1:]
	}
	return c, st, count, atMost(args, 0, "k [n][f] [Count]")
}

// startContext is registers that were typed.
func startContext(d *ntdump.Dump, fp, sp, pc uint64) machineContext {
	names, bits := [3]string{"rbp", "rsp", "rip"}, 64
	if d.Header().Machine == ntdump.X86 {
		names, bits = [3]string{"ebp", "esp", "eip"}, 32
	}
	r := &ntdump.Registers{Machine: d.Header().Machine, From: "what was typed"}
	for i, v := range [3]uint64{fp, sp, pc} {
		r.Values = append(r.Values, ntdump.Register{Name: names[i], Value: v, Bits: bits})
	}
	return machineContext{regs: r, from: "what was typed"}
}
