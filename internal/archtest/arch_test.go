package archtest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/seed-eedd8485/lpc"

// layers, from the bottom: a package imports packages of lower layers only, or of
// its own layer where the table says so. A package that is not listed fails.
var layers = [][]string{
	{"wire", "internal/failpoint", "internal/escape", "bin", "security", "isf"},
	{"namespace", "section", "internal/pool", "isf/pdb", "bootsec", "ntdump"}, // target/disk and target/ntdump stand over the last two
	{"internal/link", "internal/channel", "target"},
	{"internal/engine"},
	{"", "nt"}, // the root package: the vocabulary; NT's calls
	{"internal/bench", "waitgraph", "capi"},
	{"kd"},
	{"deadlock"},
	{"cmd/lpc", "examples"},
}

// external lists what each package may import beyond the standard library and this
// module. The library needs golang.org/x/sys alone.
var external = map[string][]string{
	"namespace": {"golang.org/x/sys"}, "section": {"golang.org/x/sys"}, "security": {"golang.org/x/sys"},
	"internal/pool": {"golang.org/x/sys"}, "internal/link": {"golang.org/x/sys"}, "internal/channel": {"golang.org/x/sys"},
	"internal/engine": {"golang.org/x/sys"}, "": {"golang.org/x/sys"}, "nt": {"golang.org/x/sys"}, "capi": {"golang.org/x/sys"}, "internal/bench": {"golang.org/x/sys"},
	"cmd/lpc": {"golang.org/x/sys", "github.com/alecthomas/kong", "github.com/peterh/liner"}, "bootsec": {"golang.org/x/arch"},
	"target": {"golang.org/x/sys", "github.com/klauspost/compress"}, "kd": {"golang.org/x/arch"},
	"isf": {"github.com/ulikunitz/xz"}, "ntdump": {"golang.org/x/sys"},
}

// unsafeIn are the packages that may use unsafe, in files named *_unsafe.go.
var unsafeIn = []string{"internal/pool", "internal/channel", "internal/link", "internal/engine", "section", "security", "nt", "capi", "internal/bench", "target", "ntdump"}

// testOnly packages hold tests and their helpers; the rules above are not theirs.
var testOnly = []string{"internal/archtest", "internal/robust", "internal/lintest", "internal/model", "internal/targettest", "internal/ntconform", "internal/needs", "internal/golden", "internal/proctest", "internal/capitest"}

type file struct {
	path string // from the root
	pkg  string // directory from the root, "" for the root itself
	ast  *ast.File
}

