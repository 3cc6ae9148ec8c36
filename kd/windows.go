package kd

import (
	"fmt"
	"time"

	"github.com/seed-eedd8485/lpc/internal/escape"
	"github.com/seed-eedd8485/lpc/ntdump"
)

// A windowsTarget is a Windows dump. Its bug check, saved registers and stacks are
// of no other target, so the commands that show them ask the dump itself.
type windowsTarget interface {
	Dump() *ntdump.Dump
	// Version is the name of the Windows.
	Version() string
	// Use makes user addresses those of a process; 0 is the one that ran.
	Use(process uint64) error
	// Ticks is the tick count of the dump and how long a tick is.
	Ticks() (now uint64, each time.Duration, ok bool)
}

// windows is the target as a Windows dump, nil when it is none.
func (s *Session) windows() windowsTarget {
	w, _ := s.Target.(windowsTarget)
	return w
}

// windowsDump is the Windows dump that a command is about; command is for the sentence
// where the target is none.
func (s *Session) windowsDump(command string) (*ntdump.Dump, error) {
	if w := s.windows(); w != nil {
		return w.Dump(), nil
	}
	return nil, fmt.Errorf("%s is for Windows dumps; this target is %s", command, escape.Text(s.Target.Describe()))
}
