// Package escape makes text that somebody else chose fit for a line of a terminal.
// Names, errors and comments that come from another process or from a file go
// through it when they are printed, never before: what is stored and compared stays
// as it was. It knows nothing of lpc.
package escape

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Text returns s with everything that could steer a terminal or start a new line
// escaped: control and format characters as \u{N}, bytes that are not UTF-8 as
// \xNN. A backslash stays as it is: names are full of them.
func Text(s string) string {
	if !strings.ContainsFunc(s, steers) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case steers(r):
			fmt.Fprintf(&b, `\u{%x}`, r)
		default:
			b.WriteString(s[i : i+n])
		}
		i += n
	}
	return b.String()
}

// steers also holds for U+FFFD, which an invalid byte decodes to.
func steers(r rune) bool { return r == utf8.RuneError || !unicode.IsPrint(r) }
