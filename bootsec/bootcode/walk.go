package bootcode

import (
	"fmt"
	"sort"

	"golang.org/x/arch/x86/x86asm"

	"github.com/seed-eedd8485/lpc/bootsec/x86dec"
)

// Bounds of a walk. A boot sector takes some hundreds of steps; one made to
// take many more is cut off and says so.
const (
	maxSteps  = 50000
	maxGroups = 16 // callers, and ways in which code writes over itself, that are told apart
	maxStates = 8  // ways to get to one instruction that are told apart
)

// visit is one instruction to be looked at with what is known before it.
type visit struct {
	seg, off uint16
	s        *state
	from     uint32 // the instruction that control comes from
}

// walk is one run of Analyze.
type walk struct {
	*Code
	image   image
	todo    []visit
	left    int
	pending []pendingCall
	lost    map[uint32]bool // returns whose address was not known
	bad     map[uint32]bool
	refs    map[uint32]map[int]bool // offsets whose address an instruction loads
	others  map[uint32]bool         // and where it is not always known
	patches map[uint32]*Node        // instructions as the code itself writes them
	later   []remarkAt
}

// linearOf returns the address of seg:off.
func linearOf(seg, off uint16) uint32 { return uint32(seg)<<4 + uint32(off) }

func (w *walk) run() {
	w.bad, w.lost = map[uint32]bool{}, map[uint32]bool{}
	w.todo = []visit{{off: w.Load, s: start(0)}}
	for {
		for len(w.todo) > 0 {
			v := w.todo[len(w.todo)-1]
			w.todo = w.todo[:len(w.todo)-1]
			if w.left--; w.left < 0 {
				w.Truncated = true
				w.todo = nil
				break
			}
			w.steps++
			w.step(v)
		}
		if w.Truncated || !w.resume() {
			break
		}
	}
	for _, n := range w.nodes {
		w.Nodes = append(w.Nodes, n)
	}
	sort.Slice(w.Nodes, func(i, j int) bool { return w.Nodes[i].Linear < w.Nodes[j].Linear })
	w.note()
}

// step looks at one instruction.
func (w *walk) step(v visit) {
	linear := linearOf(v.seg, v.off)
	code, offset, ok := w.image.code(linear)
	if !ok {
		if _, inside := w.image.locate(linear); inside && !w.bad[linear] {
			w.bad[linear] = true
			w.Bad = append(w.Bad, BadCode{Linear: linear, Text: "the code runs into the partition table"})
		}
		return
	}
	if w.patched(v, linear, code, offset) {
		return
	}
	n := w.nodes[linear]
	if n == nil {
		in, err := x86dec.Decode16(code, uint32(v.off))
		if err != nil {
			if !w.bad[linear] {
				w.bad[linear] = true
				w.Bad = append(w.Bad, BadCode{Linear: linear, Text: err.Error()})
			}
			return
		}
		n = &Node{Linear: linear, Seg: v.seg, Off: v.off, Offset: offset, Inst: in}
		w.nodes[linear] = n
	}
	s := n.arrive(v.s, &w.image)
	if s == nil {
		return
	}
	w.observe(n, s)
	after := s.clone()
	w.copyCode(n, s)
	after.exec(n.Inst, &w.image)
	w.patch(n.Inst, s, after)
	w.refer(n, after)
	w.hooked(n, s, after)
	w.follow(n, v, s, after)
}

// edge notes where control goes from the instruction at from, and goes there.
func (w *walk) edge(from uint32, kind EdgeKind, to visit) {
	n := w.nodes[from]
	if n == nil {
		return
	}
	to.from = from
	e := Edge{Kind: kind, To: linearOf(to.seg, to.off)}
	seen := false
	for _, have := range n.Next {
		seen = seen || have == e
	}
	if !seen {
		n.Next = append(n.Next, e)
	}
	w.todo = append(w.todo, to)
}

