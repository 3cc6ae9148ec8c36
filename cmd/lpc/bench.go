package main

import "github.com/seed-eedd8485/lpc/internal/bench"

// benchCmd stands for lpc bench in the help; run hands its arguments to benchMain unread.
type benchCmd struct {
	Args []string `arg:"" optional:""`
}

// benchMain runs lpc bench; benchChild reports whether this process was a child
// of it and has done its work.
var (
	benchMain  = bench.Main
	benchChild = bench.Child
)
