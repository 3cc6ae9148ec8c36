package escape

import "testing"

func TestText(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"", ""},
		{`\RPC Control\spool`, `\RPC Control\spool`},
		{"Käse 日本", "Käse 日本"},
		{"a\nb\r\t", `a\u{a}b\u{d}\u{9}`},
		{"\x1b[31mred\x7f", `\u{1b}[31mred\u{7f}`},
		{"\x00", `\u{0}`},
		{"a\xffb\xc3", `a\xffb\xc3`},
		{"\u009b31m", `\u{9b}31m`},                   // the one-character CSI
		{"safe\u202eexe.cod", `safe\u{202e}exe.cod`}, // right-to-left override
		{"\ufffd", `\u{fffd}`},
		{"\xff\u202e", `\xff\u{202e}`},
		{"\u00a0", `\u{a0}`}, // a blank that is not a blank
	} {
		if got := Text(c.in); got != c.want {
			t.Errorf("%q: %q instead of %q", c.in, got, c.want)
		}
	}
}
