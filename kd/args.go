package kd

import (
	"fmt"

	"github.com/seed-eedd8485/lpc/internal/escape"
	"github.com/seed-eedd8485/lpc/target"
)

// atMost refuses words that a command does not take.
func atMost(args []string, n int, usage string) error {
	if len(args) > n {
		return fmt.Errorf("%s is too much; usage: %s", escape.Text(args[n]), usage)
	}
	return nil
}

// optional is the address in args[i], 0 when there is none.
func (s *Session) optional(args []string, i int) (uint64, error) {
	if i >= len(args) {
		return 0, nil
	}
	return s.address(args[i])
}

// processArg is the process that a word names by its address or its id; without a
// word the default process, or the only one that the target has.
func (s *Session) processArg(args []string, i int) (target.Process, error) {
	sys := s.Target.System()
	addr, err := s.optional(args, i)
	if err != nil {
		return target.Process{}, err
	}
	if addr != 0 {
		return sys.Process(addr)
	}
	if s.process != 0 {
		return sys.Process(s.process)
	}
	var only *target.Process
	for p := range sys.Processes() {
		if only != nil {
			return target.Process{}, fmt.Errorf("which process? There are several; name one by its address or id, or set the default with .process")
		}
		only = &p
	}
	if only == nil {
		return target.Process{}, fmt.Errorf("this target shows no process")
	}
	return *only, nil
}
