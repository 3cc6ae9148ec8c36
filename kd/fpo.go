package kd

import "github.com/seed-eedd8485/lpc/ntdump/stack"

// fpo is what debug information tells of the stack frame of the x86 code at an
// address, as stack walks ask: for their way, and for kv's remarks.
func (im *images) fpo(va uint64) (stack.FPO, bool) {
	f, ok := im.frame(va)
	return stack.FPO{
		Kind: stack.FPOKind(f.Kind), Params: f.Params, Locals: f.Locals, Registers: f.Registers, UsesBP: f.UsesBP, Program: f.Program,
	}, ok
}
