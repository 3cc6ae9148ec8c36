package bench

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"
)

// grid is a table of text: the first two columns to the left, the others to
// the right.
type grid [][]string

const leftColumns = 2

// write prints the grid with two blanks between columns.
func (g grid) write(w io.Writer) error {
	var widths []int
	for _, row := range g {
		for i, cell := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	for _, row := range g {
		var b strings.Builder
		for i, cell := range row {
			pad := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
			if i > 0 {
				b.WriteString("  ")
			}
			if i < leftColumns {
				b.WriteString(cell + pad)
			} else {
				b.WriteString(pad + cell)
			}
		}
		if _, err := fmt.Fprintln(w, strings.TrimRight(b.String(), " ")); err != nil {
			return err
		}
	}
	return nil
}

// short prints a figure with about four digits.
func short(v float64) string {
	a := max(v, -v)
	switch {
	case a < 10:
		return strconv.FormatFloat(v, 'f', 3, 64)
	case a < 100:
		return strconv.FormatFloat(v, 'f', 2, 64)
	case a < 1000:
		return strconv.FormatFloat(v, 'f', 1, 64)
	}
	return whole(v)
}

// whole prints a figure without decimals, in groups of three digits.
func whole(v float64) string {
	s := strconv.FormatFloat(max(v, -v), 'f', 0, 64)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	if v < 0 && s != "0" {
		s = "-" + s
	}
	return s
}

// ratio prints v/by, "-" if there is nothing to divide by.
func ratio(v, by float64) string {
	if by <= 0 || v <= 0 {
		return "-"
	}
	v /= by
	switch {
	case v < 10:
		return strconv.FormatFloat(v, 'f', 2, 64) + "x"
	case v < 100:
		return strconv.FormatFloat(v, 'f', 1, 64) + "x"
	}
	return whole(v) + "x"
}
