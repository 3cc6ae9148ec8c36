package golden

import (
	"os"
	"strings"
	"testing"
)

// A Part is what a test writes into a document: all that stands between the texts Begin
// and End, of which Begin stands there once.
type Part struct {
	Path       string // from the test's package
	Begin, End string // with the ends of their lines
}

// Read is the part as it stands in the document.
func (p Part) Read(t testing.TB) string {
	t.Helper()
	_, text, _ := p.cut(t)
	return text
}

// Write puts text in its place.
func (p Part) Write(t testing.TB, text string) {
	t.Helper()
	head, _, tail := p.cut(t)
	if err := os.WriteFile(p.Path, []byte(head+text+tail), 0o644); err != nil {
		t.Fatal(err)
	}
}

// Compare compares text with the part. With -update it writes it.
func (p Part) Compare(t testing.TB, text string) {
	t.Helper()
	if *update {
		p.Write(t, text)
	}
	if old := p.Read(t); old != text {
		t.Errorf("%s is stale (go test -update rewrites it): %s", p.Path, Differ(text, old))
	}
}

func (p Part) cut(t testing.TB) (head, text, tail string) {
	t.Helper()
	b, err := os.ReadFile(p.Path)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, ok := strings.Cut(string(b), p.Begin)
	text, tail, ok2 := strings.Cut(rest, p.End)
	if !ok || !ok2 {
		t.Fatalf("%s has no part between %q and %q", p.Path, p.Begin, p.End)
	}
	return head + p.Begin, text, p.End + tail
}
