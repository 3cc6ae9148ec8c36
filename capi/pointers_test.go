//go:build cgo && linux

package main

import (
	"bytes"
	"os"
	"os/exec"
	"testing"

	"github.com/seed-eedd8485/lpc/internal/capitest"
	"github.com/seed-eedd8485/lpc/internal/golden"
)

// Every pointer of every call, in every kind of badness: the same statuses in both ways
// to touch memory, and never the end of the program.
func TestPointers(t *testing.T) {
	program := capitest.Program(t, "testdata/pointers.c")
	for _, c := range []struct {
		name, arg, env, mode string
	}{
		{"touched", "", "", "mode 0\n"},
		{"asked of the kernel", "", "1", "mode 1\n"},
		{"SIGSEGV taken before the first call", "early", "", "mode 1\n"},
		{"SIGSEGV taken later, and said", "late", "", "mode 1\n"},
		{"SIGSEGV chained", "chain", "", "mode 1\n"},
		{"SIGSEGV chained, and said", "chain", "0", "mode 0\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			cmd := exec.Command(program, c.arg)
			cmd.Env = append(os.Environ(), "LPC_SAFE_PROBE="+c.env)
			var mode bytes.Buffer
			cmd.Stderr = &mode
			out, err := cmd.Output()
			if err != nil || mode.String() != c.mode {
				t.Fatalf("%v, %q, want %q", err, mode.String(), c.mode)
			}
			golden.Text(t, "pointers.golden", string(out))
		})
	}
}
