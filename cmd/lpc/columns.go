package main

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"
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
	width := make([]int, len(c.rows[0]))
	for i := range width {
		for _, r := range c.rows {
			if i < len(r) {
				width[i] = max(width[i], utf8.RuneCountInString(r[i]))
			}
		}
		if c.number(i) {
			width[i] = -width[i]
		}
	}
	for _, r := range c.rows {
		for i, cell := range r {
			if i > 0 {
				b.WriteString("  ")
			}
			if i < len(width) {
				fmt.Fprintf(b, "%*s", -width[i], cell) // a negative width is on the left (fmt)
			}
		}
		b.WriteByte('\n')
	}
}
