package main

import (
	"bufio"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/seed-eedd8485/lpc/internal/golden"
)

// TestTranscript runs the program and lpc kd on it, and compares with the README: the
// process ids, message ids, thread ids and times are the README's own.
func TestTranscript(t *testing.T) {
	dir := t.TempDir()
	build := exec.Command("go", "build", "-o", dir+"/", ".", "../../cmd/lpc")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	env := append(os.Environ(), "LPC_ROOT="+dir)
	program := exec.Command(filepath.Join(dir, "deadlock"))
	program.Env = env
	out, err := program.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := program.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = program.Wait() }()
	defer func() { _ = program.Process.Signal(os.Interrupt) }()
	lines := bufio.NewReader(out)
	said := ""
	var pids []string
	for range 4 {
		line, err := lines.ReadString('\n')
		if err != nil {
			t.Fatalf("the program said %q: %v", said, err)
		}
		said += line
		if _, pid, ok := strings.Cut(strings.TrimSpace(line), "is process "); ok {
			pids = append(pids, "-p", pid)
		}
	}
	// No other process of this machine is looked at, so that a test beside this one
	// does not show.
	text, status := "", 0
	whole := regexp.MustCompile(`waits in .*, for \S+ s\n +at main\.`)
	for tries := 0; status == 0 || tries < 100 && len(whole.FindAllString(text, -1)) < 2; tries++ { // until both calls wait, and say since when and where
		kd := exec.Command(filepath.Join(dir, "lpc"), append([]string{"kd", "-c", "!deadlock"}, pids...)...)
		kd.Env = env
		b, err := kd.Output()
		var exit *exec.ExitError
		if errors.As(err, &exit) && exit.ExitCode() != 2 {
			status = exit.ExitCode()
		} else if err != nil {
			t.Fatal(err)
		}
		text = string(b)
	}
	transcript := "$ go run ./examples/deadlock &\n" + said + "$ lpc kd -c '!deadlock'\n" + text + "$ echo $?\n" + string(rune('0'+status)) + "\n"
	kept := golden.Part{Path: "README.md", Begin: "<!-- transcript: written by go test ./examples/deadlock -update -->\n```\n", End: "```\n<!-- /transcript -->\n"}
	if golden.Update() {
		kept.Write(t, transcript)
		return
	}
	if old := kept.Read(t); normal(old) != normal(transcript) {
		t.Errorf("%s is stale (go test ./examples/deadlock -update); got\n%s\nit has\n%s", kept.Path, transcript, old)
	}
}

var (
	times   = regexp.MustCompile(`\d+\.\d{3} s`)
	numbers = regexp.MustCompile(`\d+ thread \d+|0x[0-9a-f]+|\b\d{3,}\b`)
)

// normal names processes, threads and messages in the order in which they appear, and
// blanks times. A thread's id is one of its process's.
func normal(s string) string {
	names := map[string]string{}
	name := func(n string) string {
		if names[n] == "" {
			names[n] = "<" + string(rune('a'+len(names))) + ">"
		}
		return names[n]
	}
	return numbers.ReplaceAllStringFunc(times.ReplaceAllString(s, "<time>"), func(n string) string {
		if pid, _, ok := strings.Cut(n, " thread "); ok {
			return name(pid) + " thread " + name(n)
		}
		return name(n)
	})
}
