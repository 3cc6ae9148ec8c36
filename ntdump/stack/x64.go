package stack

// argsX64 is the number of home words that are read: where a callee may have saved
// its register arguments, kv prints four. They are arguments only where it did.
const argsX64 = 4

// X64 walks a stack of a 64-bit machine by the unwind data of the images whose pages
// are in memory; from where they are not, by a checked scan.
func X64(input Input) Walk {
	in := input.sorted()
	w := Walk{Method: "unwind data"}
	s := unwindState{pc: in.PC, trap: true}
	if in.Registers != nil {
		s.reg = *in.Registers
	}
	s.reg[rsp] = in.SP
	tables := map[uint64]table{}
	how := Start
	for len(w.Frames) < in.max() {
		before := s
		m, there := in.image(s.pc)
		ok := false
		next := Unwound
		if there {
			t, seen := tables[m.Base]
			if !seen {
				t, _ = in.functions(m)
				tables[m.Base] = t
			}
			if t.count > 0 {
				// A return address may be the first byte behind a function that ends with
				// a call; an interrupted instruction is where it is.
				look := s.pc
				if !s.trap {
					look--
				}
				f, found, known := in.find(t, uint32(look-m.Base))
				switch {
				case found && s.trap && in.epilogue(&s, m, f):
					ok = true
				case found:
					ok = in.unwind(&s, m, f)
				case known && s.trap:
					ret, there := in.word(s.reg[rsp], 8)
					s.pc, s.trap, ok, next = ret, false, there, Leaf
					s.reg[rsp] += 8
				}
			}
		}
		sp := before.reg[rsp]
		// A caller stands further up, and where it is on this stack it must be a word.
		if ok && !s.trap && (s.reg[rsp] <= sp || s.reg[rsp]%8 != 0) {
			ok = false
		}
		if ok && s.pc != 0 && !s.trap {
			if _, code := in.image(s.pc); !code {
				ok = s.pc>>47 == 0 // user code has no place in the list of images
			}
		}
		if !ok {
			s = before
			return w.scanX64(&in, s.pc, sp, how)
		}
		f := Frame{PC: before.pc, Frame: sp, Return: s.pc, Args: in.words(s.reg[rsp], 8, argsX64), Method: how}
		if s.trap {
			next = Trap
		}
		w.Frames = append(w.Frames, f)
		switch {
		case s.pc == 0:
			return w.end("a return address of 0, the start of the thread")
		case s.pc>>47 == 0:
			return w.end("the user part of the stack")
		}
		how = next
	}
	return w.end("the number of frames that was asked for")
}

// scanX64 goes on by a scan to the end of the stack.
func (w *Walk) scanX64(in *Input, pc, sp uint64, how Method) Walk {
	w.usedScan()
	s := newScanner(in, sp, 8)
	for len(w.Frames) < in.max() {
		at, ret, m, ok := s.next()
		f := Frame{PC: pc, Frame: sp, Method: how}
		if !ok {
			w.Frames = append(w.Frames, f)
			return w.end("no further return address on the stack")
		}
		f.Return, f.Args = ret, in.words(at+8, 8, argsX64)
		w.Frames = append(w.Frames, f)
		pc, sp, how = ret, at+8, m
	}
	return w.end("the number of frames that was asked for")
}