// follow goes to where control goes after n; before and after are the states.
func (w *walk) follow(n *Node, v visit, before, after *state) {
	in := n.Inst
	behind := visit{seg: v.seg, off: uint16(in.Next()), s: after}
	switch in.Flow() {
	case x86dec.Next, x86dec.Stop:
		w.edge(n.Linear, Fall, behind)
	case x86dec.Interrupt:
		w.interrupt(n, before, after)
		if vector, _ := in.Asm.Args[0].(x86asm.Imm); in.Asm.Op == x86asm.INT && (vector == 0x19 || vector == 0x20) {
			return // the BIOS boots anew; DOS ends the program
		}
		w.edge(n.Linear, Fall, behind)
	case x86dec.Branch:
		target, _ := in.Target()
		fall := after.clone()
		if after.tested.on {
			switch in.Asm.Op {
			case x86asm.JE:
				after.endText(&w.image)
			case x86asm.JNE:
				fall.endText(&w.image)
			}
		}
		w.edge(n.Linear, Fall, visit{seg: behind.seg, off: behind.off, s: fall})
		w.jump(n, Taken, "branch", v.seg, uint16(target), true, before, after)
	case x86dec.Jump:
		seg, off := v.seg, uint32(0)
		if s, o, far := in.FarTarget(); far {
			seg, off = s, o
			after.setSeg(x86asm.CS, number(uint32(s), 2))
		} else {
			off, _ = in.Target()
		}
		if off > 0xffff { // out of the segment: only protected mode has that
			w.exit(Exit{At: n.Linear, How: "jump", Known: true, Seg: seg, Off: off, Mode: w.facts.protected[n.Linear]})
			return
		}
		w.jump(n, Taken, "jump", seg, uint16(off), true, before, after)
	case x86dec.Call:
		seg, off := v.seg, uint32(0)
		if s, o, far := in.FarTarget(); far {
			seg, off = s, o
		} else {
			off, _ = in.Target()
		}
		w.call(n, v, seg, uint16(off), true, before, after)
	case x86dec.IndirectJump, x86dec.IndirectCall:
		w.indirect(n, v, before, after)
	case x86dec.Return:
		w.ret(n, v, before, after)
	}
}

// far reports whether an indirect jump or a return takes a segment too.
func far(op x86asm.Op) bool {
	return op == x86asm.LJMP || op == x86asm.LCALL || op == x86asm.LRET || op == x86asm.IRET || op == x86asm.IRETD
}

// jump goes to seg:off within the sector, or notes that control leaves it.
func (w *walk) jump(n *Node, kind EdgeKind, how string, seg, off uint16, known bool, before, after *state) {
	linear := linearOf(seg, off)
	_, _, inside := w.image.code(linear)
	replaced := before.overwritten(linear)
	// Back from the copy to where the code was loaded, with nothing seen that
	// was read there: the read was not followed, for else it makes no sense.
	again := linear == uint32(w.Load) && len(w.Copies) > 0 && n.Linear-uint32(w.Load) >= uint32(len(w.Data))
	if known && inside && !replaced && !again {
		after.setSeg(x86asm.CS, number(uint32(seg), 2))
		w.edge(n.Linear, kind, visit{seg: seg, off: off, s: after})
		return
	}
	w.exit(Exit{At: n.Linear, How: how, Known: known, Seg: seg, Off: uint32(off), Loaded: known && inside && (replaced || again) || known && replaced, Mode: w.facts.protected[n.Linear]})
}

// indirect takes the target from a register or from memory.
func (w *walk) indirect(n *Node, v visit, before, after *state) {
	in := n.Inst
	size := in.Asm.DataSize / 8
	seg, known := uint32(v.seg), true
	var off uint32
	if far(in.Asm.Op) {
		t := make(word, size+2)
		if a, ok := in.Asm.Args[0].(x86asm.Mem); ok {
			t = before.fetch(a, size+2, &w.image)
		}
		off, known = t[:size].num()
		s, ok := t[size : size+2].num()
		seg, known = s, known && ok
	} else {
		off, known = before.operand(in, in.Asm.Args[0], size, &w.image).num()
	}
	if in.Flow() == x86dec.IndirectCall {
		w.call(n, v, uint16(seg), uint16(off), known, before, after)
		return
	}
	w.jump(n, Taken, "jump", uint16(seg), uint16(off), known, before, after)
}

// ret takes the target from the stack.
func (w *walk) ret(n *Node, v visit, before, after *state) {
	in := n.Inst
	size := in.Asm.DataSize / 8
	off, known := after.pop(size, &w.image).num()
	seg := uint32(v.seg)
	if far(in.Asm.Op) {
		s, ok := after.pop(size, &w.image)[:2].num()
		seg, known = s, known && ok
	}
	if in.Asm.Op == x86asm.IRET || in.Asm.Op == x86asm.IRETD {
		after.pop(size, &w.image)
	}
	if imm, ok := in.Asm.Args[0].(x86asm.Imm); ok {
		after.pop(int(imm)&0xff, &w.image)
	}
	after.callers = [2]uint32{after.callers[1]}
	if !known {
		w.lost[n.Linear] = true
	}
	w.jump(n, Back, "return", uint16(seg), uint16(off), known, before, after)
}

// addOnce appends s unless it is there.
func addOnce(list []string, s string) []string {
	for _, have := range list {
		if have == s {
			return list
		}
	}
	return append(list, s)
}

// segOff prints a linear address as people write boot code's: in segment 0 if
// it fits, else with the highest segment that is a multiple of 1000h.
func segOff(linear uint32) string {
	if linear < 0x10000 {
		return fmt.Sprintf("0000:%04x", linear)
	}
	return fmt.Sprintf("%04x:%04x", linear>>4&0xf000, linear&0xffff)
}
