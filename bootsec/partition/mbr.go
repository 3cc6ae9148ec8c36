package partition

import (
	"encoding/binary"
	"io"
)

// Offsets within sector 0.
const (
	diskIDOffset    = 0x1b8
	protectedOffset = 0x1bc
	tableOffset     = 0x1be
	entryBytes      = 16
	signatureOffset = 0x1fe
)

// Types with a meaning for the table itself.
const (
	typeExtended      = 0x05
	typeExtendedLBA   = 0x0f
	typeExtendedLinux = 0x85
	typeProtective    = 0xee
)

// Partition is one entry of a master or extended boot record.
type Partition struct {
	Number   int         `json:"number"` // 1 to 4 by place in the table, logical ones from 5
	Status   uint8       `json:"status"` // 80 active, 00 not
	Type     uint8       `json:"type"`
	TypeName string      `json:"typename"`
	First    CHS         `json:"firstchs"`
	Last     CHS         `json:"lastchs"`
	Start    uint64      `json:"start"`            // sector, from the start of the disk
	Sectors  uint64      `json:"sectors"`          // length
	Record   uint64      `json:"record"`           // sector of the record that the entry stands in
	Relative uint32      `json:"relative"`         // start as it stands in the entry
	Boot     *BootRecord `json:"volume,omitempty"` // what its first sector holds
}

// Active reports whether boot code would start it.
func (p Partition) Active() bool { return p.Status == 0x80 }

// End returns the last sector, Start if the length is 0.
func (p Partition) End() uint64 {
	if p.Sectors == 0 {
		return p.Start
	}
	return p.Start + p.Sectors - 1
}

// Extended reports whether it holds a chain of logical partitions.
func (p Partition) Extended() bool {
	return p.Type == typeExtended || p.Type == typeExtendedLBA || p.Type == typeExtendedLinux
}

// parseEntry reads entry i of a record. Start is filled in relative to the
// disk's start, as for a master boot record.
func parseEntry(sector []byte, i int) Partition {
	b := sector[tableOffset+i*entryBytes:][:entryBytes]
	p := Partition{
		Number: i + 1, Status: b[0], Type: b[4], TypeName: TypeName(b[4]),
		First: parseCHS(b[1:4]), Last: parseCHS(b[5:8]),
		Relative: binary.LittleEndian.Uint32(b[8:]), Sectors: uint64(binary.LittleEndian.Uint32(b[12:])),
	}
	p.Start = uint64(p.Relative)
	return p
}

// unused reports an entry that says nothing.
func unused(sector []byte, i int) bool {
	for _, b := range sector[tableOffset+i*entryBytes:][:entryBytes] {
		if b != 0 {
			return false
		}
	}
	return true
}

// entryOffset returns the offset of entry i of the record in sector lba.
func (t *Table) entryOffset(lba uint64, i int) int64 {
	return int64(lba)*t.SectorSize + tableOffset + int64(i)*entryBytes
}

// readMBR reads sector 0 and all that hangs on it.
func (t *Table) readMBR(sector []byte, r io.ReaderAt) {
	t.DiskID = binary.LittleEndian.Uint32(sector[diskIDOffset:])
	t.Signature = sector[signatureOffset] == 0x55 && sector[signatureOffset+1] == 0xaa
	if boot := recognise(sector); boot != nil && !plausible(sector) {
		t.Scheme, t.Boot, t.DiskID = Volume, boot, 0
		if !t.Signature {
			t.noSignature(sector)
		}
		return
	}
	if !t.Signature && t.Size >= SectorBytes {
		t.noSignature(sector)
		if !plausible(sector) {
			t.readGPT(r)
			return
		}
	}
	if garbage(sector) {
		t.find(NotTable, 0, tableOffset, "the bytes at 1BE are no partition table: hardly an entry has status 00 or 80, a type, a start and a length")
		t.readGPT(r)
		return
	}
	t.Scheme = DOS
	if binary.LittleEndian.Uint16(sector[protectedOffset:]) == 0x5a5a {
		t.find(CopyProtected, 0, protectedOffset, "the disk is marked copy-protected: 5A5A at 1BC")
	}
	for i := range 4 {
		if !unused(sector, i) {
			t.Partitions = append(t.Partitions, parseEntry(sector, i))
		}
	}
	if !t.Whole {
		t.find(NotChecked, 0, 0, "the file is sector 0 alone: the end of the disk, extended chains, GPT headers and volumes are not checked")
	}
	t.checkPrimary()
	t.readGPT(r)
	t.readChains(r)
	t.checkCHS()
	t.checkOverlap()
	t.readVolumes(r)
}

func (t *Table) noSignature(sector []byte) {
	t.find(NoSignature, 0, signatureOffset, "sector 0 ends in %02X %02X at 1FE, expected 55 AA: a BIOS does not start it", sector[signatureOffset], sector[signatureOffset+1])
}

// garbage reports that the four entries cannot be a table: none is usable, or
// hardly any has a status that there is. Diskette boot sectors, and GRUB's
// before it is installed, have code there.
func garbage(sector []byte) bool {
	good, bad := 0, 0
	for i := range 4 {
		p := parseEntry(sector, i)
		switch {
		case p.Status&0x7f != 0:
			bad++
		case unused(sector, i) || p.Type != 0 && p.Sectors != 0 && p.Relative != 0:
			good++
		}
	}
	return good == 0 || bad > 2
}

// plausible reports whether the bytes from 1BE on can be a partition table:
// every status 00 or 80, and an entry with type, start and length.
func plausible(sector []byte) bool {
	any := false
	for i := range 4 {
		p := parseEntry(sector, i)
		if p.Status != 0 && p.Status != 0x80 {
			return false
		}
		if p.Type != 0 && p.Sectors != 0 && p.Relative != 0 {
			any = true
		}
	}
	return any
}
