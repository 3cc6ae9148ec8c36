package kd

import (
	"context"
	"fmt"
	"strings"

	"github.com/seed-eedd8485/lpc/internal/escape"
	"github.com/seed-eedd8485/lpc/kd/records"
	"github.com/seed-eedd8485/lpc/ntdump"
	"github.com/seed-eedd8485/lpc/target"
)

var cmdStacks = Command{
	Name: "!stacks", Args: "[0|1|2] [Filter]",
	Short: "Show where each thread of a Windows dump is.",
	Long: `One row a thread: its ids, its address, its state, and the first place on its stack. 1 shows threads too
whose stack is not in memory, 2 all frames. Filter is a text: only threads that have it in a place on
their stack are shown. Each place names the method that found it, as k does.`,
	Needs: target.Threads | target.Stacks,
}

func init() { cmdStacks.Run = runStacks }

func runStacks(ctx context.Context, s *Session, o *Out, args []string) error {
	if err := atMost(args, 2, "!stacks [0|1|2] [Filter]"); err != nil {
		return err
	}
	detail, filter := uint64(0), ""
	if len(args) > 0 {
		var err error
		if detail, err = number(args[0]); err != nil || detail > 2 {
			if len(args) == 2 {
				return fmt.Errorf("!stacks: %s is no level of detail, expected 0, 1 or 2", escape.Text(args[0]))
			}
			detail, filter = 0, args[0]
		}
	}
	if len(args) == 2 {
		filter = args[1]
	}
	d, err := s.windowsDump("!stacks")
	if err != nil {
		return err
	}
	w, err := s.look(ctx, records.Threads)
	if err != nil {
		return err
	}
	o.Printf("Proc.Thread  %-*s  ThreadState  Blocker\n", len(s.ptr(0)), ".Thread")
	for _, p := range w.Processes {
		if p.Addr == 0 {
			continue
		}
		o.Printf("%*s[%s %s]\n", 26, "", s.ptr(p.Addr), escape.Text(p.Image))
		for _, t := range w.Threads {
			if t.ProcessAddr != p.Addr {
				continue
			}
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			s.stacksRow(w, o, d, s.imagesOf(d, p.Addr), t, detail, filter)
		}
	}
	s.trouble(o, w)
	return nil
}

// stacksRow prints one thread of !stacks.
func (s *Session) stacksRow(w *records.World, o *Out, d *ntdump.Dump, im *images, t *records.Thread, detail uint64, filter string) {
	state, cid := "unknown", "   -.-     "
	if r, err := w.Read(t.Addr, "_ETHREAD"); err == nil {
		if _, ok := r.Get("Cid.UniqueThread"); ok {
			cid = fmt.Sprintf("%4x.%06x", t.Cid.UniqueProcess, t.Cid.UniqueThread)
		}
		if st, ok := r.Get("Tcb.State"); ok {
			state = name(threadStates[:], st)
		}
	}
	row := fmt.Sprintf("%s  %s  %-11s", cid, s.ptr(t.Addr), state)
	limit := normalFrames
	if detail == 2 {
		limit = maxFrames
	}
	c, err := threadContext(d, t.Addr)
	var cs callStack
	if err == nil {
		cs, err = s.walk(d, im, c, limit)
	}
	var places []string
	for _, f := range cs.Frames {
		if f.PC != 0 {
			places = append(places, fmt.Sprintf("%s [%s]", im.place(f.PC), f.Method))
		}
	}
	if filter != "" && !strings.Contains(strings.ToLower(strings.Join(places, "\n")), strings.ToLower(filter)) {
		return
	}
	switch {
	case err != nil && detail > 0:
		o.Printf("%s  Stack not readable: %s\n", row, escape.Text(err.Error()))
	case err != nil:
	case len(places) == 0:
		o.Printf("%s  no place in a module\n", row)
	default:
		if detail < 2 {
			places = places[:1]
		}
		for i, p := range places {
			if i > 0 {
				row = strings.Repeat(" ", len(row))
			}
			o.Printf("%s  %s\n", row, p)
		}
	}
}
