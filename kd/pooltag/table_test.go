package pooltag

import (
	"strings"
	"testing"
)

func TestBuiltin(t *testing.T) {
	for _, c := range []struct{ tag, binary, text string }{
		{"None", "", "call to ExAllocatePool"}, {"MmCm", "nt!mm", "Calls made to MmAllocateContiguousMemory"},
		{"Irp ", "nt!io", "I/O request packets"}, {"Irp\x00", "nt!io", "I/O request packets"}, {"CM31", "nt!cm", "registry"}, {"Mdl ", "", "memory descriptor lists"},
	} {
		e, ok := Builtin().Find([4]byte([]byte(c.tag)))
		if !ok || e.Binary != c.binary || e.Text != c.text {
			t.Errorf("%s: %+v, %v", c.tag, e, ok)
		}
	}
	if e, ok := Builtin().Find([4]byte([]byte("none"))); ok {
		t.Errorf("case does not count: %+v", e)
	}
}

// A user's file, with what such files hold, on top of our own.
func TestRead(t *testing.T) {
	file := "\ufeffrem comment\r\n\r\nREM\tanother\r\n//one more\r\nAbcd - mine.sys - what it is - in parts\r\nAbcd - other.sys - the second is not taken\r\n" +
		"Ab   - <unknown>   - short\r\n  Xyz - of no binary\r\nQ?*  -  q.sys  -   a pattern  \r\nToolong - x - y\r\nno line of a table\r\nMmCm - ours.sys - on top\r\n"
	u, err := Read(strings.NewReader(file))
	if err != nil || u.Len() != 5 {
		t.Fatalf("%d tags, %v", u.Len(), err)
	}
	all := u.With(Builtin())
	for _, c := range []struct{ tag, binary, text string }{
		{"Abcd", "mine.sys", "what it is - in parts"}, {"Ab  ", "", "short"}, {"Xyz ", "", "of no binary"}, {"Qabc", "q.sys", "a pattern"}, {"MmCm", "ours.sys", "on top"}, {"File", "nt!io", "file objects"},
	} {
		if e, ok := all.Find([4]byte([]byte(c.tag))); !ok || e.Binary != c.binary || e.Text != c.text {
			t.Errorf("%s: %+v, %v", c.tag, e, ok)
		}
	}
	if _, err := Read(strings.NewReader("one\ntwo\n")); err == nil || !strings.Contains(err.Error(), "none of its 2 lines") {
		t.Error(err)
	}
	if _, err := Read(strings.NewReader(strings.Repeat("x", 5000))); err == nil {
		t.Error("a line of 5000 bytes is taken")
	}
}

func TestMatch(t *testing.T) {
	for _, c := range []struct {
		pattern, tag string
		want         bool
	}{
		{"File", "File", true}, {"file", "File", false}, {"Fil?", "File", true}, {"F*", "File", true}, {"*e", "File", true}, {"*", "\x00\x01\x02\x03", true},
		{"????", "File", true}, {"?????", "File", false}, {"F*x", "File", false}, {"[F]*", "File", false}, {"[F]", "[F] ", false}, {"", "File", false}, {"F**e", "File", true},
	} {
		if got := Match(c.pattern, [4]byte([]byte(c.tag))); got != c.want {
			t.Errorf("%q, %q: %v", c.pattern, c.tag, got)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add("Abcd - a.sys - text\nrem\nQ* - b - c")
	f.Fuzz(func(t *testing.T, s string) {
		if table, err := Read(strings.NewReader(s)); err == nil {
			table.Find([4]byte{1, 2, 3})
		} else if table != nil {
			t.Error("a table beside an error")
		}
	})
}
