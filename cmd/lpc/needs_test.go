package main

import (
	"runtime"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/seed-eedd8485/lpc/internal/needs"
)

type testKey struct{} // of the script's own test

// withTest lets the script's commands reach its test.
func withTest(e *testscript.Env) { e.Values[testKey{}] = e.T().(testing.TB) }

// cmdNeeds is a script's first command where it needs something of the machine; see
// package needs.
//
//	needs root WHY      root; WHY begins with "to"
//	needs linux WHY     this system
//	needs file NAME     a file of the shared data: $FILE is where it stands
func cmdNeeds(ts *testscript.TestScript, neg bool, args []string) {
	need(ts, neg, len(args) == 2)
	t := ts.Value(testKey{}).(testing.TB)
	switch args[0] {
	case "root":
		needs.Root(t, args[1])
	case "linux":
		if runtime.GOOS != "linux" {
			needs.Missing(t, "needs Linux, %s: this is %s", args[1], runtime.GOOS)
		}
	case "file":
		ts.Setenv("FILE", needs.File(t, args[1]))
	default:
		ts.Fatalf("nobody knows what it is to need %s", args[0])
	}
}