func sources(t *testing.T) []file {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	var files []file
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(root, path)
		if d.IsDir() {
			_, mod := os.Stat(filepath.Join(path, "go.mod"))
			if n := d.Name(); rel != "." && (strings.HasPrefix(n, ".") || n == "testdata" || mod == nil) {
				return filepath.SkipDir // contrib has modules of its own
			}
			return nil
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments)
		if err != nil {
			return err
		}
		pkg := filepath.ToSlash(filepath.Dir(rel))
		if pkg == "." {
			pkg = ""
		}
		files = append(files, file{rel, pkg, f})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// layerOf is the layer of a package: the most precise entry that holds it.
func layerOf(pkg string) (int, string) {
	best, name := -1, ""
	for i, l := range layers {
		for _, p := range l {
			if (pkg == p || p != "" && strings.HasPrefix(pkg, p+"/")) && (best < 0 || len(p) > len(name)) {
				best, name = i, p
			}
		}
	}
	return best, name
}

func TestImportsPointDown(t *testing.T) {
	for _, f := range sources(t) {
		if slices.Contains(testOnly, f.pkg) {
			continue
		}
		mine, group := layerOf(f.pkg)
		if mine < 0 {
			t.Errorf("%s: package %q is in no layer", f.path, f.pkg)
			continue
		}
		for _, imp := range f.ast.Imports {
			path, _ := strconv.Unquote(imp.Path.Value)
			if path != module && !strings.HasPrefix(path, module+"/") {
				continue
			}
			to := strings.TrimPrefix(strings.TrimPrefix(path, module), "/")
			theirs, theirGroup := layerOf(to)
			if group == theirGroup {
				continue // parts of one package
			}
			if theirs >= mine {
				t.Errorf("%s imports %s, which is not below it", f.path, path)
			}
		}
	}
}

// debugger packages read memory; linking what runs the calls would let a command
// ask the engine of its own process instead.
var debugger = []string{"kd", "waitgraph", "target", "ntdump", "isf", "isf/pdb", "bootsec", "bin"}

func TestDebuggerNeverImportsTheEngine(t *testing.T) {
	for _, f := range sources(t) {
		if _, group := layerOf(f.pkg); !slices.Contains(debugger, group) {
			continue
		}
		for _, imp := range f.ast.Imports {
			path, _ := strconv.Unquote(imp.Path.Value)
			for _, never := range []string{"", "/internal/engine", "/internal/channel", "/internal/link"} {
				if path == module+never {
					t.Errorf("%s imports %s", f.path, path)
				}
			}
		}
	}
}

func TestExternalImports(t *testing.T) {
	for _, f := range sources(t) {
		if slices.Contains(testOnly, f.pkg) {
			continue
		}
		_, group := layerOf(f.pkg)
		for _, imp := range f.ast.Imports {
			path, _ := strconv.Unquote(imp.Path.Value)
			if first, _, _ := strings.Cut(path, "/"); !strings.Contains(first, ".") || strings.HasPrefix(path, module) {
				continue
			}
			ok := slices.ContainsFunc(external[group], func(p string) bool { return path == p || strings.HasPrefix(path, p+"/") })
			if !ok {
				t.Errorf("%s imports %s, which its package may not", f.path, path)
			}
		}
	}
}

func TestUnsafeIsFenced(t *testing.T) {
	for _, f := range sources(t) {
		for _, imp := range f.ast.Imports {
			if imp.Path.Value != `"unsafe"` {
				continue
			}
			_, group := layerOf(f.pkg)
			if !strings.HasSuffix(f.path, "_unsafe.go") {
				t.Errorf("%s imports unsafe; only files named *_unsafe.go may", f.path)
			}
			if !slices.Contains(unsafeIn, group) {
				t.Errorf("%s imports unsafe; its package may not", f.path)
			}
		}
	}
}

func TestEveryPackageSaysWhatItIs(t *testing.T) {
	said, all := map[string]bool{}, map[string]bool{}
	for _, f := range sources(t) {
		all[f.pkg] = true
		if d := f.ast.Doc; d != nil && (strings.HasPrefix(d.Text(), "Package ") || strings.HasPrefix(d.Text(), "Command ")) {
			said[f.pkg] = true
		}
	}
	for pkg := range all {
		if !said[pkg] {
			t.Errorf("package %q has no package comment", pkg)
		}
	}
}

// helpers are what tests share: only tests and other helpers import them.
var helpers = []string{"internal/needs", "internal/capitest", "internal/golden", "internal/proctest", "internal/targettest", "bootsec/boottest", "ntdump/dumptest", "internal/pool/pooltest", "bootsec/internal/ndisasm"}

func TestHelpersAreForTests(t *testing.T) {
	for _, f := range sources(t) {
		if slices.Contains(testOnly, f.pkg) || slices.Contains(helpers, f.pkg) {
			continue
		}
		for _, imp := range f.ast.Imports {
			path, _ := strconv.Unquote(imp.Path.Value)
			if to, ok := strings.CutPrefix(path, module+"/"); ok && slices.Contains(helpers, to) {
				t.Errorf("%s imports %s, which is for tests", f.path, path)
			}
		}
	}
}

func TestFilesStaySmall(t *testing.T) {
	for _, f := range sources(t) {
		b, err := os.ReadFile(filepath.Join("../..", f.path))
		if err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(string(b), "\n"); n > 600 {
			t.Errorf("%s has %d lines: does it still hold one idea?", f.path, n)
		}
	}
}
