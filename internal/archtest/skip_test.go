package archtest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// skips are the places in files of one package where a test is skipped. A call of Skipf
// or SkipNow is one, for nothing else has such a method; one of Skip only if what it is
// called on has a name that the package gives to a *testing.T or its like: others skip
// bytes.
func skips(fset *token.FileSet, files []*ast.File) (at []token.Position) {
	tests := map[string]bool{}
	for _, f := range files {
		ast.Inspect(f, func(n ast.Node) bool {
			var names []*ast.Ident
			var typ ast.Expr
			switch n := n.(type) {
			case *ast.Field: // of parameters, results, receivers and structs
				names, typ = n.Names, n.Type
				if len(names) == 0 && isTest(typ) { // embedded: named after its type
					tests[named(typ)] = true
				}
			case *ast.ValueSpec:
				names, typ = n.Names, n.Type
			}
			if typ != nil && isTest(typ) {
				for _, name := range names {
					tests[name.Name] = true
				}
			}
			return true
		})
	}
	for _, f := range files {
		ast.Inspect(f, func(n ast.Node) bool {
			s, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			switch s.Sel.Name {
			case "Skipf", "SkipNow":
			case "Skip":
				if !tests[named(s.X)] {
					return true
				}
			default:
				return true
			}
			at = append(at, fset.Position(s.Sel.Pos()))
			return true
		})
	}
	return at
}

// isTest tells whether a type is one of package testing's that can be skipped.
func isTest(typ ast.Expr) bool {
	if p, ok := typ.(*ast.StarExpr); ok {
		typ = p.X
	}
	s, ok := typ.(*ast.SelectorExpr)
	if !ok {
		return false
	}
	pkg, ok := s.X.(*ast.Ident)
	return ok && pkg.Name == "testing" && slices.Contains([]string{"T", "B", "F", "TB"}, s.Sel.Name)
}

// named is the last name of an expression: t of t, c.t and testing.T's T of *testing.T.
func named(x ast.Expr) string {
	switch x := x.(type) {
	case *ast.Ident:
		return x.Name
	case *ast.SelectorExpr:
		return x.Sel.Name
	case *ast.StarExpr:
		return named(x.X)
	case *ast.ParenExpr:
		return named(x.X)
	}
	return ""
}

// TestSkipsSayWhatIsMissing: a test is skipped through package needs, which fails in CI
// instead or names what runs the test.
func TestSkipsSayWhatIsMissing(t *testing.T) {
	fset := token.NewFileSet()
	files := map[string][]*ast.File{} // by directory
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if n := d.Name(); d.IsDir() && (strings.HasPrefix(n, ".") && n != ".." || n == "testdata") {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(path, ".go") {
			return nil
		}
		f, err := parser.ParseFile(fset, path, nil, 0)
		if err != nil {
			return err
		}
		dir := filepath.Dir(path)
		files[dir] = append(files[dir], f)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if n := len(skips(fset, files["../../internal/needs"])); n < 2 {
		t.Errorf("%d skips are found in package needs: what looks for them is blind", n)
	}
	delete(files, "../../internal/needs")
	for _, list := range files {
		for _, at := range skips(fset, list) {
			t.Errorf("%s skips a test: go through internal/needs", at)
		}
	}
}

// TestScriptsSayWhatIsMissing is the same for testscript's command.
func TestScriptsSayWhatIsMissing(t *testing.T) {
	scripts := 0
	err := filepath.WalkDir("../../cmd/lpc/testdata", func(path string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".txtar") {
			return err
		}
		scripts++
		b, err := os.ReadFile(path)
		for i, line := range strings.Split(string(b), "\n") {
			for strings.HasPrefix(line, "[") { // conditions
				_, line, _ = strings.Cut(line, "]")
				line = strings.TrimSpace(line)
			}
			if first, _, _ := strings.Cut(line, " "); first == "skip" || first == "stop" {
				t.Errorf("%s:%d skips: say needs, see cmd/lpc/needs_test.go", path, i+1)
			}
		}
		return err
	})
	if err != nil || scripts < 10 {
		t.Errorf("%d scripts, %v", scripts, err)
	}
}

// Every way to skip is seen in testdata/skips.txt, and nothing else.
func TestSkips(t *testing.T) {
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, "testdata/skips.txt", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var got []int
	for _, at := range skips(fset, []*ast.File{f}) {
		got = append(got, at.Line)
	}
	if want := []int{12, 13, 14, 15, 16, 17, 18, 19}; !slices.Equal(got, want) {
		t.Errorf("skips in lines %v, want %v", got, want)
	}
}
