package bootcode

import (
	"golang.org/x/arch/x86/x86asm"
)

// hooked follows an interrupt vector that was just written, if it now leads
// into the sector: code that stays in memory does its work from there.
func (w *walk) hooked(n *Node, before, after *state) {
	a, ok := n.Inst.Asm.Args[0].(x86asm.Mem)
	if !ok || n.Inst.Asm.Op == x86asm.CMP || n.Inst.Asm.Op == x86asm.TEST {
		return
	}
	linear, ok := before.address(a)
	if !ok || linear >= 0x400 || !w.facts.hooks[linear/4] {
		return
	}
	at := linear &^ 3
	off, ok1 := after.read(at, 2, &w.image).num()
	seg, ok2 := after.read(at+2, 2, &w.image).num()
	if !ok1 || !ok2 {
		return
	}
	if _, _, inside := w.image.code(linearOf(uint16(seg), uint16(off))); inside {
		w.edge(n.Linear, Hook, visit{seg: uint16(seg), off: uint16(off), s: start(uint16(seg))})
	}
}
