package main

import (
	"path/filepath"
	"testing"
)

// Every command of docs/watch.md prints what stands there, over this process: it has a
// port on which one call is served and one waits.
func TestDocsWatch(t *testing.T) {
	list := docCommands(t, filepath.Join("..", "..", "docs", "watch.md"))
	if len(list) < 4 {
		t.Fatalf("%d commands were found in docs/watch.md", len(list))
	}
	t.Setenv("LPC_ROOT", t.TempDir())
	held(t, "spool")
	settled(t, "spool")
	runDocs(t, "docs/watch.md", list, t.TempDir())
}
