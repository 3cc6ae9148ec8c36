package x86dec

import (
	"fmt"

	"golang.org/x/arch/x86/x86asm"
)

// MaxLen is the longest instruction that a processor takes, prefixes included
// (Intel SDM volume 2A, section 2.3.11).
const MaxLen = 15

// Inst is one decoded 16-bit instruction.
type Inst struct {
	Addr  uint32      // offset of the first byte, as given to Decode16
	Bytes []byte      // the instruction's own bytes, a copy, 1 to MaxLen of them
	Asm   x86asm.Inst // what x86asm made of them, after the gaps were closed; Op is 0 for salc
}

// Len returns the length of the instruction in bytes.
func (in Inst) Len() int { return len(in.Bytes) }

// Next returns the offset of the instruction that follows in memory.
func (in Inst) Next() uint32 { return in.wrap(in.Addr + uint32(len(in.Bytes))) }

// wrap keeps an offset within the segment: in real mode ip has 16 bits. An
// address above that is a linear one of the caller's, and is left alone.
func (in Inst) wrap(addr uint32) uint32 {
	if in.Addr <= 0xffff {
		return addr & 0xffff
	}
	return addr
}

// Error says why bytes could not be decoded, and where.
type Error struct {
	Addr   uint32 // offset of the first byte
	Bytes  []byte // up to 4 of the bytes there
	Short  bool   // the instruction goes on behind the last byte given
	Given  int    // number of bytes given
	Reason error  // x86asm's own, or nil
}

// Error implements error.
func (e *Error) Error() string {
	if e.Given == 0 {
		return fmt.Sprintf("decoding 16-bit instruction at %04x: no bytes left, expected at least one", e.Addr)
	}
	if e.Short {
		return fmt.Sprintf("decoding 16-bit instruction at %04x: bytes % x end within it, expected more than the %d bytes given", e.Addr, e.Bytes, e.Given)
	}
	return fmt.Sprintf("decoding 16-bit instruction at %04x: bytes % x are no instruction", e.Addr, e.Bytes)
}

// Unwrap returns the decoder's own error.
func (e *Error) Unwrap() error { return e.Reason }

var _ error = (*Error)(nil)
