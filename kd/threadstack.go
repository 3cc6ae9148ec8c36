package kd

import (
	"strings"

	"github.com/seed-eedd8485/lpc/internal/escape"
	"github.com/seed-eedd8485/lpc/kd/records"
	"github.com/seed-eedd8485/lpc/target"
)

// threadStack prints a thread's stack. Of our processes the call that a thread waits
// in is recorded, with its first arguments, and below it the Go functions that led to
// it where the process records stacks (+ust).
func (s *Session) threadStack(w *records.World, o *Out, t *records.Thread, indent string) {
	if nt := s.windows(); nt != nil {
		s.windowsStack(o, nt.Dump(), t.Addr, indent)
		return
	}
	call, args := s.waitsIn(w, t)
	if call == "" {
		if why := s.Target.Lacks(target.Stacks); why != "" && indent == "" {
			o.Printf("No stack: %s\n", escape.Text(why))
		}
		return
	}
	none := strings.Repeat(" ", len(s.long(0))-1) + "-"
	width := 4*len(none) + 3
	o.Printf("%s%-*s %-*s : %-*s : Call Site\n", indent, len(none), "Child-SP", len(none), "RetAddr", width, "Args to Child")
	var words []string
	for _, a := range args {
		words = append(words, s.long(a))
	}
	o.Printf("%s%s %s : %s : lpc!%s\n", indent, none, none, strings.Join(words, " "), escape.Text(call))
	for _, f := range w.Stack(t) {
		o.Printf("%s%s %s : %-*s : %s [%s @ %d]\n", indent, none, none, width, none, escape.Text(f.Function), escape.Text(f.File), f.Line)
	}
}

// waitsIn is the call that a thread of ours waits in.
func (s *Session) waitsIn(w *records.World, t *records.Thread) (call string, args [4]uint64) {
	switch {
	case t.Waits():
		return t.Call, t.Args
	case t.Reason == records.WrLpcReceive && t.ServerPort != 0:
		if r, err := w.Read(t.ServerPort, "_LPCP_PORT_OBJECT"); err == nil {
			args[0] = r.U("Handle")
			return "Serve", args
		}
	}
	return "", args
}
