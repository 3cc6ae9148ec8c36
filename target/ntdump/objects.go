package ntdump

import (
	"iter"

	"github.com/seed-eedd8485/lpc/target"
)

func (t *Target) noObjects() string { return t.notRead("objects, handles and ports") }

// none is an empty sequence.
func none[T any](func(T) bool) {}

// Ports is target.System's.
func (t *Target) Ports() (iter.Seq[target.Object], string) { return none[target.Object], "" }

// Object is target.System's.
func (t *Target) Object(uint64) (target.Object, error) { return target.Object{}, errObjects }

// Handles is target.System's.
func (t *Target) Handles(uint64) iter.Seq[target.Handle] { return none[target.Handle] }

// Names is target.System's.
func (t *Target) Names(string) iter.Seq[target.Object] { return none[target.Object] }
