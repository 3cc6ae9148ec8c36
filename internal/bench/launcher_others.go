//go:build !linux

package bench

import (
	"errors"
	"os/exec"
)

// errUnimplemented is returned where lpc itself does not run.
var errUnimplemented = errors.New("lpc bench: not implemented for this system")

func allowedCPUs() ([]int, error)         { return nil, errUnimplemented }
func startOn(*exec.Cmd, int, []int) error { return errUnimplemented }
func footprintOf(int) (footprint, error)  { return footprint{}, errUnimplemented }
func cpuOf(int) (float64, error)          { return 0, errUnimplemented }
func isTerminal(uintptr) bool             { return false }
