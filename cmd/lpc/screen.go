package main

import (
	"bytes"
	"fmt"
	"unicode/utf8"
)

// fit cuts a text to a screen: lines to its width, and as many as it has rows, the last
// of which says how many more there are. The last row stays free for the cursor. A size
// of 0 is not known, and nothing is cut.
func fit(text []byte, columns, rows int) []byte {
	lines := bytes.SplitAfter(text, []byte("\n"))
	if n := len(lines); n > 0 && len(lines[n-1]) == 0 {
		lines = lines[:n-1]
	}
	var out []byte
	for i, l := range lines {
		if rows > 1 && i == rows-2 && len(lines) > rows-1 {
			return fmt.Appendf(out, "... %d more\n", len(lines)-i)
		}
		l = bytes.TrimSuffix(l, []byte("\n"))
		for columns > 0 && utf8.RuneCount(l) > columns {
			_, size := utf8.DecodeLastRune(l)
			l = l[:len(l)-size]
		}
		out = append(append(out, l...), '\n')
	}
	return out
}
