package partition

import (
	"fmt"
	"io"

	"github.com/seed-eedd8485/lpc/bin"
)

// Scheme says what kind of table a disk has.
type Scheme string

// Schemes.
const (
	None   Scheme = "none"   // no partition table: code alone, or neither signature nor entries
	Volume Scheme = "volume" // sector 0 is a volume boot record: a disk without partitions
	DOS    Scheme = "dos"    // master boot record
	GPT    Scheme = "gpt"    // GPT behind a protective master boot record
)

// SectorBytes is the size of a boot sector, and of a disk's sectors unless a
// GPT header shows another.
const SectorBytes = 512

// Table is what was read.
type Table struct {
	Scheme     Scheme      `json:"scheme"`
	Size       int64       `json:"size"`       // bytes of the file
	SectorSize int64       `json:"sectorsize"` // bytes of a sector
	Whole      bool        `json:"whole"`      // the file is the disk; else it is a dump of its first sector
	DiskID     uint32      `json:"diskid"`     // at 1B8
	Signature  bool        `json:"signature"`  // 55 AA at 1FE
	Hybrid     bool        `json:"hybrid,omitempty"`
	Geometry   *Geometry   `json:"geometry,omitempty"` // by which CHS values were checked
	Partitions []Partition `json:"partitions"`         // of the MBR, then logical ones; for a GPT the protective entries
	GPT        *GPTDisk    `json:"gpt,omitempty"`
	Boot       *BootRecord `json:"volume,omitempty"` // if sector 0 is one
	Findings   []Finding   `json:"findings"`
}

// Sectors returns the number of sectors of the disk, 0 if only the first is
// known.
func (t *Table) Sectors() uint64 {
	if !t.Whole {
		return 0
	}
	return uint64(t.Size / t.SectorSize)
}

// Active returns the first partition that boot code would start, or nil.
func (t *Table) Active() *Partition {
	for i := range t.Partitions {
		if p := &t.Partitions[i]; p.Active() && p.Number <= 4 {
			return p
		}
	}
	return nil
}

// Read reads the tables of the disk in the first size bytes of r. A file of at
// most one sector is a dump of sector 0, or of the code part of it. r is only
// read, and no longer needed afterwards.
//
// The error says that sector 0 could not be read. All else is in Findings.
func Read(r io.ReaderAt, size int64) (*Table, error) {
	t := &Table{Scheme: None, Size: size, SectorSize: SectorBytes, Whole: size > SectorBytes, Partitions: []Partition{}, Findings: []Finding{}}
	n := min(size, SectorBytes)
	first := bin.New("sector 0", r, size)
	data := first.Bytes("boot sector", n, SectorBytes)
	if err := first.Err(); err != nil {
		return nil, fmt.Errorf("reading partition table: %w", err)
	}
	if n == 0 {
		return nil, fmt.Errorf("reading partition table: the file is empty, expected a disk or its sector 0 of %d bytes", SectorBytes)
	}
	sector := [SectorBytes]byte{}
	copy(sector[:], data)
	if n < SectorBytes {
		t.find(ShortSector, 0, n, "the file has %d bytes: the code part of a boot sector without partition table and 55 AA, expected %d", n, SectorBytes)
		if n < tableOffset+4*entryBytes {
			return t, nil
		}
	}
	t.readMBR(sector[:], r)
	return t, nil
}
