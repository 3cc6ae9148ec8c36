package stack

// scanner finds return addresses on a stack, one after the other.
type scanner struct {
	in   *Input
	size int // of a word
	at   uint64
	end  uint64

	bases map[uint64]bool // x86: places that saved frame pointers point to
}

// newScanner starts at sp, brought to a whole word and onto the stack.
func newScanner(in *Input, sp uint64, size int) *scanner {
	s := &scanner{in: in, size: size, at: (max(sp, in.Limit) + uint64(size) - 1) &^ uint64(size-1), end: in.Base}
	if s.at >= s.end {
		s.at = s.end
	}
	if s.end-s.at > maxStack {
		s.end = s.at + maxStack
	}
	return s
}

// next returns the place of the next word that can be a return address. A page that
// is absent is passed over.
func (s *scanner) next() (at, value uint64, m Method, ok bool) {
	for s.at < s.end && s.end-s.at >= uint64(s.size) {
		at := s.at
		v, there := s.in.word(at, s.size)
		if !there {
			s.at = (at | 0xfff) + 1
			if s.at <= at {
				break
			}
			continue
		}
		s.at += uint64(s.size)
		if s.size == 4 {
			s.noteBase(at, v)
			if s.bases[at] {
				continue // a frame pointer points here: it is a saved one, whatever it holds
			}
		}
		if m := s.in.returns(v); m != "" {
			return at, v, m, true
		}
	}
	s.at = s.end
	return 0, 0, "", false
}

// noteBase notes where a frame of x86 begins: a word that points further up the
// stack, to a word with a return address behind it, is a saved frame pointer, and so
// is the word that it points to. Code may keep anything in ebp, the address of its
// data for example, which must not pass for a return address.
func (s *scanner) noteBase(at, v uint64) {
	if v%4 != 0 || v <= at || !s.in.on(v, 8) {
		return
	}
	if ret, ok := s.in.word(v+4, 4); !ok || s.in.returns(ret) == "" {
		return
	}
	if s.bases == nil {
		s.bases = map[uint64]bool{}
	}
	s.bases[v] = true
}

// returns says how well an address can be one that a call returns to: Scanned where
// the instruction before it is a call, Unchecked where the code is not in memory, ""
// where it can be none.
func (in *Input) returns(va uint64) Method {
	m, ok := in.image(va)
	if !ok || !in.executable(m, va) {
		return ""
	}
	call, known := in.afterCall(va)
	switch {
	case call:
		return Scanned
	case !known:
		return Unchecked
	}
	return ""
}
