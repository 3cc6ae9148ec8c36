package stack

// argsX64 is the number of home words that are read: where a callee may have saved
// its register arguments, kv prints four. They are arguments only where it did.
const argsX64 = 4

// X64 walks a stack of a 64-bit machine by the unwind data of the images whose pages
// are in memory. Where they are not, a checked scan finds the caller, and unwinding
// goes on from there, as far as it needs no register that the scan passed over. A user
// stack is unwound alone and never scanned.
func X64(input Input) Walk {
	in := input.sorted()
	w := Walk{Method: "unwind data"}
	s := unwindState{pc: in.PC, trap: true, known: 1 << rsp}
	if in.Registers != nil {
		s.reg, s.known = *in.Registers, 0xffff
	}
	s.reg[rsp] = in.SP
	how := Start
	user := in.User != nil && s.pc != 0 && s.pc>>47 == 0
	if user {
		in = in.userPart(in.SP)
	}
	for len(w.Frames) < in.max() {
		before := s
		next, ok := in.callerX64(&s)
		sp := before.reg[rsp]
		if !ok && user {
			w.Frames = append(w.Frames, Frame{PC: before.pc, Frame: sp, Method: how})
			return w.end("no unwind data leads on in the user part of the stack")
		}
		if !ok {
			s = before
			w.usedScan()
			found := false
			if next, found = w.scanX64(&in, &s, how); !found {
				return w.end("no further return address on the stack")
			}
			how = next
			continue
		}
		f := Frame{PC: before.pc, Frame: sp, Return: s.pc, Args: in.words(s.reg[rsp], 8, argsX64), Method: how}
		if s.trap {
			next = Trap
		}
		w.Frames = append(w.Frames, f)
		switch {
		case s.pc == 0:
			return w.end("a return address of 0, the start of the thread")
		case s.pc>>47 == 0 && in.User == nil:
			return w.end("the user part of the stack")
		case s.pc>>47 == 0 && !user:
			user, in = true, in.userPart(s.reg[rsp])
		}
		how = next
	}
	return w.end("the number of frames that was asked for")
}

// callerX64 unwinds the state to the caller. It returns false, with the state in
// disorder, where unwind data does not lead there.
func (in *Input) callerX64(s *unwindState) (how Method, ok bool) {
	m, there := in.image(s.pc)
	if !there {
		return "", false
	}
	t, there := in.functions(m)
	if !there || t.count == 0 {
		return "", false
	}
	// A return address may be the first byte behind a function that ends with a call;
	// an interrupted instruction is where it is.
	look, sp := s.pc, s.reg[rsp]
	if !s.trap {
		look--
	}
	how = Unwound
	f, found, known := in.find(t, uint32(look-m.Base))
	switch {
	case found && s.trap && in.epilogue(s, m, f):
	case found:
		if !in.unwind(s, m, f) {
			return "", false
		}
	case known && s.trap:
		ret, there := in.word(sp, 8)
		if !there {
			return "", false
		}
		s.pc, s.trap, how = ret, false, Leaf
		s.reg[rsp] += 8
	default:
		return "", false
	}
	if s.trap || s.pc == 0 {
		return how, s.trap || s.reg[rsp] > sp && s.reg[rsp]%8 == 0
	}
	// A caller stands further up, and where it is on this stack it must be a word.
	if s.reg[rsp] <= sp || s.reg[rsp]%8 != 0 {
		return "", false
	}
	_, code := in.image(s.pc)
	return how, code || s.pc>>47 == 0 // user code has no place in the list of images
}

// scanX64 finds the caller of the state by a scan, adds the frame, and leaves the
// state in the caller, of whose registers only the stack pointer is known then.
func (w *Walk) scanX64(in *Input, s *unwindState, how Method) (Method, bool) {
	sp := s.reg[rsp]
	at, ret, m, ok := newScanner(in, sp, 8).next()
	f := Frame{PC: s.pc, Frame: sp, Method: how}
	if ok {
		f.Return, f.Args = ret, in.words(at+8, 8, argsX64)
		s.pc, s.reg[rsp], s.trap, s.known = ret, at+8, false, 1<<rsp
	}
	w.Frames = append(w.Frames, f)
	return m, ok
}
