package ntdump

import (
	"encoding/binary"
	"fmt"
)

// Debugger is the debugger data block (KDBG): addresses of the kernel's variables
// and offsets in its structures, written by the kernel for debuggers. It does not
// change after it was read.
type Debugger struct {
	Addr uint64 // of the block; 0 where only its bytes are known
	How  string // how it was found: "header", "triage header", "scan of ..."
	data []byte
	bits int
}

// Bounds of the block's size: the smallest that holds the module list, and more
// than any that is known (380h on Windows 10 and 11).
const (
	minDebuggerBytes = 0x58
	maxDebuggerBytes = 0x1000
	debuggerHead     = 0x18 // list entry, tag, size
)

// Size is the block's size in bytes; what lies behind it is not known.
func (k *Debugger) Size() int { return len(k.data) }

// Value reads a field of 8 bytes as it stands. ok is false where the block of this
// version ends before, and where the filler of dumps stands.
func (k *Debugger) Value(f Field) (v uint64, ok bool) {
	if k == nil || int(f)+8 > len(k.data) {
		return 0, false
	}
	v = binary.LittleEndian.Uint64(k.data[f:])
	return v, v != filler64
}

// Address reads the address of a variable: a value of 0 is none. On 32-bit
// machines the sign extension is removed.
func (k *Debugger) Address(f Field) (uint64, bool) {
	v, ok := k.Value(f)
	if !ok || v == 0 {
		return 0, false
	}
	if k.bits == 32 {
		v &= 0xffffffff
	}
	return v, true
}

// Offset reads an offset or size within a structure. The kernel leaves what its
// machine does not have at 0 or ffff: both count as unknown, but for the first
// field of a structure, which no offset here is.
func (k *Debugger) Offset(f Field16) (int, bool) {
	if k == nil || int(f)+2 > len(k.data) {
		return 0, false
	}
	v := binary.LittleEndian.Uint16(k.data[f:])
	return int(v), v != 0 && v != 0xffff
}

// Offset32 reads an offset of the part that Windows 10 added.
func (k *Debugger) Offset32(f Field32) (int, bool) {
	if k == nil || int(f)+4 > len(k.data) {
		return 0, false
	}
	v := binary.LittleEndian.Uint32(k.data[f:])
	return int(v), v != 0 && v < 1<<16
}

// parseDebugger checks a block: the tag, a size that can be, and a kernel base in
// the upper half of the addresses.
func parseDebugger(b []byte, bits int) (*Debugger, error) {
	if len(b) < debuggerHead {
		return nil, fmt.Errorf("%d bytes, expected at least %d", len(b), debuggerHead)
	}
	if string(b[0x10:0x14]) != "KDBG" {
		return nil, fmt.Errorf("tag %q, expected KDBG", b[0x10:0x14])
	}
	size := binary.LittleEndian.Uint32(b[0x14:])
	if size < minDebuggerBytes || size > maxDebuggerBytes {
		return nil, fmt.Errorf("a size of %#x bytes, expected %#x to %#x", size, minDebuggerBytes, maxDebuggerBytes)
	}
	if int(size) > len(b) {
		return nil, fmt.Errorf("%#x bytes of it are there, expected its size, %#x", len(b), size)
	}
	k := &Debugger{data: b[:size:size], bits: bits}
	base, _ := k.Address(KernBase)
	if bits == 64 && base>>61 != 7 || bits == 32 && base>>31 != 1 {
		return nil, fmt.Errorf("kernel base %#x, expected an address of the kernel", base)
	}
	return k, nil
}

// findDebugger reads the block where the headers say it is; where they do not, or
// wrongly, ScanDebugger can look for it.
func (d *Dump) findDebugger() {
	if t := d.small; t != nil && t.debugger != 0 && t.debuggerSize > 0 && t.debuggerSize <= maxDebuggerBytes {
		b, err := d.piece("debugger data", t.debugger, t.debuggerSize, maxDebuggerBytes)
		if err == nil && b != nil {
			k, bad := parseDebugger(b, d.header.Bits)
			if bad == nil {
				k.Addr, k.How = d.header.Debugger, "triage header"
				d.debugger.Store(k)
				return
			}
			err = bad
		}
		if err != nil {
			d.note("the debugger data that the triage header names is not usable: %v", err)
		}
	}
	if at := d.header.Debugger; at != 0 {
		k, err := d.debuggerAt(at)
		if err == nil {
			k.How = "header"
			d.debugger.Store(k)
			return
		}
		d.note("the debugger data block at %#x that the header names is not usable: %v", at, err)
	}
}

// debuggerAt reads the block at a virtual address.
func (d *Dump) debuggerAt(at uint64) (*Debugger, error) {
	head := make([]byte, debuggerHead)
	if _, err := d.ReadMemory(at, head); err != nil {
		return nil, err
	}
	size := min(max(binary.LittleEndian.Uint32(head[0x14:]), debuggerHead), maxDebuggerBytes)
	b := make([]byte, size)
	n, err := d.ReadMemory(at, b)
	if n < debuggerHead {
		return nil, err
	}
	k, err := parseDebugger(b[:n], d.header.Bits)
	if err != nil {
		return nil, err
	}
	k.Addr = at
	return k, nil
}

// Debugger returns the debugger data block, nil when it was not found.
func (d *Dump) Debugger() *Debugger { return d.debugger.Load() }
