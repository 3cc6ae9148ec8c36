package top

import (
	"fmt"
	"strings"

	"github.com/seed-eedd8485/lpc/internal/escape"
)

// A Style is how a text stands out.
type Style uint8

// The styles.
const (
	Plain Style = iota
	Bold
	Dim
	Reverse // heads, and what is chosen
	Warn    // older than it should be
	Alarm   // a deadlock
)

// A Span is text of one style. It is escaped already.
type Span struct {
	Text  string
	Style Style
}

// A Line is one of a terminal's; a frame is Lines.
type Line []Span

// String is the line's text.
func (l Line) String() string {
	var b strings.Builder
	for _, s := range l {
		b.WriteString(s.Text)
	}
	return b.String()
}

// clip cuts a line to so many cells.
func (l Line) clip(width int) Line {
	for i := range l {
		w := escape.Width(l[i].Text)
		if w > width {
			l = append(Line{}, l[:i+1]...)
			l[i].Text = escape.Head(l[i].Text, width)
			return l
		}
		width -= w
	}
	return l
}

// wrap cuts a text at blanks into lines of a style that are no wider; those that follow
// the first stand four cells further in.
func wrap(s string, width int, style Style) (lines []Line) {
	inner := s[:len(s)-len(strings.TrimLeft(s, " "))]
	for escape.Width(s) > width {
		first := escape.Head(s, width)
		at := strings.LastIndexByte(first, ' ')
		if at <= len(inner)+4 {
			at = len(first) // one long word
		}
		if at == 0 {
			break // not even a letter has room
		}
		lines = append(lines, Line{{s[:at], style}})
		s = strings.TrimLeft(s[at:], " ")
		if in := inner + "    "; len(in) < width/2 {
			s = in + s
		}
	}
	return append(lines, Line{{s, style}})
}

// A Painter makes a terminal's bytes of frames (ECMA-48): of lines that changed alone.
type Painter struct {
	Plain bool // no colours
	last  []string
}

// Again forgets what stands on the terminal: all is painted next.
func (p *Painter) Again() { p.last = nil }

// Paint is what turns the last frame into this one.
func (p *Painter) Paint(frame []Line) string {
	var b strings.Builder
	if p.last == nil {
		b.WriteString("\x1b[0m\x1b[H\x1b[2J")
	}
	now := make([]string, len(frame))
	for i, l := range frame {
		now[i] = p.line(l)
		if i >= len(p.last) || p.last[i] != now[i] {
			// Erased first: behind the last cell of a line the cursor still stands on it.
			fmt.Fprintf(&b, "\x1b[%d;1H\x1b[2K%s", i+1, now[i])
		}
	}
	if len(p.last) > len(frame) {
		fmt.Fprintf(&b, "\x1b[%d;1H\x1b[J", len(frame)+1)
	}
	p.last = now
	return b.String()
}

func (p *Painter) line(l Line) string {
	var b strings.Builder
	for _, s := range l {
		on := p.on(s.Style)
		b.WriteString(on + s.Text)
		if on != "" {
			b.WriteString("\x1b[0m")
		}
	}
	return b.String()
}

func (p *Painter) on(s Style) string {
	switch {
	case s == Reverse:
		return "\x1b[7m"
	case s == Bold || p.Plain && s >= Warn:
		return "\x1b[1m"
	case s == Dim && !p.Plain:
		return "\x1b[2m"
	case s == Warn:
		return "\x1b[33m"
	case s == Alarm:
		return "\x1b[1;31m"
	}
	return ""
}
