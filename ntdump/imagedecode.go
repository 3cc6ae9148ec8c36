package ntdump

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"

	"github.com/seed-eedd8485/lpc/isf"
)

// KernelImage is where the kernel's image begins when that is all that is known: in a
// memory image whose debugger data block is encoded. ok is false otherwise, also as
// soon as the block was decoded.
func (d *Dump) KernelImage() (base uint64, ok bool) {
	if d.encoded == nil || d.Debugger() != nil {
		return 0, false
	}
	return d.encoded.base, true
}

// UseKernelSymbols finds the debugger data block by the symbols of the kernel's very
// build, and decodes it where it is encoded. What the block tells is then known as if
// it had been found at the start. Nothing is done where a block is known already. No
// other goroutine may read the dump meanwhile: its header is filled.
func (d *Dump) UseKernelSymbols(t isf.Types) error {
	base, ok := d.KernelImage()
	if !ok {
		return nil
	}
	k, err := d.decodeDebugger(base, t)
	if err != nil {
		return fmt.Errorf("finding the debugger data block by symbols: %w", err)
	}
	d.debugger.Store(k)
	d.fillHeader()
	d.setOwnTypes()
	d.useSystemTables()
	return nil
}

// decodeDebugger reads the block. Its words are encoded with two random numbers and
// the address of the flag that says so: the reverse of what KdCopyDataBlock of Windows
// 8 and later does, as QEMU's contrib/elf2dmp documents it.
func (d *Dump) decodeDebugger(base uint64, t isf.Types) (*Debugger, error) {
	at := map[string]uint64{}
	for _, name := range []string{"KdDebuggerDataBlock", "KdpDataBlockEncoded", "KiWaitNever", "KiWaitAlways"} {
		rva, ok := t.Symbol(name)
		if !ok && name == "KdDebuggerDataBlock" {
			return nil, fmt.Errorf("%s does not name %s", t.Source(), name)
		}
		if ok {
			at[name] = base + rva
		}
	}
	block := at["KdDebuggerDataBlock"]
	k, plainErr := d.debuggerAt(block)
	if plainErr == nil {
		k.How = "its symbol"
		return k, nil
	}
	if len(at) < 4 {
		return nil, fmt.Errorf("it is not plain (%w), and %s does not name what it is encoded with", plainErr, t.Source())
	}
	never, err := d.Number(Space{}, at["KiWaitNever"], 8)
	if err != nil {
		return nil, err
	}
	always, err := d.Number(Space{}, at["KiWaitAlways"], 8)
	if err != nil {
		return nil, err
	}
	b := make([]byte, maxDebuggerBytes)
	n, err := d.ReadMemory(block, b)
	for i := 0; i+8 <= n; i += 8 {
		v := binary.LittleEndian.Uint64(b[i:])
		v = bits.RotateLeft64(v^never, int(never&0xff))
		v = bits.ReverseBytes64(v^at["KdpDataBlockEncoded"]) ^ always
		binary.LittleEndian.PutUint64(b[i:], v)
	}
	k, bad := parseDebugger(b[:n&^7], d.header.Bits)
	if bad != nil {
		return nil, errors.Join(fmt.Errorf("decoded, it is none: %w", bad), err)
	}
	k.Addr, k.How = block, "its symbol, and decoded"
	return k, nil
}
