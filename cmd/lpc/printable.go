package main

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// printable returns s with everything that could steer a terminal or start a new
// line escaped: control and format characters as \u{N}, bytes that are not UTF-8
// as \xNN. A backslash stays as it is: names are full of them.
func printable(s string) string {
	if !strings.ContainsFunc(s, unprintable) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case unprintable(r):
			fmt.Fprintf(&b, `\u{%x}`, r)
		default:
			b.WriteString(s[i : i+n])
		}
		i += n
	}
	return b.String()
}

// unprintable also holds for U+FFFD, which an invalid byte decodes to.
func unprintable(r rune) bool { return r == utf8.RuneError || !unicode.IsPrint(r) }
