package security

import (
	"errors"
	"fmt"
)

// step is a point of the way to a client's ids and back at which a test can let
// the kernel refuse.
type step string

// The steps in their order. Tests walk these lists.
const (
	setGroups    step = "setting groups"
	setGroup     step = "setting group id"
	setUser      step = "setting user id"
	dropCaps     step = "dropping capabilities"
	verifySwitch step = "verifying the switch"

	raiseCaps    step = "raising capabilities"
	backUser     step = "restoring user id"
	backGroup    step = "restoring group id"
	backGroups   step = "restoring groups"
	backCaps     step = "restoring capabilities"
	verifyReturn step = "verifying the return"
)

var (
	stepsThere = []step{setGroups, setGroup, setUser, dropCaps, verifySwitch}
	stepsBack  = []step{raiseCaps, backUser, backGroup, backGroups, backCaps, verifyReturn}
)

// refuse, when a test has set it, is asked before each step of any thread; its
// error takes the place of the step. After errSkip the step seems to be done.
var refuse func(step) error

var errSkip = errors.New("step skipped")

func doing(s step, f func() error) error {
	if refuse != nil {
		if err := refuse(s); err == errSkip {
			return nil
		} else if err != nil {
			return fmt.Errorf("%s: %w", s, err)
		}
	}
	if err := f(); err != nil {
		return fmt.Errorf("%s: %w", s, err)
	}
	return nil
}
