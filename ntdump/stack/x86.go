package stack

import "encoding/binary"

// argsX86 is the number of arguments that are read: kv prints three.
const argsX86 = 3

// X86 walks a stack of a 32-bit machine along the saved frame pointers, and by the
// functions' debug information where there is some. Where neither leads on within
// the stack, a scan goes on from there until the chain can be taken up again.
func X86(input Input) Walk {
	in := input.sorted()
	w := Walk{Method: "frame pointers"}
	at := step{pc: in.PC, sp: in.SP, fp: in.FP, how: Start}
	// User mode: from the start, or above a trap frame from there.
	user := in.User != nil && at.pc != 0 && at.pc>>31 == 0
	if user {
		in = in.userPart(at.sp)
	}
	for len(w.Frames) < in.max() {
		fpo := in.fpoAt(at.pc, at.how)
		if fpo != nil && !fpo.pointer() && (!user || in.User != nil) {
			if f, next, ok := in.fpoStep(fpo, at); ok {
				w.Frames = append(w.Frames, f)
				w.usedFPO()
				at = next
				continue
			}
		}
		fp := at.fp
		ok := fp%4 == 0 && (in.on(fp, 8) && fp >= at.sp&^3 || user && in.User == nil && fp != 0)
		inside := ok
		var b [8]byte
		if ok {
			n, _ := in.Memory.ReadMemory(fp, b[:])
			ok = n == len(b)
		}
		if !ok && user {
			w.Frames = append(w.Frames, Frame{PC: at.pc, Frame: fp, Method: at.how, FPO: fpo})
			if in.User != nil && !inside {
				return w.end("the chain of frame pointers ends")
			}
			return w.end("the user stack is not in the dump")
		}
		saved, ret := uint64(binary.LittleEndian.Uint32(b[:])), uint64(binary.LittleEndian.Uint32(b[4:]))
		if ok && !user && in.on(fp, 8) && ret != 0 {
			// Where the word at the return address's place is none, the chain is not one.
			_, ok = in.image(ret)
		}
		if !ok {
			w.usedScan()
			next, found := w.scanX86(&in, at, fpo)
			if !found {
				return w.end("no further return address on the stack")
			}
			at = next
			continue
		}
		f := Frame{PC: at.pc, Frame: fp, Return: ret, Args: in.words(fp+8, 4, argsX86), Method: at.how, FPO: fpo}
		w.Frames = append(w.Frames, f)
		if ret == 0 {
			return w.end("a return address of 0, the start of the thread")
		}
		if t, is := trapX86(&in, saved); is && !user {
			// The caller is the entry of the trap: its row repeats frame and arguments.
			w.Frames = append(w.Frames, Frame{PC: ret, Frame: fp, Return: t.eip, Args: f.Args, Trap: saved, Method: FramePointer, FPO: in.fpoAt(ret, FramePointer)})
			at = step{pc: t.eip, fp: t.ebp, sp: saved + trapBytes, how: Trap}
			if user = t.cs&3 != 0; user {
				// The processor pushed the user's stack pointer: HardwareEsp.
				at.sp, _ = in.word(saved+trapBytes, 4)
				in = in.userPart(at.sp)
			}
			continue
		}
		if user && in.User == nil && saved <= fp {
			return w.end("the chain of frame pointers ends")
		}
		at = step{pc: ret, fp: saved, sp: fp + 8, how: FramePointer}
		if fpo != nil {
			at.passed = uint64(fpo.Params)
		}
	}
	return w.end("the number of frames that was asked for")
}

// step is where a walk stands: in a function, and how that was found.
type step struct {
	pc, sp, fp uint64
	passed     uint64 // bytes from sp on that the function passed to the one it called, as far as known
	how        Method
}

// scanX86 finds the caller by a scan and adds the frame of where the walk stands.
func (w *Walk) scanX86(in *Input, from step, fpo *FPO) (step, bool) {
	s := newScanner(in, from.sp, 4)
	at, ret, m, ok := s.next()
	if !ok {
		w.Frames = append(w.Frames, Frame{PC: from.pc, Frame: from.sp, Method: from.how, FPO: fpo})
		return step{}, false
	}
	// A frame stands at the saved ebp, one word below the return address.
	w.Frames = append(w.Frames, Frame{PC: from.pc, Frame: at - 4, Return: ret, Args: in.words(at+4, 4, argsX86), Method: from.how, FPO: fpo})
	next := step{pc: ret, sp: at + 4, how: m}
	// The chain may be whole from here on: the word below the return address is the
	// caller's frame pointer when it points further up the stack.
	if fp, there := in.word(at-4, 4); there && in.on(fp, 8) && fp > at {
		next.fp = fp
	}
	return next, true
}

// trapBytes is the size of the part of an x86 KTRAP_FRAME that is always there: the
// processor pushes no stack pointer when it came from the kernel.
const trapBytes = 0x74

// trap is what a walk needs of a trap frame.
type trap struct{ eip, ebp, cs, esp uint64 }

// trapX86 says whether a KTRAP_FRAME stands at va on the stack: a code selector of
// kernel or user, flags as a processor has them, an instruction pointer that fits
// the selector (reference 5.2 and 5.3a).
func trapX86(in *Input, va uint64) (trap, bool) {
	if va%4 != 0 || !in.on(va, trapBytes) {
		return trap{}, false
	}
	var b [trapBytes]byte
	if n, _ := in.Memory.ReadMemory(va, b[:]); n < len(b) {
		return trap{}, false
	}
	u := func(off int) uint64 { return uint64(binary.LittleEndian.Uint32(b[off:])) }
	t := trap{eip: u(0x68), ebp: u(0x60), cs: u(0x6c) & 0xffff, esp: va + trapBytes}
	const always, never = 1 << 1, 1<<3 | 1<<5 | 1<<15 | 0xffc00000 // reserved bits of EFLAGS
	if flags := u(0x70); flags&always == 0 || flags&never != 0 {
		return trap{}, false
	}
	switch t.cs {
	case 0x1b: // KGDT_R3_CODE
		return t, t.eip != 0 && t.eip < 0x80000000
	case 0x08: // KGDT_R0_CODE
		_, code := in.image(t.eip)
		return t, code
	}
	return trap{}, false
}
