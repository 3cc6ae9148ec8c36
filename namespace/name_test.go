package namespace

import (
	"errors"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	for _, c := range []struct{ in, full, short, path string }{
		{`\MyPort`, `\MyPort`, `\MyPort`, "myport"},
		{`\RPC Control\spool`, `\RPC Control\spool`, "spool", "rpc%20control/spool"},
		{`\rpc CONTROL\Spool`, `\rpc CONTROL\Spool`, "Spool", "rpc%20control/spool"},
		{"spool", `\RPC Control\spool`, "spool", "rpc%20control/spool"},
		{"ncalrpc:[spool]", `\RPC Control\spool`, "spool", "rpc%20control/spool"},
		{"NcaLRPC:[Spool]", `\RPC Control\Spool`, "Spool", "rpc%20control/spool"},
		{`\RPC Control`, `\RPC Control`, `\RPC Control`, "rpc%20control"},
		{`\a\b\c`, `\a\b\c`, `\a\b\c`, "a/b/c"},
		{`\RPC Control\a\b`, `\RPC Control\a\b`, `\RPC Control\a\b`, "rpc%20control/a/b"},
		{`\RPC Control\ncalrpc:x`, `\RPC Control\ncalrpc:x`, `\RPC Control\ncalrpc:x`, "rpc%20control/ncalrpc%3Ax"},
		{"ncacn_np:x", `\RPC Control\ncacn_np:x`, "ncacn_np:x", "rpc%20control/ncacn_np%3Ax"},
		{"a/b", `\RPC Control\a/b`, "a/b", "rpc%20control/a%2Fb"},
		{".spool.lock", `\RPC Control\.spool.lock`, ".spool.lock", "rpc%20control/%2Espool.lock"},
		{"...", `\RPC Control\...`, "...", "rpc%20control/%2E.."},
		{"a..b", `\RPC Control\a..b`, "a..b", "rpc%20control/a..b"},
		{"100%", `\RPC Control\100%`, "100%", "rpc%20control/100%25"},
		{"%41", `\RPC Control\%41`, "%41", "rpc%20control/%2541"},
		{"ÄRGER", `\RPC Control\ÄRGER`, "ÄRGER", "rpc%20control/%C3%A4rger"},
		{"\u212aelvin", "\\RPC Control\\\u212aelvin", "\u212aelvin", "rpc%20control/kelvin"},
		{"ΣΑΣ", `\RPC Control\ΣΑΣ`, "ΣΑΣ", "rpc%20control/%CF%83%CE%B1%CF%83"},
		{"İ", `\RPC Control\İ`, "İ", "rpc%20control/%C4%B0"},
		{"a\xffB", "\\RPC Control\\a\xffB", "a\xffB", "rpc%20control/a%FFb"},
		{"\xc3", "\\RPC Control\\\xc3", "\xc3", "rpc%20control/%C3"},
		{"a\nb", "\\RPC Control\\a\nb", "a\nb", "rpc%20control/a%0Ab"},
	} {
		n, err := Parse(c.in)
		if err != nil {
			t.Errorf("Parse(%q): %v", c.in, err)
			continue
		}
		if n.String() != c.full || n.Short() != c.short || n.Path() != c.path {
			t.Errorf("Parse(%q): got %q, short %q, path %q; want %q, %q, %q", c.in, n.String(), n.Short(), n.Path(), c.full, c.short, c.path)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for in, why := range map[string]string{
		"":                      "empty",
		`\`:                     "empty",
		`\a\`:                   "component 2: it is empty",
		`\\a`:                   "component 1: it is empty",
		`\a\\b`:                 "component 2: it is empty",
		".":                     `it is "."`,
		"..":                    `it is ".."`,
		`\a\..`:                 "component 2",
		`\..\a`:                 "component 1",
		`a\b`:                   "must begin with one",
		`RPC Control\spool`:     "must begin with one",
		"a\x00b":                "NUL byte at 1",
		"ncalrpc:":              "ncalrpc:[name]",
		"ncalrpc:[]":            "ncalrpc:[name]",
		"ncalrpc:[":             "ncalrpc:[name]",
		"ncalrpc:spool":         "ncalrpc:[name]",
		"ncalrpc:[spool] ":      "ncalrpc:[name]",
		"ncalrpc:host[spool]":   "ncalrpc:[name]",
		`ncalrpc:[a\b]`:         `must not have a '\\'`,
		"ncalrpc:[a]b]":         "must not have a ']'",
		"ncalrpc:[a,Security=]": "must not have a ','",
		"ncalrpc:[..]":          `it is ".."`,
	} {
		n, err := Parse(in)
		if !errors.Is(err, ErrInvalidName) || n != (Name{}) {
			t.Errorf("Parse(%q): got %q and error %v, want ErrInvalidName", in, n.String(), err)
		} else if !strings.Contains(err.Error(), why) {
			t.Errorf("Parse(%q): the text %q does not say %q", in, err, why)
		}
	}
}

func TestParseLimits(t *testing.T) {
	path := func(components int, last int) string { // \aaa...\aaa...\aa
		return strings.Repeat(`\`+strings.Repeat("a", MaxComponent), components) + `\` + strings.Repeat("a", last)
	}
	// Eight components of 255 bytes and eight slashes are 2048 bytes.
	for name, c := range map[string]struct {
		in string
		ok bool
	}{
		"component n-1":       {strings.Repeat("a", MaxComponent-1), true},
		"component n":         {strings.Repeat("a", MaxComponent), true},
		"component n+1":       {strings.Repeat("a", MaxComponent+1), false},
		"encoded n":           {strings.Repeat(" ", MaxComponent/3), true},
		"encoded n+1":         {strings.Repeat(" ", MaxComponent/3) + "a", false},
		"leading dot n":       {"." + strings.Repeat("a", MaxComponent-3), true},
		"leading dot n+1":     {"." + strings.Repeat("a", MaxComponent-2), false},
		"full component n":    {`\x\` + strings.Repeat("a", MaxComponent), true},
		"full component n+1":  {`\x\` + strings.Repeat("a", MaxComponent+1), false},
		"directory n+1":       {`\` + strings.Repeat("a", MaxComponent+1) + `\x`, false},
		"whole name n-1":      {path(7, MaxComponent), true},
		"whole name n+1":      {path(8, 1), false},
		"far too long":        {strings.Repeat("a", 1<<20), false},
		"many components":     {strings.Repeat(`\a`, MaxPath/2), true},
		"one component more":  {strings.Repeat(`\a`, MaxPath/2+1), false},
		"many components n":   {strings.Repeat(`\a`, MaxPath/2) + "a", true},
		"many components n+1": {strings.Repeat(`\a`, MaxPath/2) + "aa", false},
	} {
		n, err := Parse(c.in)
		if (err == nil) != c.ok || err != nil && !errors.Is(err, ErrInvalidName) {
			t.Errorf("%s (%d bytes on disk): got error %v, want ok %v", name, len(n.Path()), err, c.ok)
		}
		if err != nil && len(err.Error()) > 1000 {
			t.Errorf("%s: the error's text has %d bytes", name, len(err.Error()))
		}
	}
}

func TestEqual(t *testing.T) {
	parse := func(s string) Name {
		n, err := Parse(s)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{"spool", "SPOOL", true},
		{"spool", `\RPC Control\spool`, true},
		{"spool", "ncalrpc:[Spool]", true},
		{"spool", `\spool`, false},
		{"straße", "STRASSE", false}, // a full folding, not a simple one
		{"Σ", "ς", true},
		{"ı", "i", false},
		{"a\u0308", "ä", false}, // no normalization, as in NT
	} {
		if got := parse(c.a).Equal(parse(c.b)); got != c.want {
			t.Errorf("%q and %q: got %v, want %v", c.a, c.b, got, c.want)
		}
	}
}

func TestFromPath(t *testing.T) {
	for in, full := range map[string]string{
		"rpc%20control/spool":           `\rpc control\spool`,
		"myport":                        `\myport`,
		"rpc%20control/%2Espool":        `\rpc control\.spool`,
		"rpc%20control/%C3%A4rger":      `\rpc control\ärger`,
		"rpc%20control/a%FFb":           "\\rpc control\\a\xffb",
		strings.Repeat("a", 255) + "/b": `\` + strings.Repeat("a", 255) + `\b`,
	} {
		n, err := FromPath(in)
		if err != nil || n.String() != full || n.Path() != in {
			t.Errorf("FromPath(%q): got %q, path %q, error %v; want %q", in, n.String(), n.Path(), err, full)
		}
	}
	for _, in := range []string{
		"", "/", "a/", "/a", "a//b", ".", "..", "a/..", "a/./b", // no components, or those with a meaning
		"Spool", "a b", "ä", "a\x00", "a\\b", "a~", // never written so
		"%73pool", "%c3%a4", "%", "%2", "a%", "a%2", "%G0", "%-1", // another way to write it
		"%C3%84", "%5C", "%2F%2f", "%00", "%41", "%2E", "%2E.", // not folded, or no name
		".spool.lock", ".~00.new", "a%2Eb",
		strings.Repeat("a", 256), "a%20" + strings.Repeat("a", 252),
	} {
		if n, err := FromPath(in); !errors.Is(err, ErrInvalidName) || n != (Name{}) {
			t.Errorf("FromPath(%q): got %q and error %v, want ErrInvalidName", in, n.String(), err)
		}
	}
}

// The package's errors are safe to print, whatever the name is.
func TestLabel(t *testing.T) {
	for in, want := range map[string]string{
		"spool":     "spool",
		`\a\b`:      `\a\b`,
		"a\x1b[0mb": `"a\x1b[0mb"`,
		"a\xff":     `"a\xff"`,
	} {
		n, err := Parse(in)
		if err != nil || n.label() != want {
			t.Errorf("%q: got %s and error %v, want %s", in, n.label(), err, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"spool", `\RPC Control\spool`, "ncalrpc:[x]", `\a\..`, "\xff\xc3", "ΣİK.", `\.x`, "%20", "a\x00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		n, err := Parse(s)
		if err != nil {
			if !errors.Is(err, ErrInvalidName) || n != (Name{}) {
				t.Fatalf("got %v and error %v", n, err)
			}
			return
		}
		for part := range strings.SplitSeq(n.Path(), "/") {
			if part == "" || part[0] == '.' || len(part) > MaxComponent || len(lockFile(part)) > MaxComponent {
				t.Fatalf("component %q", part)
			}
			if strings.Trim(part, "abcdefghijklmnopqrstuvwxyz0123456789._-%ABCDEF") != "" {
				t.Fatalf("component %q has other bytes", part)
			}
		}
		for _, again := range []string{n.String(), n.Short(), fold(n.String())} {
			if m, err := Parse(again); err != nil || !m.Equal(n) {
				t.Fatalf("%q, again as %q: path %q and error %v, want %q", s, again, m.Path(), err, n.Path())
			}
		}
		m, err := FromPath(n.Path())
		if err != nil || !m.Equal(n) || m.Path() != n.Path() || m.String() != fold(n.String()) {
			t.Fatalf("%q from its path %q: %q with path %q and error %v", s, n.Path(), m.String(), m.Path(), err)
		}
	})
}

func FuzzFromPath(f *testing.F) {
	for _, s := range []string{"a", "rpc%20control/spool", "%2E", "%C3%A4", "a/../b", "%5C"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		n, err := FromPath(s)
		if err == nil && n.Path() != s {
			t.Fatalf("path %q gives a name with path %q", s, n.Path())
		}
		if err != nil && !errors.Is(err, ErrInvalidName) {
			t.Fatal(err)
		}
	})
}
