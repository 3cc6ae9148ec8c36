package bootcode

import (
	"fmt"

	"golang.org/x/arch/x86/x86asm"
)

// copyCode follows a move of the sector by itself.
func (w *walk) copyCode(n *Node, s *state) {
	op := n.Inst.Asm.Op
	if op != x86asm.MOVSB && op != x86asm.MOVSW && op != x86asm.MOVSD || !n.Inst.Repeats() {
		return
	}
	src, ok := n.Inst.Asm.Args[1].(x86asm.Mem)
	count, counted := s.get(x86asm.CX).num()
	if !ok || !counted {
		return
	}
	from, fok := s.address(src)
	to, tok := s.linear(x86asm.ES, s.get(x86asm.DI))
	size := int(count) * n.Inst.StringUnit()
	if !fok || !tok {
		return
	}
	if s.overwritten(from) || size < 16 {
		w.facts.moves = addOnce(w.facts.moves, fmt.Sprintf("%d bytes from %s to %s", size, segOff(from), segOff(to)))
		return
	}
	if r, fresh := w.image.copied(from, to, size); fresh {
		seg, _ := s.get(x86asm.ES).num()
		off, _ := s.get(x86asm.DI).num()
		w.Copies = append(w.Copies, Copy{At: n.Linear, From: from, To: to, Bytes: r.n, Seg: uint16(seg), Off: uint16(off)})
	} else if _, own := w.image.locate(from); !own {
		w.facts.moves = addOnce(w.facts.moves, fmt.Sprintf("%d bytes from %s to %s", size, segOff(from), segOff(to)))
	}
}
