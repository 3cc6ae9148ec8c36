package ntdump

import (
	"fmt"

	"github.com/seed-eedd8485/lpc/bin"
)

// Exception is an EXCEPTION_RECORD: what a processor or a program raised.
type Exception struct {
	Code    uint32 // NTSTATUS, C0000005 for an access violation
	Flags   uint32
	Record  uint64   // address of the exception during which this one was raised, 0 for none
	Address uint64   // of the instruction
	Params  []uint64 // ExceptionInformation, at most 15
	OK      bool     // false: there is none
}

// maxParams is EXCEPTION_MAXIMUM_PARAMETERS of winnt.h.
const maxParams = 15

// exception64 reads an EXCEPTION_RECORD64 (98h bytes) at off. A number of
// parameters that cannot be counts as none.
func exception64(f fields, off int64) Exception {
	code := f.u32("ExceptionCode", off)
	e := Exception{
		Code:    uint32(code.or0()),
		Flags:   uint32(f.u32("ExceptionFlags", off+4).or0()),
		Record:  f.u64("ExceptionRecord", off+8).or0(),
		Address: f.u64("ExceptionAddress", off+0x10).or0(),
		OK:      code.OK && code.Value != 0,
	}
	if n := f.u32("NumberParameters", off+0x18); n.OK && n.Value <= maxParams {
		for i := range int64(n.Value) {
			e.Params = append(e.Params, f.u64("ExceptionInformation", off+0x20+8*i).Value)
		}
	}
	return e
}

// exception32 reads an EXCEPTION_RECORD32 (50h bytes) at off.
func exception32(f fields, off int64) Exception {
	code := f.u32("ExceptionCode", off)
	e := Exception{
		Code:    uint32(code.or0()),
		Flags:   uint32(f.u32("ExceptionFlags", off+4).or0()),
		Record:  f.u32("ExceptionRecord", off+8).or0(),
		Address: f.u32("ExceptionAddress", off+0xc).or0(),
		OK:      code.OK && code.Value != 0,
	}
	if n := f.u32("NumberParameters", off+0x10); n.OK && n.Value <= maxParams {
		for i := range int64(n.Value) {
			e.Params = append(e.Params, f.u32("ExceptionInformation", off+0x14+4*i).Value)
		}
	}
	return e
}

// ExceptionAt reads the EXCEPTION_RECORD at a virtual address: for bug check 7E the
// third parameter names one.
func (d *Dump) ExceptionAt(s Space, va uint64) (Exception, error) {
	size := 0x98
	if d.header.Bits == 32 {
		size = 0x50
	}
	b := make([]byte, size)
	if _, err := d.ReadVirtual(s, va, b); err != nil {
		return Exception{}, fmt.Errorf("reading EXCEPTION_RECORD at %#x: %w", va, err)
	}
	f := fields{bin.FromBytes("EXCEPTION_RECORD", b)}
	if d.header.Bits == 32 {
		return exception32(f, 0), f.Err()
	}
	return exception64(f, 0), f.Err()
}
