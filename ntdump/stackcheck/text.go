package stackcheck

import (
	"fmt"
	"io"
	"strings"

	"github.com/seed-eedd8485/lpc/internal/escape"
)

// WriteText prints the result for people. What comes from the dump is escaped.
func (r *Result) WriteText(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "Bug check %X: %s\n", r.Code, escape.Text(r.Class))
	fmt.Fprintf(&b, "Verdict: %s (confidence %s)\n", r.Verdict, r.Confidence)
	for _, e := range r.Evidence {
		fmt.Fprintf(&b, "  %s.\n", escape.Text(e))
	}
	if r.Thread.Addr != 0 {
		fmt.Fprintf(&b, "Thread %x", r.Thread.Addr)
		if t := r.Thread; t.Err == nil || t.PID|t.TID != 0 {
			fmt.Fprintf(&b, ", Cid %x.%x", t.PID, t.TID)
		}
		b.WriteByte('\n')
	}
	if r.Base != 0 {
		fmt.Fprintf(&b, "Stack base %x, limit %x, %d bytes", r.Base, r.Limit, r.Base-r.Limit)
		if r.Thread.Stack.Large && r.Base == r.Thread.Stack.Base {
			b.WriteString(" (LargeStack)")
		}
		if r.State != "" {
			fmt.Fprintf(&b, "; used %d, %d %%", r.Used, r.Percent())
		}
		b.WriteByte('\n')
	}
	if s := r.BStore; s != nil {
		fmt.Fprintf(&b, "Backing store base %x, limit %x (%s), %d bytes", s.Base, s.Limit, escape.Text(s.From), s.Limit-s.Base)
		if s.Pointer != 0 {
			fmt.Fprintf(&b, "; pointer %x, used %d, %d %%", s.Pointer, s.Used, s.Percent())
		}
		b.WriteByte('\n')
	}
	if r.State == "" {
		_, err := io.WriteString(w, b.String())
		return err
	}
	fmt.Fprintf(&b, "Interrupted at %x, stack pointer %x, by the %s\n", r.PC, r.SP, escape.Text(r.State))
	if len(r.Walk.Frames) > 0 {
		fmt.Fprintf(&b, "%d frames by %s; ended with %s\n", len(r.Walk.Frames), r.Walk.Method, r.Walk.End)
	}
	list := func(title string, uses []Use) {
		if len(uses) == 0 {
			return
		}
		fmt.Fprintf(&b, "%s:\n", title)
		for _, u := range uses {
			fmt.Fprintf(&b, "  %8d  %s", u.Bytes, escape.Text(u.Name))
			if u.Count > 1 {
				fmt.Fprintf(&b, " (%d frames)", u.Count)
			}
			b.WriteByte('\n')
		}
	}
	list("Largest frames", r.Largest)
	if len(r.Large) > 0 {
		fmt.Fprintf(&b, "%d frames have more than %d bytes\n", len(r.Large), largeFrame)
	}
	list("By module", r.Modules)
	if c := r.Recursion; c != nil {
		fmt.Fprintf(&b, "Recursion: %d rounds, %d bytes: %s\n", c.Rounds, c.Bytes, escape.Text(strings.Join(c.Places, ", ")))
	}
	_, err := io.WriteString(w, b.String())
	return err
}
