package escape

import (
	"testing"
	"unicode/utf8"
)

func TestWidth(t *testing.T) {
	for s, want := range map[string]int{"": 0, "abc": 3, "é": 1, "e\u0301": 1, "漢字": 4, "ﾊﾝ": 2, "🙂": 2, "…": 1} {
		if got := Width(s); got != want {
			t.Errorf("Width(%q) = %d, want %d", s, got, want)
		}
	}
}

func TestCut(t *testing.T) {
	for _, c := range []struct {
		s    string
		most int
		want string
	}{
		{"spool", 5, "spool"}, {"spool", 4, "sp…l"}, {"spool", 1, "…"}, {"spool", 0, ""}, {"spool", -3, ""}, {"", 0, ""},
		{"service-number-17", 10, "servic…-17"}, {"漢字漢字", 5, "漢…字"}, {"漢字", 3, "…"}, {"e\u0301e\u0301e\u0301", 2, "…e\u0301"},
	} {
		if got := Cut(c.s, c.most); got != c.want {
			t.Errorf("Cut(%q, %d) = %q, want %q", c.s, c.most, got, c.want)
		}
	}
}

func TestHead(t *testing.T) {
	for _, c := range []struct {
		s    string
		most int
		want string
	}{{"spool", 5, "spool"}, {"spool", 4, "spoo"}, {"spool", 0, ""}, {"spool", -1, ""}, {"漢字", 3, "漢"}, {"e\u0301a", 1, "e\u0301"}, {"", 0, ""}} {
		if got := Head(c.s, c.most); got != c.want {
			t.Errorf("Head(%q, %d) = %q, want %q", c.s, c.most, got, c.want)
		}
	}
}

func TestPad(t *testing.T) {
	for _, c := range []struct {
		s     string
		width int
		left  bool
		want  string
	}{{"5", 3, false, "  5"}, {"a", 3, true, "a  "}, {"漢", 3, true, "漢 "}, {"abc", 2, true, "abc"}, {"abc", -1, false, "abc"}} {
		if got := Pad(c.s, c.width, c.left); got != c.want {
			t.Errorf("Pad(%q, %d, %v) = %q, want %q", c.s, c.width, c.left, got, c.want)
		}
	}
}

// Whatever the text, Cut keeps the width and whole letters.
func FuzzCut(f *testing.F) {
	f.Add("service-number-17", 10)
	f.Add("漢\u0301字\xff", 2)
	f.Fuzz(func(t *testing.T, s string, most int) {
		s = Text(s)
		got := Cut(s, most)
		if w := Width(got); w > max(most, 0) || !utf8.ValidString(got) {
			t.Errorf("Cut(%q, %d) = %q of %d cells", s, most, got, w)
		}
	})
}
