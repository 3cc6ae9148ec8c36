package escape

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Width is how many cells of a terminal, or of a font with one width, a text takes that
// Text has made safe: marks that combine take none, East Asian wide letters two.
func Width(s string) (n int) {
	for _, r := range s {
		n += cells(r)
	}
	return n
}

func cells(r rune) int {
	switch {
	case r < 0x300:
		return 1
	case unicode.In(r, unicode.Mn, unicode.Me):
		return 0
	case unicode.Is(wide, r):
		return 2
	}
	return 1
}

// wide are the blocks whose letters are Wide or Fullwidth in East_Asian_Width (Unicode
// Standard Annex 11); what is unassigned in them counts as the rest does.
var wide = &unicode.RangeTable{
	R16: []unicode.Range16{
		{Lo: 0x1100, Hi: 0x115f, Stride: 1}, {Lo: 0x2e80, Hi: 0x303e, Stride: 1}, {Lo: 0x3041, Hi: 0xa4cf, Stride: 1},
		{Lo: 0xa960, Hi: 0xa97f, Stride: 1}, {Lo: 0xac00, Hi: 0xd7a3, Stride: 1}, {Lo: 0xf900, Hi: 0xfaff, Stride: 1},
		{Lo: 0xfe30, Hi: 0xfe6f, Stride: 1}, {Lo: 0xff01, Hi: 0xff60, Stride: 1}, {Lo: 0xffe0, Hi: 0xffe6, Stride: 1},
	},
	R32: []unicode.Range32{
		{Lo: 0x1f300, Hi: 0x1f64f, Stride: 1}, {Lo: 0x1f680, Hi: 0x1f6ff, Stride: 1}, {Lo: 0x1f900, Hi: 0x1f9ff, Stride: 1},
		{Lo: 0x20000, Hi: 0x3fffd, Stride: 1},
	},
}

// Head is the first letters of a text that fit in so many cells.
func Head(s string, most int) string {
	for i, r := range s {
		if most -= cells(r); most < 0 {
			return s[:i]
		}
	}
	return s
}

// Pad brings a text to a width, if it has less: with blanks behind it, or for numbers in
// front of it.
func Pad(s string, width int, left bool) string {
	blanks := strings.Repeat(" ", max(width-Width(s), 0))
	if left {
		return s + blanks
	}
	return blanks + s
}

// Cut shortens a text to that many cells. An ellipsis takes the place of what is left
// out, behind the first two thirds: names differ at their ends.
func Cut(s string, most int) string {
	if Width(s) <= most {
		return s
	}
	if most <= 1 {
		return "…"[:max(0, min(most, 1))*len("…")]
	}
	head := (most - 1) * 2 / 3
	tail := most - 1 - head
	a := 0
	for n := 0; a < len(s); {
		r, size := utf8.DecodeRuneInString(s[a:])
		if n += cells(r); n > head {
			break
		}
		a += size
	}
	b := len(s)
	for n := 0; b > a; {
		r, size := utf8.DecodeLastRuneInString(s[:b])
		if n += cells(r); n > tail {
			break
		}
		b -= size
	}
	for b < len(s) { // a mark belongs to a letter that was cut
		r, size := utf8.DecodeRuneInString(s[b:])
		if cells(r) > 0 {
			break
		}
		b += size
	}
	return s[:a] + "…" + s[b:]
}
