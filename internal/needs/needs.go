package needs

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// CI reports whether what is missing is a failure: LPC_CI is set.
func CI() bool { return os.Getenv("LPC_CI") != "" }

// Missing skips the test, or fails it in CI, with a sentence that names what is missing
// and, where one can get it, how.
func Missing(t testing.TB, format string, args ...any) {
	t.Helper()
	if CI() {
		t.Fatalf(format, args...)
	}
	t.Skipf(format, args...)
}

// Elsewhere skips what is left out here for its time or by design; where names the make
// target, the environment variable or the step of CI that runs it. .ci/run knows its
// wording.
func Elsewhere(t testing.TB, where string) {
	t.Helper()
	t.Skip("left out here; it is run by " + where)
}

// Tool finds a program in PATH or among the administrator's, which a user's PATH often
// leaves out.
func Tool(t testing.TB, name, debianPackage string) (path string) {
	t.Helper()
	for _, dir := range []string{"", "/usr/sbin", "/sbin"} {
		if path, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
			return path
		}
	}
	Missing(t, "the program %s is not installed (Debian package %s)", name, debianPackage)
	return ""
}

// Root needs the test to run as root; why begins with "to" and says what for.
func Root(t testing.TB, why string) {
	t.Helper()
	if os.Geteuid() != 0 {
		Missing(t, "needs root, %s: this is uid %d", why, os.Geteuid())
	}
}

// File finds a file of the project's shared data by its name there. The data stand in the
// directory data of $LPC_SHARED, or of a directory shared beside this module's.
func File(t testing.TB, name string) (path string) {
	t.Helper()
	path, err := shared(name)
	if err != nil {
		Missing(t, "%v", err)
	}
	return path
}

func shared(name string) (path string, err error) {
	dir := os.Getenv("LPC_SHARED")
	if dir == "" {
		root, err := module()
		if err != nil {
			return "", err
		}
		dir = filepath.Join(filepath.Dir(root), "shared")
	}
	path = filepath.Join(dir, "data", name)
	if _, err := os.Stat(path); err != nil {
		return "", fmt.Errorf("the shared data have no file %s: %s cannot be found ($LPC_SHARED names another directory than ../shared)", name, path)
	}
	return path, nil
}

// module is the directory of this module: tests run in their package's.
func module() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("looking for the module's directory: %w", err)
	}
	for at := dir; ; at = filepath.Dir(at) {
		if _, err := os.Stat(filepath.Join(at, "go.mod")); err == nil {
			return at, nil
		}
		if at == filepath.Dir(at) {
			return "", fmt.Errorf("looking for the module's directory: no go.mod in %s and above", dir)
		}
	}
}
