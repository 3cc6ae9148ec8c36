package bootsec

import (
	"fmt"
	"io"

	"github.com/seed-eedd8485/lpc/bin"
	"github.com/seed-eedd8485/lpc/bootsec/bootcode"
	"github.com/seed-eedd8485/lpc/bootsec/partition"
)

// Kind says what the file was taken for.
type Kind string

// Kinds of file.
const (
	Disk   Kind = "disk"      // a disk image or a block device
	Sector Kind = "sector 0"  // a dump of the first sector alone
	Code   Kind = "boot code" // less than a sector: the code part of one
)

// Report is what Analyze found. It does not change afterwards and may be read
// by any number of goroutines.
type Report struct {
	Kind  Kind             `json:"kind"`
	Size  int64            `json:"size"` // bytes of the file
	Table *partition.Table `json:"table"`
	Boot  *bootcode.Code   `json:"boot"`
}

// Analyze reads the boot sector of the first size bytes of r, and what hangs on
// it. r is not used any more when Analyze returns.
func Analyze(r io.ReaderAt, size int64) (*Report, error) {
	table, err := partition.Read(r, size)
	if err != nil {
		return nil, fmt.Errorf("analysing boot sector: %w", err)
	}
	br := bin.New("boot sector", r, size)
	data := br.Bytes("code", min(size, partition.SectorBytes), partition.SectorBytes)
	if err := br.Err(); err != nil {
		return nil, fmt.Errorf("analysing boot sector: %w", err)
	}
	code, err := bootcode.Analyze(data, bootcode.Options{Table: hasTable(table, size)})
	if err != nil {
		return nil, fmt.Errorf("analysing boot sector: %w", err)
	}
	rep := &Report{Kind: Disk, Size: size, Table: table, Boot: code}
	switch {
	case size < partition.SectorBytes:
		rep.Kind = Code
	case size == partition.SectorBytes:
		rep.Kind = Sector
	}
	return rep, nil
}

// hasTable says whether the code is a master boot record's, with a table behind
// it: the file has one, or is the code part of one, which has no place for
// anything else.
func hasTable(t *partition.Table, size int64) bool {
	switch t.Scheme {
	case partition.DOS, partition.GPT:
		return true
	case partition.None:
		return size <= 446
	}
	return false
}
