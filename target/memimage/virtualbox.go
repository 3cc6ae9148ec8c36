package memimage

import (
	"fmt"

	"github.com/seed-eedd8485/lpc/bin"
	nt "github.com/seed-eedd8485/lpc/ntdump"
	"github.com/seed-eedd8485/lpc/target/elffile"
)

// VirtualBox notes what it is in a descriptor of 24 bytes, and each processor's state
// in a record that begins alike since version 1.4 of the format (VirtualBox,
// include/VBox/vmm/dbgfcorefmt.h).
const (
	boxMagic      = 0xc01ac0de
	boxMajor      = 1
	boxFirst      = 4     // minor version of the first format with that record
	noteBox       = 0xb00 // NT_VBOXCORE
	boxSegments   = 6
	boxDebug      = 8 * 8            // dr0 to dr7
	boxAfterDebug = 16*2 + 24*2 + 24 // gdtr, idtr, ldtr, tr, sysenter; EFER is behind
	eferLong      = 1 << 10          // EFER.LMA (Intel SDM volume 4, IA32_EFER)
)

var boxRegisters = []string{"rax", "rbx", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "rip", "rsp", "rbp", "rflags"}

// virtualBox reads the descriptor. known tells whether the processors' records are of
// a version that is read.
func virtualBox(n elffile.Note) (kind string, known bool) {
	r := n.Body
	magic, version := r.U32("magic"), r.U32("version of the format")
	r.U32("size")
	program := r.U32("version of VirtualBox") // major, minor in 8 bits each, build in 16
	kind = "ELF image by VirtualBox"
	if r.Err() != nil || magic != boxMagic || n.Type != noteBox {
		return kind, false
	}
	if program != 0 {
		kind += fmt.Sprintf(" %d.%d.%d", program>>24, program>>16&0xff, program&0xffff)
	}
	return kind, version>>16 == boxMajor && version&0xffff >= boxFirst
}

// boxProcessor reads a processor's record.
func boxProcessor(r *bin.Reader) (p nt.Processor, ok bool) {
	v := registers(r, boxRegisters)
	segments := map[string]uint64{}
	for _, name := range [boxSegments]string{"cs", "ds", "es", "fs", "gs", "ss"} {
		r.Skip("base, limit and attributes", 16)
		segments[name] = uint64(r.U16("selector"))
		r.Skip("reserved", 6)
	}
	cr0 := r.U64("cr0")
	r.U64("cr2")
	cr3 := r.U64("cr3")
	r.U64("cr4")
	r.Skip("debug registers and tables", boxDebug+boxAfterDebug)
	efer := r.U64("EFER")
	if r.Err() != nil {
		return p, false
	}
	bits := 32
	if efer&eferLong != 0 {
		bits = 64
	}
	return processor(v, segments, pageTables(cr0, cr3), bits, "state that VirtualBox saved"), true
}
