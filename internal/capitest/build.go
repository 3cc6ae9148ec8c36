package capitest

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/seed-eedd8485/lpc/internal/needs"
	"github.com/seed-eedd8485/lpc/internal/proctest"
)

var library struct {
	sync.Mutex
	dir string
	out []byte // what the build said, if it failed
	err error
}

// Main runs a package's tests with names of their own, and takes the library away: what
// it gives is the status to exit with.
func Main(m *testing.M) int {
	defer Remove()
	return proctest.InOwnRoot(m)
}

// Remove takes the library away, if it was built.
func Remove() {
	library.Lock()
	defer library.Unlock()
	if library.dir != "" {
		_ = os.RemoveAll(library.dir)
		library.dir = ""
	}
}

// Library is the directory with liblpc.so and lpc.h.
func Library(t testing.TB) (dir string) {
	t.Helper()
	tool := needs.Tool(t, "make", "make")
	compiler(t)
	library.Lock()
	defer library.Unlock()
	if library.dir == "" {
		if library.dir, library.err = os.MkdirTemp("", "lpc-capi-"); library.err == nil {
			library.err = os.Chmod(library.dir, 0o755) // programs of other users load it, too
		}
		if library.err == nil {
			cmd := exec.Command(tool, "--no-print-directory", "capi", "OUT="+library.dir)
			cmd.Dir = module(t)
			library.out, library.err = cmd.CombinedOutput()
		}
	}
	if library.err != nil {
		t.Fatalf("building liblpc.so: %v\n%s", library.err, library.out)
	}
	return library.dir
}

// compiler finds gcc, and C's headers with it.
func compiler(t testing.TB) string {
	t.Helper()
	gcc := needs.Tool(t, "gcc", "gcc")
	cmd := exec.Command(gcc, "-E", "-x", "c", "-o", os.DevNull, "-")
	cmd.Stdin = strings.NewReader("#include <stdio.h>\n")
	if err := cmd.Run(); err != nil {
		needs.Missing(t, "gcc finds no stdio.h (Debian package libc6-dev)")
	}
	return gcc
}

// Program compiles a C program over the library, with all that is to be said about it an
// error, and gives its path. Every user may run it.
func Program(t testing.TB, source string, flags ...string) string {
	t.Helper()
	dir := Library(t)
	path := filepath.Join(proctest.PublicDir(t), strings.TrimSuffix(filepath.Base(source), ".c"))
	args := []string{"-std=gnu11", "-O2", "-g", "-Wall", "-Wextra", "-Werror", "-I", dir, "-o", path, source}
	args = append(args, flags...)
	args = append(args, "-L", dir, "-llpc", "-lpthread", "-Wl,-rpath,"+dir)
	if out, err := exec.Command(compiler(t), args...).CombinedOutput(); err != nil {
		t.Fatalf("compiling %s: %v\n%s", source, err, out)
	}
	return path
}

// module is the directory of this module: tests run in their package's.
func module(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for at := dir; ; at = filepath.Dir(at) {
		if _, err := os.Stat(filepath.Join(at, "go.mod")); err == nil {
			return at
		}
		if at == filepath.Dir(at) {
			t.Fatalf("no go.mod in %s and above", dir)
		}
	}
}
