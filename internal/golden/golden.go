package golden

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite golden files and the parts of documents that tests write")

// Update reports whether files are to be written anew.
func Update() bool { return *update }

// Text compares text with the file testdata/name of the test's package.
func Text(t testing.TB, name, text string) {
	t.Helper()
	File(t, filepath.Join("testdata", name), text)
}

// File compares text with a file. With -update it writes the file, and the directory
// that it stands in.
func File(t testing.TB, path, text string) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if text != string(want) {
		t.Errorf("%s (go test -update rewrites it): %s", path, Differ(text, string(want)))
	}
}

// Differ shows the first line in which two texts differ, and some lines around it.
func Differ(got, want string) string {
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	i := 0
	for i < len(g) && i < len(w) && g[i] == w[i] {
		i++
	}
	part := func(l []string) string { return strings.Join(l[min(len(l), max(0, i-3)):min(len(l), i+6)], "\n") }
	return fmt.Sprintf("from line %d on got\n%s\nwant\n%s", i+1, part(g), part(w))
}
