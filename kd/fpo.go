package kd

import (
	"github.com/seed-eedd8485/lpc/isf/pdb"
	"github.com/seed-eedd8485/lpc/ntdump/stack"
)

// fpo is what debug information tells of the stack frame of the x86 code at an
// address, as stack walks ask: for their way, and for kv's remarks. Types that a PDB
// gave know frames.
func (im *images) fpo(va uint64) (stack.FPO, bool) {
	m := im.at(va)
	frames, ok := im.types.(pdb.Frames)
	if m == nil || !ok || m.Short() != "nt" {
		return stack.FPO{}, false
	}
	f, ok := frames.FPO(va - m.Base)
	return stack.FPO{
		Kind: stack.FPOKind(f.Kind), Params: f.Params, Locals: f.Locals, Registers: f.Registers, UsesBP: f.UsesBP, Program: f.Program,
	}, ok
}
