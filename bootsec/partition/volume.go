package partition

import (
	"bytes"
	"fmt"
	"io"
	"slices"

	"github.com/seed-eedd8485/lpc/bin"
)

// BootRecord is a volume boot record: the first sector of a file system that
// starts with a jump, an OEM name and a BIOS parameter block.
type BootRecord struct {
	Kind       string `json:"kind"` // FAT12, FAT16, FAT32, NTFS, exFAT, HPFS, BitLocker, ReFS, or boot sector
	OEM        string `json:"oem,omitempty"`
	Label      string `json:"label,omitempty"`
	SectorSize uint16 `json:"sectorsize,omitempty"`
	Cluster    uint32 `json:"clustersectors,omitempty"` // sectors a cluster
	Hidden     uint32 `json:"hidden,omitempty"`         // sectors in front of the volume
	Sectors    uint64 `json:"sectors,omitempty"`
	Serial     uint64 `json:"serial,omitempty"`
	Signature  bool   `json:"signature"` // 55 AA at 1FE
}

// recognise returns the volume boot record in a sector, or nil. It wants the
// jump and a believable block, or a name that no accident puts there.
func recognise(sector []byte) *BootRecord {
	jump := sector[0] == 0xeb && sector[2] == 0x90 || sector[0] == 0xe9 || sector[0] == 0xeb && sector[2] == 0x76 // exFAT
	if !jump {
		return nil
	}
	r := bin.FromBytes("volume boot record", sector)
	r.Skip("jump", 3)
	oem := r.Bytes("OEM name", 8, 8)
	b := &BootRecord{OEM: printable(oem), Signature: sector[signatureOffset] == 0x55 && sector[signatureOffset+1] == 0xaa}
	b.SectorSize = r.U16("bytes a sector")
	b.Cluster = uint32(r.U8("sectors a cluster"))
	reserved, fats, roots := r.U16("reserved sectors"), r.U8("FATs"), r.U16("root entries")
	small, media := r.U16("sectors"), r.U8("media")
	r.Skip("sectors a FAT, a track and heads", 6)
	b.Hidden, b.Sectors = r.U32("hidden sectors"), uint64(r.U32("large sectors"))
	if small != 0 {
		b.Sectors = uint64(small)
	}
	block := b.SectorSize >= 256 && b.SectorSize <= 4096 && b.SectorSize&(b.SectorSize-1) == 0 &&
		b.Cluster != 0 && b.Cluster&(b.Cluster-1) == 0 && (media == 0xf0 || media >= 0xf8)
	at := func(off int, s string) bool { return bytes.HasPrefix(sector[off:], []byte(s)) }
	switch {
	case at(3, "NTFS    "):
		b.Kind = "NTFS"
		b.Sectors, b.Serial = u64(sector, 0x28), u64(sector, 0x48)
	case at(3, "EXFAT   "):
		b.Kind = "exFAT"
		b.SectorSize, b.Cluster = 1<<min(sector[0x6c], 15), 1<<min(sector[0x6d], 25)
		b.Hidden, b.Sectors, b.Serial = uint32(u64(sector, 0x40)), u64(sector, 0x48), u64(sector, 0x64)&0xffffffff
	case at(3, "-FVE-FS-"):
		b.Kind = "BitLocker"
	case at(3, "ReFS\x00\x00\x00\x00"):
		b.Kind = "ReFS"
	case at(0x52, "FAT32   ") && block:
		b.Kind, b.Label, b.Serial = "FAT32", printable(sector[0x47:0x52]), u64(sector, 0x43)&0xffffffff
	case at(0x36, "HPFS    ") && block:
		b.Kind = "HPFS"
	case (at(0x36, "FAT12   ") || at(0x36, "FAT16   ") || at(0x36, "FAT     ")) && block:
		b.Kind, b.Label, b.Serial = printable(sector[0x36:0x3e]), printable(sector[0x2b:0x36]), u64(sector, 0x27)&0xffffffff
	case block && reserved > 0 && (fats == 1 || fats == 2) && roots > 0:
		b.Kind = "FAT" // before DOS 4 nothing names it
	default:
		return nil
	}
	return b
}

