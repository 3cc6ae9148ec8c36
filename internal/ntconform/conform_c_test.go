package ntconform

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/seed-eedd8485/lpc/internal/needs"
)

// TestC plays the scenes through C: testdata/driver.c over liblpc.so, all threads in one
// process, and in several.
func TestC(t *testing.T) {
	driver, env := buildDriver(t)
	for _, c := range []struct {
		name  string
		can   Needs
		probe string // how pointers are checked: by touching them, or by asking the kernel
	}{
		{"one process", Together | Pointers, "0"},
		{"processes", Pointers, "0"},
		{"one process that asks the kernel", Together | Pointers, "1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := NewProcesses(c.can, func() *exec.Cmd {
				cmd := exec.Command(driver)
				cmd.Env = append(os.Environ(), env, "LPC_SAFE_PROBE="+c.probe)
				cmd.Stderr = os.Stderr
				return cmd
			})
			play(t, d)
			if err := d.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

// buildDriver builds the library and the driver.
func buildDriver(t *testing.T) (path, env string) {
	t.Helper()
	capi := "../../capi"
	if dir := os.Getenv("LPC_CAPI"); dir != "" {
		capi = dir
	}
	if _, err := os.Stat(capi); err != nil {
		needs.Missing(t, "package capi is not in this tree: %v", err)
	}
	gcc := needs.Tool(t, "gcc", "gcc")
	dir := t.TempDir()
	lib := exec.Command("go", "build", "-buildmode=c-shared", "-o", filepath.Join(dir, "liblpc.so"), ".")
	lib.Dir = capi
	lib.Env = append(os.Environ(), "CGO_ENABLED=1")
	path = filepath.Join(dir, "driver")
	for _, cmd := range []*exec.Cmd{
		lib,
		exec.Command(gcc, "-std=c11", "-Wall", "-Wextra", "-Werror", "-O1", "-pthread", "-I", capi, "-o", path, "testdata/driver.c", "-L", dir, "-llpc"),
	} {
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %v\n%s", cmd.Args, err, out)
		}
	}
	return path, "LD_LIBRARY_PATH=" + dir
}
