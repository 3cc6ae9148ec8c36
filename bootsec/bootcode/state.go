package bootcode

import (
	"maps"

	"golang.org/x/arch/x86/x86asm"
)

// state is what is known at one instruction on one path: registers, and the
// memory that the path wrote. Flags are not kept: both ways of a branch are
// followed.
type state struct {
	reg     [8][4]cell      // eax ecx edx ebx esp ebp esi edi
	seg     [6][2]cell      // es cs ss ds fs gs
	mem     map[uint32]cell // written bytes by linear address
	stack   []cell          // pushed while ss:sp is unknown, the top last
	loaded  []region        // filled from disk; off is not used
	callers [2]uint32       // the innermost calls that have not returned
	patch   string          // constants written over the sector: where and what
	tested  textTest        // al was just compared, and is a character of a string
}

// textTest says that the flags come from comparing al, a character of a string,
// with the one that ends it.
type textTest struct {
	on  bool
	end uint8
}

// Bounds of what a path may collect.
const (
	maxWritten = 256
	maxStack   = 256
	maxLoaded  = 8
)

// start returns the state in which a BIOS starts a boot sector at linear
// 7C00: cs:ip, and the drive in dl; all else differs from BIOS to BIOS.
func start(cs uint16) *state {
	s := &state{mem: map[uint32]cell{}}
	s.setSeg(x86asm.CS, number(uint32(cs), 2))
	s.reg[2][0] = cell{kind: bootDrive}
	return s
}

func (s *state) clone() *state {
	c := *s
	c.mem = maps.Clone(s.mem)
	c.stack = append([]cell(nil), s.stack...)
	c.loaded = append([]region(nil), s.loaded...)
	return &c
}

func (s *state) equal(o *state) bool {
	if s.reg != o.reg || s.seg != o.seg || s.tested != o.tested || s.patch != o.patch || s.callers != o.callers || len(s.stack) != len(o.stack) || len(s.loaded) != len(o.loaded) {
		return false
	}
	for i, c := range s.stack {
		if c != o.stack[i] {
			return false
		}
	}
	for i, r := range s.loaded {
		if r != o.loaded[i] {
			return false
		}
	}
	return maps.Equal(s.mem, o.mem)
}

// join keeps what both states agree on, and reports whether s lost anything.
// Addresses of two partition entries become "some entry".
func (s *state) join(o *state, m *image) bool {
	changed := false
	for i := range s.reg {
		a, b := word(s.reg[i][:2]), word(o.reg[i][:2])
		if p, ok := sameEntry(a, b, m); ok {
			for j, c := range pointerTo(p, 2) {
				changed = changed || s.reg[i][j] != c
				s.reg[i][j] = c
			}
		} else {
			changed = joinCells(a, b) || changed
		}
		changed = joinCells(s.reg[i][2:], o.reg[i][2:]) || changed
	}
	for i := range s.seg {
		changed = joinCells(s.seg[i][:], o.seg[i][:]) || changed
	}
	for k, c := range s.mem {
		if d := joinCell(c, o.read(k, 1, m)[0]); d != c {
			s.mem[k] = d
			changed = true
		}
	}
	for k, c := range o.mem {
		if _, ok := s.mem[k]; ok || len(s.mem) >= maxWritten {
			continue
		}
		if d := s.read(k, 1, m)[0]; joinCell(c, d) != d {
			s.mem[k] = joinCell(c, d)
			changed = true
		}
	}
	if s.tested != o.tested && s.tested.on {
		s.tested = textTest{}
		changed = true
	}
	if n := min(len(s.stack), len(o.stack)); n != len(s.stack) {
		s.stack = s.stack[len(s.stack)-n:]
		changed = true
	}
	changed = joinCells(s.stack, o.stack[len(o.stack)-len(s.stack):]) || changed
	for _, r := range o.loaded {
		if !s.has(r) && len(s.loaded) < maxLoaded {
			s.loaded = append(s.loaded, r)
			changed = true
		}
	}
	return changed
}

func (s *state) has(r region) bool {
	for _, l := range s.loaded {
		if l == r {
			return true
		}
	}
	return false
}

func joinCells(a, b []cell) bool {
	changed := false
	for i := range a {
		if c := joinCell(a[i], b[i]); c != a[i] {
			a[i], changed = c, true
		}
	}
	return changed
}

// sameEntry reports whether two different words point to the same offset of
// partition entries.
func sameEntry(a, b word, m *image) (uint32, bool) {
	x, xok := entryOf(a, m)
	y, yok := entryOf(b, m)
	va, aok := a.num()
	vb, bok := b.num()
	return x, xok && yok && x == y && !(aok && bok && va == vb)
}

