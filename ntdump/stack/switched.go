package stack

import "encoding/binary"

// SwitchedBytes is how much the switch away from a 32-bit thread saves between the
// return address of the switch and the next one: ebp, edi, esi, ebx.
const SwitchedBytes = 0x10

// SwitchedOut reads where a 32-bit thread goes on that is switched out, from its
// KernelStack (reference 5.3a): the return address of the switch, the saved frame
// pointer, and the stack pointer behind what was saved (SwitchedBytes). ok is false
// when the stack is not in memory.
func SwitchedOut(m Memory, kernelStack uint64) (pc, sp, fp uint64, ok bool) {
	var b [0xc + SwitchedBytes]byte
	if n, _ := m.ReadMemory(kernelStack, b[:]); n < len(b) {
		return 0, 0, 0, false
	}
	return uint64(binary.LittleEndian.Uint32(b[8:])), kernelStack + uint64(len(b)), uint64(binary.LittleEndian.Uint32(b[0xc:])), true
}

// switchFrame is how far the return address of the switch lies above KernelStack on
// x64: the published output of !thread has "Current", which is KernelStack, 40h below
// the Child-SP of its first frame, nt!KiSwapContext; the saved rbp stands below the
// return address.
const switchFrame = 0x38

// SwitchedOutX64 is SwitchedOut for a thread of x64. No document gives the place, so
// it is taken only where the word there can be a return address into an image; ok is
// false where it can not, and a scan from KernelStack on must do.
func SwitchedOutX64(m Memory, images []Image, kernelStack uint64) (pc, sp, fp uint64, ok bool) {
	in := Input{Memory: m, Images: images}.sorted()
	var b [16]byte
	if n, _ := m.ReadMemory(kernelStack+switchFrame-8, b[:]); n < len(b) {
		return 0, 0, 0, false
	}
	pc = binary.LittleEndian.Uint64(b[8:])
	return pc, kernelStack + switchFrame + 8, binary.LittleEndian.Uint64(b[:]), in.returns(pc) != ""
}
