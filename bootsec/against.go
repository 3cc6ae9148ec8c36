package bootsec

import (
	"fmt"
	"io"

	"github.com/seed-eedd8485/lpc/bin"
	"github.com/seed-eedd8485/lpc/bootsec/partition"
)

// WriteAgainst prints in which bytes the boot sector differs from the one in
// the first size bytes of other, which is called name: a disk, a sector or code
// alone, as for Analyze. Where either is shorter than a sector, what both have
// is compared.
func (r *Report) WriteAgainst(w io.Writer, other io.ReaderAt, size int64, name string) error {
	n := min(size, r.Size, partition.SectorBytes)
	br := bin.New(name, other, size)
	data := br.Bytes("boot sector", n, partition.SectorBytes)
	if err := br.Err(); err != nil {
		return fmt.Errorf("comparing boot sectors: %w", err)
	}
	if n == 0 {
		return fmt.Errorf("comparing boot sectors: %s is empty, expected a disk or its sector 0", name)
	}
	return r.Boot.WriteDifferences(w, data, name)
}
