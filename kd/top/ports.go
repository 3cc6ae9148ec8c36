package top

import (
	"fmt"

	"github.com/seed-eedd8485/lpc/internal/escape"
	"github.com/seed-eedd8485/lpc/kd/picture"
)

// portList is the table of ports.
type portList struct {
	at    place
	shown []Row
}

func (v *portList) place() *place { return &v.at }

func rowKey(r *Row) string { return fmt.Sprintf("%x %d %s", r.Addr, r.Process, r.Name) }

func (v *portList) lines(s *Screen, width int) (head, body []Line) {
	v.shown = v.shown[:0]
	for i := range s.rows {
		if Match(&s.rows[i], s.filter) {
			v.shown = append(v.shown, s.rows[i])
		}
	}
	sortBy(v.shown, s.col, s.turned)
	cols, first := fit(width)
	head = []Line{{{escape.Pad(s.heads(cols, first), width, true), Reverse}}}
	for i := range v.shown {
		r := &v.shown[i]
		style := Plain
		if r.Oldest >= picture.OldAge {
			style = Warn
		}
		body = append(body, Line{{cells(r, cols, first), style}})
		if v.at.key == rowKey(r) {
			v.at.chosen = i
		}
	}
	if v.at.chosen = min(v.at.chosen, len(v.shown)-1); v.at.chosen >= 0 {
		v.at.key = rowKey(&v.shown[v.at.chosen])
	} else {
		v.at.chosen = 0
	}
	if len(body) == 0 {
		body = []Line{{{"no port" + matching(s.filter), Dim}}}
	}
	return head, body
}

func matching(filter string) string {
	if filter == "" {
		return ""
	}
	return " that matches " + escape.Text(filter)
}

func (v *portList) open(s *Screen, line int) view {
	if line >= len(v.shown) {
		return nil
	}
	return &portView{row: v.shown[line]}
}

// fit are the columns that have room, and the width of the first.
func fit(width int) (cols []int, first int) {
	first = width
	for i := range columns {
		c := &columns[i]
		if c.from > width || i > 0 && first-c.width-1 < minName {
			continue
		}
		cols = append(cols, i)
		if c.width > 0 {
			first -= c.width + 1
		}
	}
	return cols, first
}

// minName is what a port's name gets at least.
const minName = 8

// heads are the names of columns; the one that ports are ordered by bears an arrow.
func (s *Screen) heads(cols []int, first int) string {
	text := ""
	for k, i := range cols {
		c := &columns[i]
		h := c.head
		if i == s.col {
			h = "▾" + h
			if s.turned {
				h = "▴" + c.head
			}
		}
		text += cell(h, c, first, k > 0)
	}
	return text
}

func cells(r *Row, cols []int, first int) string {
	text := ""
	for k, i := range cols {
		c := &columns[i]
		text += cell(c.text(r), c, first, k > 0)
	}
	return text
}

func cell(text string, c *column, first int, gap bool) string {
	width := c.width
	if width == 0 {
		width = first
	}
	text = escape.Pad(escape.Cut(text, width), width, c.left)
	if gap {
		text = " " + text
	}
	return text
}
