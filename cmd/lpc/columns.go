package main

import (
	"bytes"
	"strings"

	"github.com/seed-eedd8485/lpc/internal/escape"
)

// columns is a table: columns of numbers are aligned on the right, all others on the
// left. The first row is the head.
type columns struct{ rows [][]string }

func (c *columns) row(cells ...string) { c.rows = append(c.rows, cells) }

// number tells whether a column holds numbers, and blanks, alone.
func (c *columns) number(i int) bool {
	some := false
	for _, r := range c.rows[1:] {
		if i >= len(r) || r[i] == "" {
			continue
		}
		if strings.Trim(r[i], "+-0123456789") != "" {
			return false
		}
		some = true
	}
	return some
}

func (c *columns) print(b *bytes.Buffer) {
	if len(c.rows) == 0 {
		return
	}
	width, left := make([]int, len(c.rows[0])), make([]bool, len(c.rows[0]))
	for i := range width {
		for _, r := range c.rows {
			if i < len(r) {
				width[i] = max(width[i], escape.Width(r[i]))
			}
		}
		left[i] = !c.number(i)
	}
	for _, r := range c.rows {
		for i, cell := range r {
			if i > 0 {
				b.WriteString("  ")
			}
			if i < len(width) {
				b.WriteString(escape.Pad(cell, width[i], left[i]))
			}
		}
		b.WriteByte('\n')
	}
}
