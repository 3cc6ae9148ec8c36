package memimage

import (
	nt "github.com/seed-eedd8485/lpc/ntdump"
	"github.com/seed-eedd8485/lpc/target/elffile"
)

// A QEMU note holds a processor's state as QEMUCPUState has it (QEMU,
// target/i386/arch_dump.c): version and size, general registers, segments of 24 bytes,
// control registers.
const (
	qemuVersion = 1
	qemuBytes   = 8 + 18*8 + 10*24 + 5*8 // without what later versions append
)

var (
	qemuRegisters = []string{"rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rsp", "rbp", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "rip", "rflags"}
	qemuSegments  = []string{"cs", "ds", "es", "fs", "gs", "ss", "ldt", "tr", "gdt", "idt"}
)

// qemuProcessor reads a note. ok is false for one of another version. bits is the width
// of the machine's registers: QEMU makes the file one of x86-64 when its first
// processor is in long mode (cpu_get_dump_info).
func qemuProcessor(n elffile.Note, bits int) (p nt.Processor, ok bool) {
	r := n.Body
	if r.U32("version") != qemuVersion || n.Size < qemuBytes {
		return p, false
	}
	r.U32("size")
	v := registers(r, qemuRegisters)
	segments := map[string]uint64{}
	for _, name := range qemuSegments {
		segments[name] = uint64(r.U32("selector"))
		r.Skip("limit, flags, padding and base", 4+4+4+8)
	}
	var cr [5]uint64
	for i := range cr {
		cr[i] = r.U64("control register")
	}
	if r.Err() != nil {
		return p, false
	}
	return processor(v, segments, pageTables(cr[0], cr[3]), bits, "state that QEMU saved"), true
}

// cr0Paging is CR0.PG.
const cr0Paging = 1 << 31

// pageTables is CR3 of a processor that translates addresses; else 0.
func pageTables(cr0, cr3 uint64) uint64 {
	if cr0&cr0Paging == 0 {
		return 0
	}
	return cr3
}
