package stack

// Registers are the 64-bit registers in the order of unwind codes: rax, rcx, rdx,
// rbx, rsp, rbp, rsi, rdi, r8 to r15.
type Registers [16]uint64

// RegistersBy are the registers that get tells by those names; one that it does not
// know is 0.
func RegistersBy(get func(name string) (v uint64, ok bool)) *Registers {
	var r Registers
	for i, name := range []string{"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15"} {
		r[i], _ = get(name)
	}
	return &r
}

// Numbers of registers in unwind codes.
const (
	rsp = 4
)

// Unwind operations ("x64 exception handling", UNWIND_CODE).
const (
	pushNonvol    = 0
	allocLarge    = 1
	allocSmall    = 2
	setFPReg      = 3
	saveNonvol    = 4
	saveNonvolFar = 5
	epilog        = 6 // version 2
	spare         = 7
	saveXMM       = 8
	saveXMMFar    = 9
	pushMachframe = 10
)

const (
	flagChain = 4  // another UNWIND_INFO goes on where this one ends
	maxChain  = 32 // chained descriptions of one function
)

// unwindState is a machine that is being unwound.
type unwindState struct {
	reg  Registers
	pc   uint64
	trap bool // a machine frame was passed: the next frame was interrupted

	known uint16 // a bit for each register whose value is known, and no leftover
}

func (s *unwindState) set(reg byte, v uint64) {
	s.reg[reg] = v
	s.known |= 1 << reg
}

// unwind undoes the prologue of function f in image m, as far as it was run at the
// state's pc, and leaves the state in the caller. It returns false when the
// description is not in memory or cannot be.
func (in *Input) unwind(s *unwindState, m Image, f function) bool {
	offset := s.pc - m.Base - uint64(f.begin) // bytes of the function that were run, for the prologue
	machframe := false
	for range maxChain {
		if uint64(f.unwind)+4 > m.Size {
			return false
		}
		at := m.Base + uint64(f.unwind)
		var head [4]byte
		if n, _ := in.Memory.ReadMemory(at, head[:]); n < len(head) {
			return false
		}
		version, flags := head[0]&7, head[0]>>3
		if version != 1 && version != 2 {
			return false
		}
		count := int(head[2])
		codes := make([]byte, 2*count)
		if n, _ := in.Memory.ReadMemory(at+4, codes); n < len(codes) {
			return false
		}
		// The frame pointer holds rsp as it was after the prologue, plus an offset.
		if frame := head[3] & 15; frame != 0 && fpSet(codes, offset) {
			if s.known>>frame&1 == 0 {
				return false
			}
			s.reg[rsp] = s.reg[frame] - 16*uint64(head[3]>>4)
		}
		for i := 0; i < count; {
			op, info := codes[2*i+1]&15, codes[2*i+1]>>4
			n := slots(op, info)
			if n == 0 || i+n > count {
				return false
			}
			if uint64(codes[2*i]) <= offset || op == epilog {
				ok, mach := in.undo(s, op, info, head[3], codes[2*i:2*(i+n)])
				if !ok {
					return false
				}
				machframe = machframe || mach
			}
			i += n
		}
		if flags&flagChain == 0 {
			if machframe {
				s.trap = true
				return true
			}
			ret, ok := in.word(s.reg[rsp], 8)
			if !ok {
				return false
			}
			s.pc, s.trap = ret, false
			s.reg[rsp] += 8
			return true
		}
		// The next description stands behind the codes, whose number is made even; the
		// whole prologue of it was run.
		next := at + 4 + 2*uint64((count+1)&^1)
		var b [12]byte
		if n, _ := in.Memory.ReadMemory(next, b[:]); n < len(b) {
			return false
		}
		f.unwind = uint32(b[8]) | uint32(b[9])<<8 | uint32(b[10])<<16 | uint32(b[11])<<24
		offset = ^uint64(0)
	}
	return false
}

// fpSet says whether the prologue had set the frame pointer at offset.
func fpSet(codes []byte, offset uint64) bool {
	for i := 0; i+1 < len(codes); {
		op, info := codes[i+1]&15, codes[i+1]>>4
		if op == setFPReg {
			return uint64(codes[i]) <= offset
		}
		n := slots(op, info)
		if n == 0 {
			return false
		}
		i += 2 * n
	}
	return true // set by the description that is chained
}

// slots is the number of codes that an operation takes, 0 for one that is not known.
func slots(op, info byte) int {
	switch op {
	case pushNonvol, allocSmall, setFPReg, pushMachframe:
		return 1
	case saveNonvol, saveXMM, epilog:
		return 2
	case allocLarge:
		if info == 0 {
			return 2
		}
		return 3
	case saveNonvolFar, saveXMMFar, spare:
		return 3
	}
	return 0
}

// undo undoes one operation. frame is the description's byte with the frame pointer.
// mach tells that it was a machine frame, which holds the interrupted rip and rsp.
func (in *Input) undo(s *unwindState, op, info, frame byte, code []byte) (ok, mach bool) {
	half := func(i int) uint64 { return uint64(code[2*i]) | uint64(code[2*i+1])<<8 }
	switch op {
	case pushNonvol:
		v, ok := in.word(s.reg[rsp], 8)
		if !ok {
			return false, false
		}
		s.set(info, v)
		s.reg[rsp] += 8
	case setFPReg:
		s.reg[rsp] = s.reg[frame&15] - 16*uint64(frame>>4)
	case allocSmall:
		s.reg[rsp] += 8*uint64(info) + 8
	case allocLarge:
		if info == 0 {
			s.reg[rsp] += 8 * half(1)
		} else {
			s.reg[rsp] += half(1) | half(2)<<16
		}
	case saveNonvol, saveNonvolFar:
		off := 8 * half(1)
		if op == saveNonvolFar {
			off = half(1) | half(2)<<16
		}
		v, ok := in.word(s.reg[rsp]+off, 8)
		if !ok {
			return false, false
		}
		s.set(info, v)
	case pushMachframe:
		at := s.reg[rsp] + 8*uint64(info&1) // 1: an error code stands below
		ip, ok1 := in.word(at, 8)
		sp, ok2 := in.word(at+24, 8)
		if !ok1 || !ok2 {
			return false, false
		}
		s.pc, s.reg[rsp] = ip, sp
		return true, true
	}
	return true, false // of no concern: XMM registers, epilogs
}
