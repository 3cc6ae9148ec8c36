package namespace

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// Over all of Unicode: letters that fold together have one representative, which
// is one of them, and letters that do not have two.
func TestFoldEveryRune(t *testing.T) {
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if !utf8.ValidRune(r) {
			continue
		}
		f := foldRune(r)
		if !strings.EqualFold(string(r), string(f)) {
			t.Errorf("%U folds to %U, which is another letter", r, f)
		}
		if next := foldRune(unicode.SimpleFold(r)); next != f {
			t.Errorf("%U folds to %U, but %U to %U", r, f, unicode.SimpleFold(r), next)
		}
		if r < utf8.RuneSelf && f != unicode.ToLower(r) {
			t.Errorf("%q folds to %q", r, f)
		}
	}
}

func TestFoldKeepsOtherBytes(t *testing.T) {
	for in, want := range map[string]string{
		"":                   "",
		"Ab-9":               "ab-9",
		"\xff\xfeA":          "\xff\xfea",
		"\xe2\x84\u212a":     "\xe2\x84k", // a torn sequence before a letter that shrinks
		"\xed\xa0\x80X":      "\xed\xa0\x80x",
		"\ufffdÄ":            "\ufffdä",
		"\u00b5\u039c\u03bc": "\u03bc\u03bc\u03bc",
	} {
		if got := fold(in); got != want {
			t.Errorf("fold(%q): got %q, want %q", in, got, want)
		}
	}
}
