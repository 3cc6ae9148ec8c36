package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"time"

	"github.com/peterh/liner"

	"github.com/seed-eedd8485/lpc/internal/escape"
	"github.com/seed-eedd8485/lpc/kd"
)

// completeTime bounds the look at the target for a completion.
const completeTime = time.Second

// converse reads lines from the terminal until q or the end of input. An interrupt
// ends a command, or empties the line.
func (k *kdCmd) converse(s *kd.Session) error {
	line := liner.NewLiner()
	defer line.Close()
	line.SetCtrlCAborts(true)
	line.SetTabCompletionStyle(liner.TabPrints)
	line.SetCompleter(func(text string) []string {
		ctx, stop := context.WithTimeout(context.Background(), completeTime)
		defer stop()
		return s.Complete(ctx, text)
	})
	history := historyFile()
	if f, err := os.Open(history); err == nil {
		_, _ = line.ReadHistory(f) // a damaged history is none
		_ = f.Close()
	}
	defer saveHistory(line, history)
	defer keepOnInterrupt()()
	if err := carryOut(s, "vertarget"); err != nil {
		fmt.Println(escape.Text(err.Error()))
	}
	for {
		text, err := line.Prompt("kd> ")
		switch {
		case errors.Is(err, liner.ErrPromptAborted):
			continue
		case errors.Is(err, io.EOF):
			fmt.Println()
			return nil
		case err != nil:
			return failedKD(fmt.Errorf("reading the terminal: %w", err))
		}
		if text != "" {
			line.AppendHistory(text)
		}
		switch err := carryOut(s, text); {
		case errors.Is(err, kd.ErrQuit):
			return nil
		case err != nil:
			fmt.Println(escape.Text(err.Error()))
		}
	}
}

// keepOnInterrupt has an interrupt end no more than the command that runs: one that comes
// between two commands, as the second of two in a hurry does, would end the process and
// lose its history. It gives what undoes it.
func keepOnInterrupt() (undo func()) {
	c := make(chan os.Signal, 1) // which nobody reads
	signal.Notify(c, os.Interrupt)
	return func() { signal.Stop(c) }
}

// historyFile is where the lines of earlier sessions stand, "" where there is no
// place for it.
func historyFile() string {
	dir := os.Getenv("XDG_STATE_HOME")
	if dir == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return ""
		}
		dir = filepath.Join(home, ".local", "state")
	}
	return filepath.Join(dir, "lpc", "kd_history")
}

// saveHistory writes the history back. That it cannot be written loses it, and
// nothing else.
func saveHistory(line *liner.State, path string) {
	if path == "" || os.MkdirAll(filepath.Dir(path), 0o700) != nil {
		return
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return
	}
	_, _ = line.WriteHistory(f)
	_ = f.Close()
}
