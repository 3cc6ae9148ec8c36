package stack

// scanner finds return addresses on a stack, one after the other.
type scanner struct {
	in   *Input
	size int // of a word
	at   uint64
	end  uint64
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
		if _, in := s.in.image(v); !in {
			continue
		}
		call, known := s.in.afterCall(v)
		if call {
			return at, v, Scanned, true
		}
		if !known {
			return at, v, Unchecked, true
		}
	}
	s.at = s.end
	return 0, 0, "", false
}
