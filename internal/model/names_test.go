package model

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var goName = regexp.MustCompile(`/\* go: (\S+) \*/`)

// TestNames: every Go function that a model's step stands for is there.
func TestNames(t *testing.T) {
	have := functions(t, "channel", "engine")
	models, err := filepath.Glob("*.pml")
	if err != nil || len(models) == 0 {
		t.Fatal("no models", err)
	}
	for _, m := range models {
		b, err := os.ReadFile(m)
		if err != nil {
			t.Fatal(err)
		}
		names := goName.FindAllSubmatch(b, -1)
		if len(names) == 0 {
			t.Errorf("%s names no Go function", m)
		}
		if n := strings.Count(string(b), "go:"); n != len(names) {
			t.Errorf("%s has %d comments with go: and %d of the form /* go: channel.(*Caller).sleep */", m, n, len(names))
		}
		for _, n := range names {
			if name := string(n[1]); !have[name] {
				t.Errorf("%s: a step stands for %s, which is gone: does the model still hold?", m, name)
			}
		}
	}
}

// TestChecks: every model is checked, and every mutant that it tells of.
func TestChecks(t *testing.T) {
	models, err := filepath.Glob("*.pml")
	if err != nil {
		t.Fatal(err)
	}
	word := regexp.MustCompile(`[A-Z][A-Z_]*[A-Z]`)
	for _, m := range models {
		b, err := os.ReadFile(m)
		if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimSuffix(m, ".pml")
		clean := false
		used := map[string]bool{}
		for _, c := range checks {
			if c.model == name {
				clean = clean || c.want == "" && c.defines == ""
				for _, d := range word.FindAllString(c.defines, -1) {
					used[d] = true
				}
			}
		}
		if !clean {
			t.Errorf("%s is not checked as it stands", m)
		}
		for _, line := range regexp.MustCompile(`(?m)^#(?:ifn?def|if|elif) .*$`).FindAllString(string(b), -1) {
			for _, d := range word.FindAllString(line, -1) {
				if !used[d] && !strings.Contains(string(b), "#define "+d) {
					t.Errorf("%s: no check defines %s", m, d)
				}
			}
		}
	}
}

// functions are the names of all functions of some packages of internal, as the
// models write them: channel.futexWait, channel.(*Caller).sleep.
func functions(t *testing.T, packages ...string) map[string]bool {
	t.Helper()
	have := map[string]bool{}
	for _, p := range packages {
		files, err := filepath.Glob(filepath.Join("..", p, "*.go"))
		if err != nil || len(files) == 0 {
			t.Fatal("no sources of", p, err)
		}
		for _, f := range files {
			if strings.HasSuffix(f, "_test.go") {
				continue
			}
			file, err := parser.ParseFile(token.NewFileSet(), f, nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range file.Decls {
				if fn, ok := d.(*ast.FuncDecl); ok {
					have[p+"."+receiver(fn)+fn.Name.Name] = true
				}
			}
		}
	}
	return have
}

func receiver(fn *ast.FuncDecl) string {
	if fn.Recv == nil {
		return ""
	}
	switch r := fn.Recv.List[0].Type.(type) {
	case *ast.StarExpr:
		return fmt.Sprintf("(*%s).", r.X)
	case *ast.Ident:
		return r.Name + "."
	}
	return "?."
}
