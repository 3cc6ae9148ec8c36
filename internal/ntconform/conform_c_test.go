package ntconform

import (
	"os"
	"os/exec"
	"testing"

	"github.com/seed-eedd8485/lpc/internal/capitest"
)

// TestC plays the scenes through C: testdata/driver.c over liblpc.so, all threads in one
// process, and in several.
func TestC(t *testing.T) {
	driver := capitest.Program(t, "testdata/driver.c")
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
				cmd.Env = append(os.Environ(), "LPC_SAFE_PROBE="+c.probe)
				return cmd
			})
			play(t, d)
			if err := d.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}
