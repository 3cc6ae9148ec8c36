package bootcode

import (
	"fmt"

	"golang.org/x/arch/x86/x86asm"

	"github.com/seed-eedd8485/lpc/bootsec/x86dec"
)

// facts are what the verdict is drawn from, besides what Code shows.
type facts struct {
	status    bool              // the status byte of an entry is tested
	kind      bool              // the type byte of an entry is tested
	steps     bool              // a pointer goes on from one entry to the next
	signature map[uint32]bool   // addresses whose word is compared with AA55
	sigOther  bool              // compared with AA55 at an address that is not known
	protected map[uint32]string // where cr0 was written before a jump
	protects  bool
	hooks     map[uint32]bool // interrupt vectors written
	assumed   bool            // the size of memory was asked for
	memory    bool            // 0:413, the size of memory, is written
	moves     []string        // copies of what is not the sector's own
}

// Exit is a place where control leaves the bytes that were given.
type Exit struct {
	At     uint32 `json:"at"`
	How    string `json:"how"`   // jump, branch, call or return
	Known  bool   `json:"known"` // seg:off is known
	Seg    uint16 `json:"seg"`
	Off    uint32 `json:"off"`            // over FFFF only in protected mode
	Loaded bool   `json:"loaded"`         // to what was read from disk there
	Mode   string `json:"mode,omitempty"` // "protected" if it leaves real mode
}

// Target returns the address as text.
func (e Exit) Target() string {
	if !e.Known {
		return "an address that is not known"
	}
	return fmt.Sprintf("%04x:%04x", e.Seg, e.Off)
}

// restarts reports a jump to where a processor starts after a reset.
func (e Exit) restarts() bool {
	return e.Known && (e.Seg == 0xffff && e.Off == 0 || e.Seg == 0xf000 && e.Off == 0xfff0)
}

// intoTable reports a jump into the partition table.
func (e Exit) intoTable(c *Code) bool {
	linear := uint32(e.Seg)<<4 + e.Off
	for _, start := range append([]Copy{{To: uint32(c.Load), From: uint32(c.Load)}}, c.Copies...) {
		off := linear - start.To + start.From - uint32(c.Load)
		if e.Known && c.Table && off >= diskIDOffset && off < sectorBytes {
			return true
		}
	}
	return false
}

func (w *walk) exit(e Exit) {
	for _, have := range w.Exits {
		if have == e {
			return
		}
	}
	if len(w.Exits) < 1000 {
		w.Exits = append(w.Exits, e)
	}
}

// observe notes what an instruction tells about the purpose of the code.
func (w *walk) observe(n *Node, s *state) {
	f := &w.facts
	in := n.Inst
	asm := in.Asm
	size := sizeOf(in)
	for _, arg := range asm.Args[:2] {
		if a, ok := arg.(x86asm.Mem); ok {
			if linear, ok := s.address(a); ok && linear == 0x413 {
				f.assumed = true
			}
		}
	}
	switch asm.Op {
	case x86asm.CMP, x86asm.TEST, x86asm.OR, x86asm.AND, x86asm.BT, x86asm.ADD, x86asm.SUB, x86asm.SHL, x86asm.ROL:
		w.compared(in, s, size)
	}
	if asm.Op == x86asm.ADD {
		if v, ok := s.operand(in, asm.Args[1], size, &w.image).num(); ok && v == 16 {
			if _, entry := entryOf(s.operand(in, asm.Args[0], size, &w.image), &w.image); entry && w.Table {
				f.steps = true
			}
		}
	}
	if a, ok := asm.Args[0].(x86asm.Reg); ok && asm.Op == x86asm.MOV && a == x86asm.CR0 || asm.Op == x86asm.LMSW {
		f.protects = true
	}
	if f.protects && asm.Op == x86asm.LJMP && asm.Args[1] != nil {
		if seg, _, _ := in.FarTarget(); seg != 0 && seg < 0x100 {
			if f.protected == nil {
				f.protected = map[uint32]string{}
			}
			f.protected[n.Linear] = "protected"
		}
	}
	w.written(n, s, size)
}

// compared looks at what is tested: the status or type of an entry, or the
// signature of a sector.
func (w *walk) compared(in x86dec.Inst, s *state, size int) {
	f := &w.facts
	asm := in.Asm
	var value [2]word
	for i := range value {
		if asm.Args[i] != nil {
			value[i] = s.operand(in, asm.Args[i], size, &w.image)
		}
		if len(value[i]) == 0 {
			continue
		}
		if c := value[i][0]; c.kind == entryByte && w.Table {
			f.status = f.status || c.n == 0
			f.kind = f.kind || c.n == 4
		}
	}
	for i := range value {
		if v, ok := value[i].num(); !ok || v&0xffff != 0xaa55 || size < 2 {
			continue
		}
		a, ok := asm.Args[1-i].(x86asm.Mem)
		if !ok {
			if _, reg := asm.Args[1-i].(x86asm.Reg); reg && value[1-i] != nil && asm.Args[1-i] != asm.Args[i] {
				if asm.Args[1-i] != x86asm.BX && asm.Args[1-i] != x86asm.EBX { // bx is the answer to int 13h, ah 41
					f.sigOther = true
				}
			}
			continue
		}
		if linear, ok := s.address(a); ok {
			if f.signature == nil {
				f.signature = map[uint32]bool{}
			}
			f.signature[linear] = true
		} else {
			f.sigOther = true
		}
	}
}

// written looks for writes to the BIOS's own memory: interrupt vectors, and the
// word that gives the size of memory. Boot viruses need both.
func (w *walk) written(n *Node, s *state, size int) {
	in := n.Inst
	a, ok := in.Asm.Args[0].(x86asm.Mem)
	if !ok {
		return
	}
	switch in.Asm.Op {
	case x86asm.CMP, x86asm.TEST, x86asm.PUSH, x86asm.BT, x86asm.JMP, x86asm.CALL, x86asm.LJMP, x86asm.LCALL,
		x86asm.MUL, x86asm.DIV, x86asm.IMUL, x86asm.IDIV, x86asm.LGDT, x86asm.LIDT, x86asm.CMPSB, x86asm.CMPSW:
		return
	}
	linear, ok := s.address(a)
	if !ok {
		return
	}
	bytes := uint32(max(size, in.StringUnit()))
	switch {
	case linear < 0x400:
		if w.facts.hooks == nil {
			w.facts.hooks = map[uint32]bool{}
		}
		for v := linear / 4; v <= (linear+bytes-1)/4; v++ {
			w.facts.hooks[v] = true
		}
	case linear == 0x413:
		w.facts.memory = true
	}
}
