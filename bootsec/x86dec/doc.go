// Package x86dec decodes 16-bit x86 instructions, the ones that boot code is
// made of, and prints them in the shape of WinDbg's ur command.
//
// The tables are golang.org/x/arch/x86/x86asm's. Three things are added: the
// encodings that x86asm refuses and processors run (gaps.go), a text in which
// immediates, far pointers, sizes and segments stand as people write them
// (text.go), and the flow of control that a disassembler needs (flow.go).
//
// It is not an assembler and knows nothing of files or of what the code does;
// package bootcode follows the flow and package bootsec reads the sectors.
//
//	inst, err := x86dec.Decode16(code, 0x7c00)
//	fmt.Println(inst)          // mov     sp,7C00h
//	addr, ok := inst.Target()  // of a jump or call that names its target
//
// An Inst is a value; nothing here is shared, so any number of goroutines may
// decode at once.
package x86dec
