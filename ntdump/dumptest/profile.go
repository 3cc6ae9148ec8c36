package dumptest

// Profile is a Windows build on a machine.
type Profile struct {
	Name       string
	Machine    uint32 // IMAGE_FILE_MACHINE
	Build      uint32
	Pack       uint32 // service pack
	Bits       int    // 32 or 64
	PAE        bool
	column     int    // of layout.go
	kdbgSize   int    // bytes of the debugger data block
	offsets    bool   // the block tells offsets of thread and process
	modern     bool   // and those of Windows 10
	firstAlloc uint64 // where Alloc starts
	firstStack uint64 // where stacks are put
	firstImage uint64 // where images are put
}

// Profiles.
var (
	XP = Profile{Name: "XP SP3 x86", Machine: 0x14c, Build: 2600, Pack: 3, Bits: 32, column: 0, kdbgSize: 0x290,
		firstAlloc: 0x81000000, firstStack: 0xf8e00000, firstImage: 0x804d7000}
	XPPAE = Profile{Name: "XP SP2 x86 PAE", Machine: 0x14c, Build: 2600, Pack: 2, Bits: 32, PAE: true, column: 0, kdbgSize: 0x290,
		firstAlloc: 0x81000000, firstStack: 0xf8e00000, firstImage: 0x804d7000}
	Server2003 = Profile{Name: "Server 2003 SP2 x86 PAE", Machine: 0x14c, Build: 3790, Pack: 2, Bits: 32, PAE: true, column: 1, kdbgSize: 0x318, offsets: true,
		firstAlloc: 0x86000000, firstStack: 0xf7800000, firstImage: 0x80800000}
	X64 = Profile{Name: "Server 2003 SP2 x64", Machine: 0x8664, Build: 3790, Pack: 2, Bits: 64, column: 2, kdbgSize: 0x318, offsets: true,
		firstAlloc: 0xfffffadf00000000, firstStack: 0xfffffadf90000000, firstImage: 0xfffff80001000000}
	Win10 = Profile{Name: "Windows 10 19041 x64", Machine: 0x8664, Build: 19041, Bits: 64, column: 3, kdbgSize: 0x380, offsets: true, modern: true,
		firstAlloc: 0xffffc08b00000000, firstStack: 0xffff850400000000, firstImage: 0xfffff80400000000}
	ARM64 = Profile{Name: "Windows 11 22000 ARM64", Machine: 0xaa64, Build: 22000, Bits: 64, column: 4, kdbgSize: 0x380, offsets: true, modern: true,
		firstAlloc: 0xffffbb8e00000000, firstStack: 0xffffe00e00000000, firstImage: 0xfffff80300000000}
	IA64 = Profile{Name: "Server 2003 Itanium", Machine: 0x200, Build: 3790, Pack: 1, Bits: 64, column: 5, kdbgSize: 0x318, offsets: true,
		firstAlloc: 0xe000000100000000, firstStack: 0xe000000200000000, firstImage: 0xe000000083000000}
)

// Small are those of which only small dumps are written.
var Small = []Profile{ARM64, IA64}

// Profiles are those of which every kind is written, for tests that run over each.
var Profiles = []Profile{XP, XPPAE, Server2003, X64, Win10}

// Pointer is the size of a pointer in bytes.
func (p *Profile) Pointer() int { return p.Bits / 8 }
