package kd

import (
	"fmt"
	"io"
)

// Out is where a command prints. The first failed write sticks.
type Out struct {
	w   io.Writer
	err error
}

// Printf prints. Strings from the target go through escape.Text first.
func (o *Out) Printf(format string, args ...any) {
	if o.err == nil {
		_, o.err = fmt.Fprintf(o.w, format, args...)
	}
}

// Lines prints lines behind a prefix.
func (o *Out) Lines(prefix string, lines []string) {
	for _, l := range lines {
		o.Printf("%s%s\n", prefix, l)
	}
}

// ptr is an address in the target's width.
func (s *Session) ptr(addr uint64) string {
	if s.Target.PointerSize() == 4 {
		return fmt.Sprintf("%08x", uint32(addr))
	}
	return fmt.Sprintf("%016x", addr)
}

// long is an address as stacks show it: 64 bits with a backtick in the middle.
func (s *Session) long(addr uint64) string {
	if s.Target.PointerSize() == 4 {
		return fmt.Sprintf("%08x", uint32(addr))
	}
	return fmt.Sprintf("%08x`%08x", addr>>32, uint32(addr))
}

// cid is a process and thread id as WinDbg writes them; on Linux, where everything
// else writes them in decimal, that stands beside it.
func (s *Session) cid(record, process, thread uint64) string {
	t := fmt.Sprintf("%04x.%04x", process, thread)
	if s.reader.Ours(record) {
		t += fmt.Sprintf(" (%d.%d)", process, thread)
	}
	return t
}

// pid is a process id in the same way.
func (s *Session) pid(record, process uint64) string {
	t := fmt.Sprintf("%04x", process)
	if s.reader.Ours(record) {
		t += fmt.Sprintf(" (%d)", process)
	}
	return t
}
