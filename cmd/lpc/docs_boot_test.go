package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/seed-eedd8485/lpc"
	"github.com/seed-eedd8485/lpc/bootsec/boottest"
)

// docCommand is one command of a document and what it is said to print.
type docCommand struct {
	line   int
	text   string
	output []string
}

// docCommands are the commands of the console blocks of a document.
func docCommands(t *testing.T, path string) (list []docCommand) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	in := false
	for i, line := range strings.Split(string(b), "\n") {
		command, is := strings.CutPrefix(line, "$ ")
		switch {
		case strings.HasPrefix(line, "```"):
			in = line == "```console"
		case in && is:
			list = append(list, docCommand{line: i + 1, text: command})
		case in && len(list) > 0:
			c := &list[len(list)-1]
			c.output = append(c.output, line)
		}
	}
	return list
}

var docWord = regexp.MustCompile(`<(address|words)>`)

// matches tells whether what a command printed is what the document says: a line ...
// stands for any lines, <address> for a word, <words> for some.
func (c docCommand) matches(printed string) bool {
	var re strings.Builder
	re.WriteString("^")
	for _, line := range c.output {
		if line == "..." {
			re.WriteString(`(?:.*\n)*?`)
			continue
		}
		at := 0
		for _, m := range docWord.FindAllStringSubmatchIndex(line, -1) {
			re.WriteString(regexp.QuoteMeta(line[at:m[0]]))
			re.WriteString(map[string]string{"address": `\S+`, "words": `.+`}[line[m[2]:m[3]]])
			at = m[1]
		}
		re.WriteString(regexp.QuoteMeta(line[at:]) + `\n`)
	}
	re.WriteString("$")
	return regexp.MustCompile(re.String()).MatchString(printed)
}

// Every command of docs/boot.md prints what stands there: over a disk of our own, and
// over this process, which serves a port.
func TestDocsBoot(t *testing.T) {
	list := docCommands(t, filepath.Join("..", "..", "docs", "boot.md"))
	if len(list) < 8 {
		t.Fatalf("%d commands were found in docs/boot.md", len(list))
	}
	dir := t.TempDir()
	t.Setenv("LPC_ROOT", dir)
	port, err := lpc.Listen("spool", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer port.Close()
	work := t.TempDir()
	if err := os.WriteFile(filepath.Join(work, "disk.img"), boottest.Disk(), 0o600); err != nil {
		t.Fatal(err)
	}
	runDocs(t, "docs/boot.md", list, work)
}

// runDocs runs commands of a document in a directory, with PID this process's, unless env
// has another.
func runDocs(t *testing.T, doc string, list []docCommand, work string, env ...string) {
	t.Helper()
	for _, c := range list {
		cmd := exec.Command("sh", "-c", c.text)
		cmd.Dir = work
		cmd.Env = append(append(os.Environ(), fmt.Sprintf("PID=%d", os.Getpid())), env...)
		dog := time.AfterFunc(time.Minute, func() { _ = cmd.Process.Kill() }) // a watchdog: no bound is tested
		out, err := cmd.CombinedOutput()
		dog.Stop()
		if err != nil || !c.matches(string(out)) {
			t.Errorf("%s:%d: %s\nprints (%v)\n%s\nnot\n%s", doc, c.line, c.text, err, out, strings.Join(c.output, "\n"))
		}
	}
}
