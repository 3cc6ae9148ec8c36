package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	readmeNumber = regexp.MustCompile(`0x[0-9a-f]+|[0-9]+(\.[0-9]+)?`)
	readmeBlank  = regexp.MustCompile(` +`)
)

// shape is a line without its numbers: two runs differ in nothing else, but for the name
// of a process that was gone before it was asked for.
func shape(line string) string {
	line = strings.ReplaceAll(line, "(gone)", "(lpc)")
	return strings.TrimSpace(readmeBlank.ReplaceAllString(readmeNumber.ReplaceAllString(line, "#"), " "))
}

// TestReadmeDemo: what the README shows of the demo is what the demo prints.
func TestReadmeDemo(t *testing.T) {
	b, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, shown, ok := strings.Cut(string(b), "The first prints")
	_, shown, ok2 := strings.Cut(shown, "```\n")
	shown, _, ok3 := strings.Cut(shown, "```\n")
	if !ok || !ok2 || !ok3 {
		t.Fatal("README.md has no block of the demo's output")
	}
	lpc := filepath.Join(t.TempDir(), "lpc")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", lpc, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	out, err := exec.CommandContext(t.Context(), lpc, "demo").Output()
	if err != nil {
		t.Fatal(err)
	}
	printed := map[string]bool{}
	for line := range strings.Lines(string(out)) {
		printed[shape(line)] = true
	}
	for line := range strings.Lines(shown) {
		if s := shape(line); s != "" && s != "..." && !printed[s] {
			t.Errorf("README.md shows a line that the demo does not print:\n%s", line)
		}
	}
}

// TestReadmeDeadlock: the README's transcript is the one that examples/deadlock keeps
// true.
func TestReadmeDeadlock(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile("../../examples/deadlock/README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, kept, ok := strings.Cut(string(b), "```\n")
	kept, _, ok2 := strings.Cut(kept, "```\n")
	if !ok || !ok2 {
		t.Fatal("examples/deadlock/README.md has no transcript")
	}
	have := map[string]bool{}
	for line := range strings.Lines(string(readme)) {
		have[shape(line)] = true
	}
	for line := range strings.Lines(kept) {
		if !have[shape(line)] {
			t.Errorf("README.md lacks this line of the transcript in examples/deadlock:\n%s", line)
		}
	}
}
