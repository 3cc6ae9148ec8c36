package kd

import (
	"fmt"
	"time"

	"github.com/seed-eedd8485/lpc/internal/escape"
	"github.com/seed-eedd8485/lpc/kd/records"
	"github.com/seed-eedd8485/lpc/ntdump"
)

// windowsStack prints the stack of a thread of a Windows dump.
func (s *Session) windowsStack(o *Out, d *ntdump.Dump, addr uint64, indent string) {
	c, err := threadContext(d, addr)
	var cs callStack
	im := s.threadImages(d, addr)
	if err == nil {
		cs, err = s.walk(d, im, c, normalFrames)
	}
	if err != nil {
		o.Printf("%sNo stack: %s\n", indent, escape.Text(err.Error()))
		return
	}
	s.printStack(o, im, cs, stackStyle{args: true, traps: true}, indent)
}

// unlistedThread prints the thread at an address that no list holds: it has ended, or
// the lists are not described for the build. false: no thread can stand there.
func (s *Session) unlistedThread(w *records.World, o *Out, addr, flags uint64) bool {
	nt := s.windows()
	if nt == nil {
		return false
	}
	th := nt.Dump().Thread(addr)
	if !th.Stack.OK || th.Process == 0 {
		return false
	}
	t := w.ThreadAt(addr, th.Process)
	if t.Err != nil {
		return false
	}
	o.Printf("No list of threads holds this one\n")
	s.threadText(w, o, t, flags&2 != 0, "")
	if flags&4 != 0 {
		s.threadStack(w, o, t, "")
	}
	return true
}

// windowsTicks prints how long ago a tick count was, in the dump's own clock.
func (s *Session) windowsTicks(o *Out, start uint64) {
	nt := s.windows()
	if nt == nil {
		return
	}
	now, each, ok := nt.Ticks()
	if age := uint32(now) - uint32(start); ok && int32(age) >= 0 { // counts are kept in 32 bits, and wrap
		span := time.Duration(age) * each
		o.Printf("       Ticks: %d (%s)", age, days(span.Truncate(time.Millisecond)))
	}
}

// tick is how long a clock interrupt of a Windows dump is.
func (s *Session) tick() (time.Duration, bool) {
	nt := s.windows()
	if nt == nil {
		return 0, false
	}
	_, each, ok := nt.Ticks()
	return each, ok
}

// clockText is a span as hh:mm:ss.mmm, with days in front where there are any.
func clockText(d time.Duration) string {
	ms := d.Milliseconds()
	text := fmt.Sprintf("%02d:%02d:%02d.%03d", ms/3600000%24, ms/60000%60, ms/1000%60, ms%1000)
	if n := ms / 86400000; n > 0 {
		text = fmt.Sprintf("%d Days %s", n, text)
	}
	return text
}
