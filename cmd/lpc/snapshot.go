package main

import (
	"errors"
	"fmt"

	"github.com/seed-eedd8485/lpc/internal/escape"
	"github.com/seed-eedd8485/lpc/target/live"
	"github.com/seed-eedd8485/lpc/target/snapshot"
)

// snapshotCmd is lpc snapshot.
type snapshotCmd struct {
	Out string `short:"o" name:"output" required:"" placeholder:"FILE" help:"The file; it is replaced when the snapshot is whole."`
	PID int    `short:"p" name:"pid" placeholder:"PID" help:"Take this process alone."`
}

// Run writes the pools of running processes to a file.
func (s *snapshotCmd) Run() error {
	t, err := live.Open(s.PID)
	if err != nil {
		return fmt.Errorf("taking a snapshot: %w", err)
	}
	defer func() { _ = t.Close() }()
	read, denied := 0, 0
	for p := range t.Processes() {
		if p.Err != nil {
			denied++
		} else {
			read++
		}
	}
	if read == 0 {
		return errors.New("taking a snapshot: there is no process with ports that the caller may look into")
	}
	size, err := snapshot.Save(s.Out, t.View, snapshot.Here())
	if err != nil {
		return fmt.Errorf("taking a snapshot: %w", err)
	}
	more := ""
	if denied > 0 {
		more = fmt.Sprintf(", %d more named that may not be read", denied)
	}
	fmt.Printf("%s: processes: %d%s; %d bytes\n", escape.Text(s.Out), read, more, size)
	return nil
}
