package stack

import "encoding/binary"

// ARM64 walks a stack of an ARM64 machine along the frame records that functions
// leave: the caller's frame pointer and the return address, at the frame pointer
// ("Overview of ARM64 ABI conventions", learn.microsoft.com). Where the chain breaks
// within the stack, a scan goes on from there until it can be taken up again.
//
// A function that was stopped before it had made its record, or that makes none, is
// passed over: its caller's caller comes next.
func ARM64(input Input) Walk {
	in := input.sorted()
	in.arm64 = true
	w := Walk{Method: "frame pointers"}
	pc, fp, sp, how := stripPAC(in.PC), in.FP, in.SP, Start
	for len(w.Frames) < in.max() {
		var b [16]byte
		ok := fp%8 == 0 && in.on(fp, 16) && fp >= sp
		if ok {
			n, _ := in.Memory.ReadMemory(fp, b[:])
			ok = n == len(b)
		}
		saved, ret := binary.LittleEndian.Uint64(b[:]), stripPAC(binary.LittleEndian.Uint64(b[8:]))
		if ok && ret != 0 && ret>>47 != 0 {
			ok = in.returns(ret) != ""
		}
		if !ok {
			w.usedScan()
			next, found := w.scanARM64(&in, pc, sp, how)
			if !found {
				return w.end("no further return address on the stack")
			}
			pc, sp, fp, how = next.pc, next.sp, next.fp, next.how
			continue
		}
		w.Frames = append(w.Frames, Frame{PC: pc, Frame: fp, Return: ret, Method: how})
		switch {
		case ret == 0:
			return w.end("a return address of 0, the start of the thread")
		case ret>>47 == 0:
			return w.end("the user part of the stack")
		}
		if saved == 0 { // the chain's end by the conventions
			if len(w.Frames) < in.max() {
				w.Frames = append(w.Frames, Frame{PC: ret, Method: FramePointer})
			}
			return w.end("a frame pointer of 0, the start of the thread")
		}
		pc, fp, sp, how = ret, saved, fp+16, FramePointer
	}
	return w.end("the number of frames that was asked for")
}

// scanARM64 finds the caller of pc by a scan from sp on and adds the frame of pc. Where
// the code is in memory, a word behind a call counts; where it is not, only one in a
// frame record, with a frame pointer that leads further up below it.
func (w *Walk) scanARM64(in *Input, pc, sp uint64, how Method) (step, bool) {
	s := newScanner(in, sp, 8)
	for {
		at, ret, m, ok := s.next()
		if !ok {
			w.Frames = append(w.Frames, Frame{PC: pc, Frame: sp, Method: how})
			return step{}, false
		}
		next := step{pc: stripPAC(ret), sp: at + 8, how: m}
		if at >= 8 {
			if fp, there := in.word(at-8, 8); there && fp%8 == 0 && in.on(fp, 16) && fp > at {
				next.fp = fp
			}
		}
		if m == Unchecked && next.fp == 0 {
			continue
		}
		w.Frames = append(w.Frames, Frame{PC: pc, Frame: at - 8, Return: next.pc, Method: how})
		return next, true
	}
}

// stripPAC removes the signature that pointer authentication leaves in the upper bits
// of a return address: bit 55 tells the half of the addresses, and addresses have 48
// bits (Arm Architecture Reference Manual, D8.10).
func stripPAC(v uint64) uint64 {
	switch {
	case v>>48 == 0 || v>>48 == 0xffff:
		return v
	case v>>55&1 == 1:
		return v | 0xffff<<48
	}
	return v & (1<<48 - 1)
}

// afterBranchLink is afterCall for ARM64 code: BL, BLR and its authenticating forms
// (Arm Architecture Reference Manual, C6.2).
func (in *Input) afterBranchLink(va uint64) (call, known bool) {
	if va%4 != 0 {
		return false, true
	}
	v, ok := in.word(va-4, 4)
	if !ok {
		return false, false
	}
	return v&0xfc000000 == 0x94000000 || // BL
		v&0xfffffc1f == 0xd63f0000 || // BLR
		v&0xfffff81f == 0xd63f081f || // BLRAAZ, BLRABZ
		v&0xfffff800 == 0xd73f0800, true // BLRAA, BLRAB
}
