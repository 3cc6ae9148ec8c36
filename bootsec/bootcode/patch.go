package bootcode

import (
	"fmt"
	"strings"

	"golang.org/x/arch/x86/x86asm"

	"github.com/seed-eedd8485/lpc/bootsec/x86dec"
)

// patched looks at an instruction that the path has written over, and reports
// whether it was one: code that chooses between two ways by writing one of them
// into itself, as syslinux does. The instruction that stands in the file stays
// the node of the listing; the other is a note beside it, and is followed.
func (w *walk) patched(v visit, linear uint32, code []byte, offset int) bool {
	bytes, changed := v.s.overlay(linear, code)
	if !changed {
		return false
	}
	in, err := x86dec.Decode16(bytes, uint32(v.off))
	if err != nil || !differs(in.Bytes, code) {
		return false
	}
	n := w.patches[linear]
	fresh := n == nil
	if n == nil || string(n.Inst.Bytes) != string(in.Bytes) {
		if len(w.patches) >= 64 {
			return false
		}
		n = &Node{Linear: linear, Seg: v.seg, Off: v.off, Offset: offset, Inst: in}
		if w.patches == nil {
			w.patches = map[uint32]*Node{}
		}
		w.patches[linear] = n
	}
	s := n.arrive(v.s, &w.image)
	if s == nil {
		return true
	}
	from := linear
	if w.nodes[linear] == nil {
		from = v.from // the edges leave from the last instruction that the file has
	}
	if fresh {
		w.later = append(w.later, remarkAt{from, fmt.Sprintf("the code writes over %04x:%04x: %s", v.seg, v.off, strings.Join(strings.Fields(in.String()), " "))})
	}
	w.observe(n, s)
	after := s.clone()
	after.exec(in, &w.image)
	// What follows is attributed to an instruction of the file.
	at := *n
	at.Linear = from
	w.follow(&at, v, s, after)
	return true
}

// maxPatches bounds what a path remembers of writing over itself.
const maxPatches = 48 // bytes of text, three writes

// patch notes a constant that is written over the sector's bytes. It may be a
// variable; then the ways that differ in it are only kept apart for longer.
func (w *walk) patch(in x86dec.Inst, before, after *state) {
	a, ok := in.Asm.Args[0].(x86asm.Mem)
	if !ok || in.Asm.Op != x86asm.MOV || len(after.patch) >= maxPatches {
		return
	}
	linear, ok := before.address(a)
	if !ok {
		return
	}
	size := sizeOf(in)
	code, _, ok := w.image.code(linear)
	if !ok || len(code) < size {
		return
	}
	v, ok := after.read(linear, size, &w.image).num()
	if !ok || size < 2 { // a byte is a variable, not an instruction
		return
	}
	if note := fmt.Sprintf("%x=%0*x ", linear, 2*size, v); !strings.Contains(after.patch, note) {
		after.patch += note
	}
}

// remarkAt is a note to be made when the walk is done.
type remarkAt struct {
	linear uint32
	note   string
}

// overlay returns the bytes at an address as the path has written them.
func (s *state) overlay(linear uint32, code []byte) (bytes []byte, changed bool) {
	if len(s.mem) == 0 {
		return code, false
	}
	for i := range min(len(code), x86dec.MaxLen) {
		c, ok := s.mem[linear+uint32(i)]
		if !ok || c.kind != constant || c.n == code[i] {
			continue
		}
		if !changed {
			bytes, changed = append([]byte(nil), code[:min(len(code), x86dec.MaxLen)]...), true
		}
		bytes[i] = c.n
	}
	return bytes, changed
}

// differs reports whether the instruction is not what the file has there.
func differs(in, code []byte) bool {
	return len(code) < len(in) || string(in) != string(code[:len(in)])
}
