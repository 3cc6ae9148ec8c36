package ntdump

import "fmt"

// Machine is the processor of a dump, by the number that executable images use
// (IMAGE_FILE_MACHINE of winnt.h).
type Machine uint16

// Machines.
const (
	X86   Machine = 0x014c
	IA64  Machine = 0x0200
	X64   Machine = 0x8664
	ARM   Machine = 0x01c4
	ARM64 Machine = 0xaa64
)

// String is the machine's usual name.
func (m Machine) String() string {
	switch m {
	case X86:
		return "x86"
	case IA64:
		return "Itanium"
	case X64:
		return "x64"
	case ARM:
		return "ARM"
	case ARM64:
		return "ARM64"
	}
	return fmt.Sprintf("machine %#x", uint16(m))
}

// pointerSize is the size of a pointer of the machine in bytes.
func (m Machine) pointerSize() int {
	switch m {
	case X86, ARM:
		return 4
	}
	return 8
}
