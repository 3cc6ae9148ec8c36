package namespace

import (
	"unicode"
	"unicode/utf8"
)

// fold returns one text for all spellings of s that differ in case only, in the
// sense of Unicode's simple folding (strings.EqualFold). Bytes that are not
// UTF-8 stay what they are.
func fold(s string) string {
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && n == 1 {
			out = append(out, s[i])
		} else {
			out = utf8.AppendRune(out, foldRune(r))
		}
		i += n
	}
	return string(out)
}

// foldRune returns the letter that stands for r and all that fold to the same:
// the small one if there is one (what CaseFolding.txt calls C and S), else the
// first. It must not be a plain ToLower: that gives i for İ (U+0130), which no
// simple folding does, and leaves the Kelvin sign apart from k.
func foldRune(r rune) rune {
	first := r
	for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
		first = min(first, f)
	}
	small := unicode.ToLower(unicode.ToUpper(first))
	if small == first {
		return first
	}
	for f := unicode.SimpleFold(first); f != first; f = unicode.SimpleFold(f) {
		if f == small {
			return small
		}
	}
	return first
}
