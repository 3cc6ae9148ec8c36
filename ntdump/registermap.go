package ntdump

import "strconv"

// Records that hold registers (reference 5.2; ARM64: winnt.h, ARM64_NT_CONTEXT;
// Itanium: winnt.h, CONTEXT under _IA64_).
var (
	contexts = map[Machine]*layout{
		X86: {"CONTEXT", X86, 0xcc, []slot{
			{"gs", 0x8c, 16}, {"fs", 0x90, 16}, {"es", 0x94, 16}, {"ds", 0x98, 16},
			{"edi", 0x9c, 32}, {"esi", 0xa0, 32}, {"ebx", 0xa4, 32}, {"edx", 0xa8, 32},
			{"ecx", 0xac, 32}, {"eax", 0xb0, 32}, {"ebp", 0xb4, 32}, {"eip", 0xb8, 32},
			{"cs", 0xbc, 16}, {"efl", 0xc0, 32}, {"esp", 0xc4, 32}, {"ss", 0xc8, 16},
		}},
		X64: {"CONTEXT", X64, 0x100, []slot{
			{"cs", 0x38, 16}, {"ds", 0x3a, 16}, {"es", 0x3c, 16}, {"fs", 0x3e, 16}, {"gs", 0x40, 16}, {"ss", 0x42, 16},
			{"efl", 0x44, 32},
			{"rax", 0x78, 64}, {"rcx", 0x80, 64}, {"rdx", 0x88, 64}, {"rbx", 0x90, 64},
			{"rsp", 0x98, 64}, {"rbp", 0xa0, 64}, {"rsi", 0xa8, 64}, {"rdi", 0xb0, 64},
			{"r8", 0xb8, 64}, {"r9", 0xc0, 64}, {"r10", 0xc8, 64}, {"r11", 0xd0, 64},
			{"r12", 0xd8, 64}, {"r13", 0xe0, 64}, {"r14", 0xe8, 64}, {"r15", 0xf0, 64}, {"rip", 0xf8, 64},
		}},
		ARM64: contextARM64(),
		// Of Itanium what !stackcheck needs: where it stood, both stack pointers.
		IA64: {"CONTEXT", IA64, 0xa20, []slot{{"sp", 0x8d0, 64}, {"bsp", 0x9f0, 64}, {"bspstore", 0x9f8, 64}, {"ipsr", 0xa10, 64}, {"iip", 0xa18, 64}}},
	}
	trapFrames = map[Machine]*layout{
		X86: {"KTRAP_FRAME", X86, 0x7c, []slot{
			{"fs", 0x50, 16}, {"edi", 0x54, 32}, {"esi", 0x58, 32}, {"ebx", 0x5c, 32},
			{"edx", 0x3c, 32}, {"ecx", 0x40, 32}, {"eax", 0x44, 32}, {"ebp", 0x60, 32},
			{"ErrCode", 0x64, 32}, {"eip", 0x68, 32}, {"cs", 0x6c, 16}, {"efl", 0x70, 32},
			{"esp", 0x74, 32}, {"ss", 0x78, 16},
		}},
		X64: {"KTRAP_FRAME", X64, 0x190, []slot{
			{"rax", 0x30, 64}, {"rcx", 0x38, 64}, {"rdx", 0x40, 64}, {"r8", 0x48, 64}, {"r9", 0x50, 64},
			{"r10", 0x58, 64}, {"r11", 0x60, 64}, {"FaultAddress", 0xd0, 64}, {"rbx", 0x140, 64},
			{"rdi", 0x148, 64}, {"rsi", 0x150, 64}, {"rbp", 0x158, 64}, {"ErrCode", 0x160, 64},
			{"rip", 0x168, 64}, {"cs", 0x170, 16}, {"efl", 0x178, 32}, {"rsp", 0x180, 64}, {"ss", 0x188, 16},
		}},
	}
	taskX86 = &layout{"KTSS", X86, 0x68, []slot{
		{"Backlink", 0, 16}, {"esp0", 0x4, 32}, {"cr3", 0x1c, 32},
		{"eip", 0x20, 32}, {"efl", 0x24, 32}, {"eax", 0x28, 32}, {"ecx", 0x2c, 32}, {"edx", 0x30, 32},
		{"ebx", 0x34, 32}, {"esp", 0x38, 32}, {"ebp", 0x3c, 32}, {"esi", 0x40, 32}, {"edi", 0x44, 32},
		{"es", 0x48, 16}, {"cs", 0x4c, 16}, {"ss", 0x50, 16}, {"ds", 0x54, 16}, {"fs", 0x58, 16}, {"gs", 0x5c, 16},
	}}
)

func contextARM64() *layout {
	l := &layout{"CONTEXT", ARM64, 0x110, []slot{{"cpsr", 4, 32}}}
	for i := range 29 {
		l.slots = append(l.slots, slot{"x" + strconv.Itoa(i), 8 + 8*i, 64})
	}
	l.slots = append(l.slots, slot{"fp", 0xf0, 64}, slot{"lr", 0xf8, 64}, slot{"sp", 0x100, 64}, slot{"pc", 0x108, 64})
	return l
}
