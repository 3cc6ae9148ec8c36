package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-eedd8485/lpc/internal/proctest"
)

// Every command of docs/leak.md prints what stands there, over the service that leaks.
func TestDocsLeak(t *testing.T) {
	path := filepath.Join("..", "..", "docs", "leak.md")
	list := docCommands(t, path)
	if len(list) < 8 {
		t.Fatalf("%d commands were found in %s", len(list), path)
	}
	bin, work := t.TempDir(), t.TempDir()
	if out, err := exec.Command("go", "build", "-o", bin+"/", "../../examples/leak").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	t.Setenv("LPC_ROOT", t.TempDir())
	t.Setenv("LPC_STACKS", "1")
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	cmd := exec.Command(filepath.Join(bin, "leak"))
	cmd.Stderr = os.Stderr
	service := proctest.Start(t, cmd)
	service.Expect(t, "serving thumbs")
	runDocs(t, "docs/leak.md", list, work, fmt.Sprintf("PID=%d", service.PID()))
}

// The line of code that docs/leak.md names is the one that leaks.
func TestDocsLeakLine(t *testing.T) {
	b, err := os.ReadFile(filepath.Join("..", "..", "examples", "leak", "main.go"))
	if err != nil {
		t.Fatal(err)
	}
	doc, err := os.ReadFile(filepath.Join("..", "..", "docs", "leak.md"))
	if err != nil {
		t.Fatal(err)
	}
	for i, line := range strings.Split(string(b), "\n") {
		if strings.Contains(line, "AllocTag(") {
			if place := fmt.Sprintf("main.preview (main.go:%d)", i+1); !strings.Contains(string(doc), place) || !strings.Contains(string(doc), strings.TrimSpace(line)) {
				t.Errorf("docs/leak.md does not name %s, nor shows %s", place, strings.TrimSpace(line))
			}
			return
		}
	}
	t.Error("the example allocates nothing")
}
