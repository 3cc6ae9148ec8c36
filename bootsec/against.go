package bootsec

import (
	"fmt"
	"io"

	"github.com/seed-eedd8485/lpc/bin"
	"github.com/seed-eedd8485/lpc/bootsec/bootcode"
	"github.com/seed-eedd8485/lpc/bootsec/partition"
)

// WriteAgainst prints in which bytes the boot sector differs from the one in
// the first size bytes of other, which is called name: a disk, a sector or code
// alone, as for Analyze. Where either is shorter than a sector, what both have
// is compared.
func (r *Report) WriteAgainst(w io.Writer, other io.ReaderAt, size int64, name string) error {
	data, err := r.counterpart(other, size, name)
	if err != nil {
		return err
	}
	return r.Boot.WriteDifferences(w, data, name)
}

// Against returns what WriteAgainst prints.
func (r *Report) Against(other io.ReaderAt, size int64, name string) ([]bootcode.Difference, error) {
	data, err := r.counterpart(other, size, name)
	if err != nil {
		return nil, err
	}
	return r.Boot.Compare(data), nil
}

// counterpart reads the bytes of other that are to be compared.
func (r *Report) counterpart(other io.ReaderAt, size int64, name string) ([]byte, error) {
	n := min(size, r.Size, partition.SectorBytes)
	br := bin.New(name, other, size)
	data := br.Bytes("boot sector", n, partition.SectorBytes)
	if err := br.Err(); err != nil {
		return nil, fmt.Errorf("comparing boot sectors: %w", err)
	}
	if n == 0 {
		return nil, fmt.Errorf("comparing boot sectors: %s is empty, expected a disk or its sector 0", name)
	}
	return data, nil
}
