package kd

import (
	"fmt"
	"time"

	"github.com/seed-eedd8485/lpc/ntdump"
	"github.com/seed-eedd8485/lpc/target"
)

// sameKernel gives an earlier Windows dump the symbols of the session's, where both are
// of the same kernel: counts with and without the processors' tables do not compare.
// It is for a target that was opened for one command. notes say what makes the
// difference of the two worth less.
func (s *Session) sameKernel(earlier target.Target) (notes []string) {
	now := s.windows()
	before, ok := earlier.(windowsTarget)
	if now == nil || !ok {
		if now != nil || ok {
			notes = append(notes, "one of the two is no Windows dump: tags mean something else in each")
		}
		return notes
	}
	d, e := now.Dump(), before.Dump()
	a, b := kernelOf(d), kernelOf(e)
	if d.Header().Build != e.Header().Build || d.Header().Machine != e.Header().Machine || a != nil && b != nil && (a.Stamp != b.Stamp || a.Size != b.Size) {
		return append(notes, fmt.Sprintf("they are of different kernels: build %d then, build %d now", e.Header().Build, d.Header().Build))
	}
	if t := d.Types(); t != nil {
		e.SetTypes(t)
	}
	if x, y := started(d), started(e); !x.IsZero() && !y.IsZero() && x.Sub(y).Abs() > sameStart {
		notes = append(notes, fmt.Sprintf("the machine was started anew in between, at %s: what stands here is no growth", x.Format("2006-01-02 15:04:05 UTC")))
	}
	return notes
}

// sameStart is how much two dumps of one run may differ in when it began: clocks are
// set while a machine runs.
const sameStart = 5 * time.Minute

// started is when a machine was started.
func started(d *ntdump.Dump) time.Time {
	h := d.Header()
	if h.Time.IsZero() || h.Uptime <= 0 {
		return time.Time{}
	}
	return h.Time.Add(-h.Uptime)
}

// kernelOf is the kernel's module, nil where the list does not have it.
func kernelOf(d *ntdump.Dump) *ntdump.Module {
	list, _ := d.Modules() // the kernel stands at its start
	for i := range list {
		if list[i].Short() == "nt" {
			return &list[i]
		}
	}
	return nil
}
