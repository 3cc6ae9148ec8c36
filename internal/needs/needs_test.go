package needs

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// verdict is a test that notes how it ended.
type verdict struct {
	testing.TB
	skipped, failed string
}

func (v *verdict) Helper() {}

func (v *verdict) Skip(args ...any) { v.skipped = fmt.Sprint(args...); panic(v) }

func (v *verdict) Skipf(format string, args ...any) { v.Skip(fmt.Sprintf(format, args...)) }

func (v *verdict) Fatalf(format string, args ...any) {
	v.failed = fmt.Sprintf(format, args...)
	panic(v)
}

// of is what became of a test.
func of(f func(t testing.TB)) (v *verdict) {
	v = &verdict{}
	defer func() {
		if r := recover(); r != nil && r != any(v) {
			panic(r)
		}
	}()
	f(v)
	return v
}

// What is missing is named, skips a test here and fails it in CI; what is left out never
// fails.
func TestMissing(t *testing.T) {
	t.Setenv("LPC_SHARED", t.TempDir())
	for _, c := range []struct {
		what string
		need func(t testing.TB)
		says []string
		fail bool // in CI
	}{
		{"a program", func(t testing.TB) { Tool(t, "no-such-program", "its-package") }, []string{"no-such-program", "Debian package its-package"}, true},
		{"a file", func(t testing.TB) { File(t, "no-such.dmp") }, []string{"no-such.dmp", "$LPC_SHARED"}, true},
		{"a feature", func(t testing.TB) { Missing(t, "needs %s (Linux %d.%d)", "SO_PEERPIDFD", 6, 5) }, []string{"needs SO_PEERPIDFD (Linux 6.5)"}, true},
		{"time", func(t testing.TB) { Elsewhere(t, "make model") }, []string{"left out here; it is run by make model"}, false},
	} {
		for _, ci := range []string{"", "1"} {
			t.Setenv("LPC_CI", ci)
			v := of(c.need)
			said, other := v.skipped, v.failed
			if ci != "" && c.fail {
				said, other = v.failed, v.skipped
			}
			if said == "" || other != "" {
				t.Errorf("%s, LPC_CI=%q: skipped %q, failed %q", c.what, ci, v.skipped, v.failed)
			}
			for _, w := range c.says {
				if !strings.Contains(said, w) {
					t.Errorf("%s: %q lacks %q", c.what, said, w)
				}
			}
		}
	}
}

// What is there is found, and says nothing.
func TestThere(t *testing.T) {
	dir := t.TempDir()
	want := filepath.Join(dir, "data", "x.dmp")
	if err := os.Mkdir(filepath.Dir(want), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(want, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	t.Setenv("LPC_SHARED", dir)
	if v := of(func(tb testing.TB) {
		if got := File(tb, "x.dmp"); got != want {
			t.Errorf("File gives %s, want %s", got, want)
		}
		if got := Tool(tb, "go", "golang"); !filepath.IsAbs(got) {
			t.Errorf("Tool gives %s", got)
		}
	}); v.skipped+v.failed != "" {
		t.Errorf("skipped %q, failed %q", v.skipped, v.failed)
	}
	t.Setenv("LPC_SHARED", "")
	root, err := module()
	if err != nil || filepath.Join(root, "internal", "needs") != here(t) {
		t.Errorf("the module stands in %s, %v", root, err)
	}
}

func here(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	return dir
}
