package golden

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// record is a test that notes how it failed.
type record struct {
	testing.TB
	said string
}

func (r *record) Helper() {}

func (r *record) Errorf(format string, args ...any) { r.said += fmt.Sprintf(format, args...) }

func (r *record) Fatalf(format string, args ...any) { r.said += fmt.Sprintf(format, args...) }

func (r *record) Fatal(args ...any) { r.said += fmt.Sprint(args...) }

// set sets the flag until the test ends.
func set(t *testing.T, to bool) {
	t.Helper()
	before := *update
	*update = to
	t.Cleanup(func() { *update = before })
}

func TestFile(t *testing.T) {
	set(t, false)
	path := filepath.Join(t.TempDir(), "testdata", "x.txt")
	r := &record{TB: t}
	if File(r, path, "a\n"); r.said == "" {
		t.Error("a file that is not there is no failure")
	}
	set(t, true)
	File(t, path, "a\nb\n")
	set(t, false)
	File(t, path, "a\nb\n")
	r = &record{TB: t}
	if File(r, path, "a\nc\n"); r.said != path+" (go test -update rewrites it): from line 2 on got\na\nc\n\nwant\na\nb\n" {
		t.Errorf("%q", r.said)
	}
	if b, err := os.ReadFile(path); err != nil || string(b) != "a\nb\n" {
		t.Errorf("without -update the file is %q, %v", b, err)
	}
}

func TestPart(t *testing.T) {
	set(t, false)
	p := Part{filepath.Join(t.TempDir(), "x.md"), "<!-- begin -->\n", "<!-- end -->\n"}
	const document = "head\n<!-- begin -->\nold\n<!-- end -->\ntail\n"
	if err := os.WriteFile(p.Path, []byte(document), 0o644); err != nil {
		t.Fatal(err)
	}
	p.Compare(t, "old\n")
	r := &record{TB: t}
	if p.Compare(r, "new\n"); r.said == "" {
		t.Error("a stale part is no failure")
	}
	set(t, true)
	p.Compare(t, "new\n")
	if b, err := os.ReadFile(p.Path); err != nil || string(b) != "head\n<!-- begin -->\nnew\n<!-- end -->\ntail\n" {
		t.Errorf("the document is %q, %v", b, err)
	}
	r = &record{TB: t}
	if (Part{p.Path, "<!-- none -->\n", "<!-- end -->\n"}).Read(r); r.said == "" {
		t.Error("a document without the part is no failure")
	}
}

func TestDiffer(t *testing.T) {
	for _, c := range [][3]string{
		{"1\n2\n3\n4\n5", "1\n2\n3\n4\n6", "from line 5 on got\n2\n3\n4\n5\nwant\n2\n3\n4\n6"},
		{"1", "1\n2\n3\n4\n5\n6\n7\n8\n9", "from line 2 on got\n1\nwant\n1\n2\n3\n4\n5\n6\n7"},
		{"", "", "from line 2 on got\n\nwant\n"},
	} {
		if got := Differ(c[0], c[1]); got != c[2] {
			t.Errorf("%q and %q: %q, want %q", c[0], c[1], got, c[2])
		}
	}
}
