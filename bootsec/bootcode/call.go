package bootcode

import (
	"golang.org/x/arch/x86/x86asm"

	"github.com/seed-eedd8485/lpc/bootsec/x86dec"
)

// pendingCall is a call whose return has not been seen.
type pendingCall struct {
	visit visit // the instruction behind, all but the segments forgotten
	from  uint32
	to    uint32
	away  bool // to code that is not in the sector
	done  bool // gone on behind
}

// call pushes the return address and goes to the function; the instruction
// behind is left for the return to reach.
func (w *walk) call(n *Node, v visit, seg, off uint16, known bool, before, after *state) {
	next := uint16(n.Inst.Next())
	forgotten := after.clone()
	forgotten.reg, forgotten.stack = [8][4]cell{4: after.reg[4]}, nil
	_, inside := w.image.locate(linearOf(seg, off))
	w.pend(pendingCall{visit: visit{seg: v.seg, off: next, s: forgotten}, from: n.Linear, to: linearOf(seg, off), away: !known || !inside})
	size := n.Inst.Asm.DataSize / 8
	if far(n.Inst.Asm.Op) {
		after.push(after.get(x86asm.CS))
	}
	after.push(number(uint32(next), size))
	after.callers = [2]uint32{n.Linear, after.callers[0]}
	w.jump(n, Called, "call", seg, off, known, before, after)
}

// pend keeps one call of each instruction and target.
func (w *walk) pend(p pendingCall) {
	for _, have := range w.pending {
		if have.from == p.from && have.to == p.to {
			return
		}
	}
	if len(w.pending) < 1000 {
		w.pending = append(w.pending, p)
	}
}

// resume goes on behind calls that did not come back: of functions outside the
// sector, and of functions that reach a return that could not be followed. It
// reports whether there is anything to do. What follows a call that never
// returns is data, as a rule the message that it prints.
func (w *walk) resume() bool {
	for i := range w.pending {
		p := &w.pending[i]
		if p.done || w.nodes[linearOf(p.visit.seg, p.visit.off)] != nil || !p.away && !w.losesReturn(p.to) {
			continue
		}
		// A function that prints what stands behind the call returns behind that.
		if n := w.message(linearOf(p.visit.seg, p.visit.off)); n > 0 {
			p.visit.off += uint16(n)
			if w.nodes[linearOf(p.visit.seg, p.visit.off)] != nil {
				continue
			}
		}
		p.done = true
		w.edge(p.from, Fall, p.visit)
	}
	return len(w.todo) > 0
}

// message returns the length of the string at an address with the zero that
// ends it; 0 if there is none that must be one.
func (w *walk) message(linear uint32) int {
	code, off, ok := w.image.code(linear)
	if !ok {
		return 0
	}
	s, _ := stringAt(w.image.data[:off+len(code)], off)
	if len(s) < 8 || len(s) >= len(code) || code[len(s)] != 0 {
		return 0
	}
	return len(s) + 1
}

// losesReturn reports whether a lost return can be reached from a function's
// start without following the calls within it.
func (w *walk) losesReturn(from uint32) bool {
	seen := map[uint32]bool{}
	todo := []uint32{from}
	for len(todo) > 0 {
		at := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		n := w.nodes[at]
		if n == nil || seen[at] {
			continue
		}
		seen[at] = true
		if w.lost[at] {
			return true
		}
		for _, e := range n.Next {
			if e.Kind == Fall || e.Kind == Taken {
				todo = append(todo, e.To)
			}
		}
		if n.Inst.Flow() == x86dec.Call || n.Inst.Flow() == x86dec.IndirectCall {
			todo = append(todo, linearOf(n.Seg, uint16(n.Inst.Next())))
		}
	}
	return false
}
