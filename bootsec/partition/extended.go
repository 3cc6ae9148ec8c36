package partition

import (
	"fmt"
	"io"

	"github.com/seed-eedd8485/lpc/bin"
)

// maxLogical bounds the chain; Linux stops at 60 for SCSI disks and at 255
// anyway, so that more is damage.
const maxLogical = 256

// readChains follows the chain of each extended partition.
func (t *Table) readChains(r io.ReaderAt) {
	if !t.Whole {
		return
	}
	for _, p := range t.Partitions {
		if p.Number <= 4 && p.Extended() && p.Sectors > 0 {
			t.readChain(r, p)
		}
	}
}

// readChain follows one chain of extended boot records. Entry 0 of a record is
// a logical partition, its start counted from that record; entry 1 is the next
// record, counted from the start of the whole extended partition.
func (t *Table) readChain(r io.ReaderAt, ext Partition) {
	number := 5
	for _, p := range t.Partitions {
		number = max(number, p.Number+1)
	}
	seen := map[uint64]bool{}
	for lba := ext.Start; ; {
		at := int64(lba) * t.SectorSize
		switch {
		case seen[lba]:
			t.find(ChainLoop, ext.Number, at, "the extended chain returns to the record in sector %d", lba)
			return
		case len(seen) == maxLogical:
			t.find(ChainTooLong, ext.Number, at, "the extended chain has more than %d records", maxLogical)
			return
		}
		seen[lba] = true
		sector, err := t.readSector(r, "extended boot record", lba)
		if err != nil {
			t.find(ChainUnread, ext.Number, at, "following the chain of partition %d: %v", ext.Number, err)
			return
		}
		if sector[signatureOffset] != 0x55 || sector[signatureOffset+1] != 0xaa {
			t.find(ChainSignature, ext.Number, at+signatureOffset, "the extended boot record in sector %d ends in %02X %02X, expected 55 AA",
				lba, sector[signatureOffset], sector[signatureOffset+1])
			return
		}
		if p := parseEntry(sector, 0); p.Type != 0 || p.Sectors != 0 {
			p.Number, p.Record, p.Start = number, lba, lba+uint64(p.Relative)
			number++
			t.Partitions = append(t.Partitions, p)
			t.checkLogical(p, ext)
		}
		for i := 2; i < 4; i++ {
			if !unused(sector, i) {
				t.find(ChainEntry, ext.Number, t.entryOffset(lba, i), "the extended boot record in sector %d uses entry %d, expected entries 1 and 2 only", lba, i+1)
			}
		}
		next := parseEntry(sector, 1)
		if next.Type == 0 || next.Sectors == 0 {
			return
		}
		if !next.Extended() {
			t.find(ChainEntry, ext.Number, t.entryOffset(lba, 1), "entry 2 of the extended boot record in sector %d has type %02X, expected 05, 0F or 85", lba, next.Type)
			return
		}
		following := ext.Start + uint64(next.Relative)
		if following > ext.End() {
			t.find(ChainOutside, ext.Number, t.entryOffset(lba, 1), "the next record of the extended chain is sector %d, the extended partition ends at %d", following, ext.End())
			return
		}
		lba = following
	}
}

// checkLogical checks a logical partition by itself.
func (t *Table) checkLogical(p, ext Partition) {
	at := t.entryOffset(p.Record, 0)
	switch {
	case p.Status == 0x80:
		t.find(LogicalActive, p.Number, at, "logical partition %d is active: boot code looks at the primary ones only", p.Number)
	case p.Status != 0:
		t.find(BadStatus, p.Number, at, "partition %d has status %02X, expected 00", p.Number, p.Status)
	}
	t.checkEntry(p, at)
	if p.Sectors > 0 && (p.Start < ext.Start || p.End() > ext.End()) {
		t.find(LogicalOutside, p.Number, at, "logical partition %d (sectors %d to %d) reaches out of extended partition %d (%d to %d)",
			p.Number, p.Start, p.End(), ext.Number, ext.Start, ext.End())
	}
}

// readSector reads the first 512 bytes of a sector.
func (t *Table) readSector(r io.ReaderAt, what string, lba uint64) ([]byte, error) {
	if n := uint64(t.Size / t.SectorSize); lba >= n {
		return nil, fmt.Errorf("reading %s: sector %d is behind the end of the disk, which has %d sectors", what, lba, n)
	}
	br := bin.New(what, r, t.Size)
	br.Seek("sector", int64(lba)*t.SectorSize)
	b := br.Bytes("sector", SectorBytes, SectorBytes)
	return b, br.Err()
}
