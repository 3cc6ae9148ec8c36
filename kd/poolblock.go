package kd

import (
	"fmt"

	"github.com/seed-eedd8485/lpc/internal/escape"
	"github.com/seed-eedd8485/lpc/kd/records"
	"github.com/seed-eedd8485/lpc/target"
)

// poolBlock prints a block's line, with marks in front of its address and of its tag.
func (s *Session) poolBlock(o *Out, w *records.World, b target.Block, mark, tagMark string) {
	state, more := "(Allocated)", ""
	if !b.Allocated {
		state = "(Free)     "
	}
	if b.Protected {
		more = " (Protected)"
	}
	o.Printf("%s%s size: %4x previous size: %4x  %s %s%s%s%s\n", mark, s.ptr(b.Addr), b.Size, b.Previous, state, tagMark, escape.Text(tagText(b.Tag)), more, s.blockOwner(w, b))
}

// blockOwner says behind its line whose a block of ours is.
func (s *Session) blockOwner(w *records.World, b target.Block) string {
	if b.Quota && b.Owner != 0 {
		return " Process: " + s.ptr(b.Owner)
	}
	if !s.reader.Ours(b.Process) {
		return ""
	}
	p := w.Process(b.Process)
	if p == nil {
		return ""
	}
	text := fmt.Sprintf("  Process: %s", s.pid(b.Process, uint64(p.ID)))
	if where := sectionCaller(w, b); where != "" {
		text += "  " + where
	}
	return text
}

// sectionCaller is where the section memory that b is was allocated, "" where that is
// not recorded.
func sectionCaller(w *records.World, b target.Block) string {
	if !b.Big || !b.Allocated {
		return ""
	}
	r, err := w.Read(b.Addr, "_LPC_SECTION")
	if err != nil {
		return ""
	}
	frames := w.StackAt(r.U("Stack"))
	if len(frames) == 0 {
		return ""
	}
	return escape.Text(frames[0].Short())
}
