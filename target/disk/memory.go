package disk

import (
	"fmt"
	"io"

	"github.com/seed-eedd8485/lpc/target"
)

const (
	// LoadAddress is where a BIOS lays sector 0, and where it jumps (IBM PC
	// technical reference, BIOS listing, int 19h).
	LoadAddress = 0x7c00
	// SectorBytes is what a BIOS reads to boot.
	SectorBytes = 512
)

// laid is how many bytes the BIOS could read.
func (t *Target) laid() uint64 { return uint64(min(t.size, SectorBytes)) }

// ReadMemory is target.Memory's.
func (t *Target) ReadMemory(addr uint64, dst []byte) (int, error) {
	if len(dst) == 0 {
		return 0, nil
	}
	end := LoadAddress + t.laid()
	if addr < LoadAddress || addr >= end {
		return 0, &target.Absent{Addr: addr, Why: t.outside(addr)}
	}
	want := dst[:min(uint64(len(dst)), end-addr)]
	n, err := t.file.ReadAt(want, int64(addr-LoadAddress))
	switch {
	case n < len(want) && err == io.EOF:
		return n, &target.Absent{Addr: addr + uint64(n), Why: "the file became shorter"}
	case n < len(want):
		return n, &target.Absent{Addr: addr + uint64(n), Why: fmt.Sprintf("reading sector 0: %v", bare(err))}
	case n < len(dst):
		return n, &target.Absent{Addr: end, Why: t.outside(end)}
	}
	return n, nil
}

// outside says why an address holds nothing.
func (t *Target) outside(addr uint64) string {
	if addr >= LoadAddress && addr < LoadAddress+SectorBytes {
		return fmt.Sprintf("the file has %d bytes, which is less than a sector", t.size)
	}
	return "of a disk, only sector 0 is in memory before it runs: 0x7c00 to 0x7dff"
}
