package security

import (
	"os"
	"path/filepath"
	"testing"
)

func TestProgramName(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	// The kernel keeps 15 bytes of the file's name (proc_pid_comm(5)).
	want := filepath.Base(exe)
	want = want[:min(15, len(want))]
	if got := ProgramName(os.Getpid()); got != want {
		t.Errorf("own name: got %q, want %q", got, want)
	}
	for _, pid := range []int{0, -1, 1 << 30} {
		if got := ProgramName(pid); got != "" {
			t.Errorf("name of pid %d: got %q, want none", pid, got)
		}
	}
}

func TestPrintable(t *testing.T) {
	for in, want := range map[string]string{
		"":                 "",
		"spoolsv":          "spoolsv",
		"a b":              "a b",
		"\x1b[31mred\x07":  `\x1b[31mred\x07`,
		"new\nline":        `new\x0aline`,
		"Gerät":            "Gerät",
		"bad\xc3":          `bad\xc3`,
		"right\u202eleft":  `right\xe2\x80\xaeleft`,
		"\ufffd is itself": "\ufffd is itself",
	} {
		if got := printable(in); got != want {
			t.Errorf("printable(%q): got %q, want %q", in, got, want)
		}
	}
}
