package main

import (
	"bytes"
	"fmt"

	"github.com/seed-eedd8485/lpc/internal/escape"
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
		line := string(bytes.TrimSuffix(l, []byte("\n")))
		if columns > 0 {
			line = escape.Head(line, columns)
		}
		out = append(append(out, line...), '\n')
	}
	return out
}