// readVolumes recognises what each partition starts with, and holds it against
// its entry.
func (t *Table) readVolumes(r io.ReaderAt) {
	if !t.Whole {
		return
	}
	for i := range t.Partitions {
		p := &t.Partitions[i]
		if p.Type == 0 || p.Sectors == 0 || p.Extended() || p.Type == typeProtective || p.Start == 0 {
			continue
		}
		at := int64(p.Start) * t.SectorSize
		sector, err := t.readSector(r, "first sector of partition "+itoa(p.Number), p.Start)
		if err != nil {
			if p.End() < t.Sectors() { // else the partition's own finding says it
				t.find(VolumeUnread, p.Number, at, "%v", err)
			}
			continue
		}
		p.Boot = recognise(sector)
		signed := sector[signatureOffset] == 0x55 && sector[signatureOffset+1] == 0xaa
		if p.Boot == nil && signed {
			p.Boot = &BootRecord{Kind: "boot sector", Signature: true}
		}
		if p.Active() && p.Number <= 4 && !signed {
			t.find(VolumeNoBoot, p.Number, at+signatureOffset, "partition %d is active, but its first sector ends in %02X %02X, expected 55 AA", p.Number, sector[signatureOffset], sector[signatureOffset+1])
		}
		if p.Boot != nil {
			t.checkVolume(*p, at)
		}
	}
	if t.GPT == nil {
		return
	}
	for i := range t.GPT.Entries {
		e := &t.GPT.Entries[i]
		if sector, err := t.readSector(r, "first sector", e.First); err == nil && e.First > 0 {
			e.Boot = recognise(sector)
		}
	}
}

// checkVolume holds a recognised boot record against its entry.
func (t *Table) checkVolume(p Partition, at int64) {
	b := p.Boot
	if want := kindsOf[p.Type]; want != nil && b.Kind != "boot sector" && !slices.Contains(want, b.Kind) {
		t.find(VolumeType, p.Number, at, "partition %d has type %02X (%s), but starts with a boot record of %s", p.Number, p.Type, p.TypeName, b.Kind)
	}
	if b.Sectors == 0 {
		return
	}
	// For a logical partition DOS counts the hidden sectors from its record.
	if uint64(b.Hidden) != p.Start && b.Hidden != p.Relative {
		t.find(VolumeHidden, p.Number, at+0x1c, "the %s boot record of partition %d counts %d hidden sectors, the partition starts at %d: its boot code reads from the wrong place", b.Kind, p.Number, b.Hidden, p.Start)
	}
	if per := uint64(b.SectorSize) / uint64(t.SectorSize); per > 0 && b.Sectors > p.Sectors/per {
		t.find(VolumeTooLong, p.Number, at+0x20, "the %s boot record of partition %d claims %d sectors, the partition has %d", b.Kind, p.Number, b.Sectors*per, p.Sectors)
	}
}

// kindsOf gives the boot records that fit a partition type; other types are
// not checked.
var kindsOf = map[uint8][]string{
	0x01: {"FAT12", "FAT"}, 0x04: {"FAT16", "FAT12", "FAT"}, 0x06: {"FAT16", "FAT"}, 0x0e: {"FAT16", "FAT12", "FAT"},
	0x0b: {"FAT32"}, 0x0c: {"FAT32"}, 0x07: {"NTFS", "exFAT", "HPFS", "BitLocker", "ReFS"},
}

// printable returns the text of a fixed field without the spaces at its end;
// nothing if it is no text.
func printable(b []byte) string {
	b = bytes.TrimRight(b, " \x00")
	for _, c := range b {
		if c < ' ' || c > '~' {
			return ""
		}
	}
	return string(b)
}

func u64(b []byte, off int) uint64 {
	r := bin.FromBytes("boot record", b)
	r.Seek("field", int64(off))
	return r.U64("field")
}

func itoa(n int) string { return fmt.Sprint(n) }