// entryOf takes a word for the address of a partition entry, in segment 0.
func entryOf(w word, m *image) (uint32, bool) {
	if p, ok := w.pointer(); ok {
		return uint32(p), true
	}
	if v, ok := w.num(); ok {
		return m.entryAt(v)
	}
	return 0, false
}

// overwritten reports whether the path read a sector from disk over an address.
func (s *state) overwritten(linear uint32) bool {
	for _, r := range s.loaded {
		if linear >= r.linear && linear-r.linear < uint32(r.n) {
			return true
		}
	}
	return false
}

// get returns the cells of a register.
func (s *state) get(r x86asm.Reg) word {
	switch {
	case r >= x86asm.AL && r <= x86asm.BL:
		return word{s.reg[r-x86asm.AL][0]}
	case r >= x86asm.AH && r <= x86asm.BH:
		return word{s.reg[r-x86asm.AH][1]}
	case r >= x86asm.AX && r <= x86asm.DI:
		return append(word(nil), s.reg[r-x86asm.AX][:2]...)
	case r >= x86asm.EAX && r <= x86asm.EDI:
		return append(word(nil), s.reg[r-x86asm.EAX][:]...)
	case r >= x86asm.ES && r <= x86asm.GS:
		return append(word(nil), s.seg[seg(r)][:]...)
	}
	return make(word, 4)
}

// set writes a register; a word that is too short is extended by unknowns.
func (s *state) set(r x86asm.Reg, w word) {
	at := func(i int) cell {
		if i < len(w) {
			return w[i]
		}
		return cell{}
	}
	switch {
	case r >= x86asm.AL && r <= x86asm.BL:
		s.reg[r-x86asm.AL][0] = at(0)
	case r >= x86asm.AH && r <= x86asm.BH:
		s.reg[r-x86asm.AH][1] = at(0)
	case r >= x86asm.AX && r <= x86asm.DI:
		s.reg[r-x86asm.AX][0], s.reg[r-x86asm.AX][1] = at(0), at(1)
	case r >= x86asm.EAX && r <= x86asm.EDI:
		s.reg[r-x86asm.EAX] = [4]cell{at(0), at(1), at(2), at(3)}
	case r >= x86asm.ES && r <= x86asm.GS:
		s.setSeg(r, word{at(0), at(1)})
	}
	if r == x86asm.SP || r == x86asm.ESP || r == x86asm.SS {
		s.stack = nil // another stack
	}
}

func (s *state) setSeg(r x86asm.Reg, w word) { s.seg[seg(r)] = [2]cell{w[0], w[1]} }

// linear returns the address of seg:off, if both are known.
func (s *state) linear(r x86asm.Reg, off word) (uint32, bool) {
	base, ok := s.get(r).num()
	o, ok2 := off.num()
	return base<<4 + o&0xffff, ok && ok2
}

// read returns n bytes of memory.
func (s *state) read(linear uint32, n int, m *image) word {
	w := make(word, n)
	for i := range w {
		a := linear + uint32(i)
		if c, ok := s.mem[a]; ok {
			w[i] = c
		} else if !s.overwritten(a) {
			w[i] = m.load(a)
		}
	}
	return w
}

// write stores a word.
func (s *state) write(linear uint32, w word) {
	for i, c := range w {
		if _, ok := s.mem[linear+uint32(i)]; ok || len(s.mem) < maxWritten {
			s.mem[linear+uint32(i)] = c
		}
	}
}

// push stores a word at ss:sp, or on the stack that the BIOS left.
func (s *state) push(w word) {
	sp := s.get(x86asm.SP)
	if _, ok := s.linear(x86asm.SS, sp); ok {
		s.reg[4] = [4]cell(append(add(sp, number(uint32(len(w)), 2), -1), s.reg[4][2:]...))
		at, _ := s.linear(x86asm.SS, s.get(x86asm.SP))
		s.write(at, w)
		return
	}
	for i := len(w) - 1; i >= 0; i-- {
		s.stack = append(s.stack, w[i])
	}
	if len(s.stack) > maxStack {
		s.stack = s.stack[len(s.stack)-maxStack:]
	}
}

// pop is the reverse of push.
func (s *state) pop(n int, m *image) word {
	sp := s.get(x86asm.SP)
	if at, ok := s.linear(x86asm.SS, sp); ok {
		w := s.read(at, n, m)
		s.reg[4] = [4]cell(append(add(sp, number(uint32(n), 2), 1), s.reg[4][2:]...))
		return w
	}
	w := make(word, n)
	for i := range w {
		if len(s.stack) > 0 {
			w[i] = s.stack[len(s.stack)-1]
			s.stack = s.stack[:len(s.stack)-1]
		}
	}
	return w
}
