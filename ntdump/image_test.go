package ntdump

import (
	"fmt"
	"math"
	"strings"
	"testing"
)

// Extents become runs of whole pages in order; what two of them hold is the first's.
func TestExtents(t *testing.T) {
	for _, c := range []struct {
		name string
		list []Extent
		want string // "base+count@offset", then how many notes
	}{
		{"none", nil, "0"},
		{"one", []Extent{{0x1000, 0x3000, 0x200}}, "1+3@200 0"},
		{"out of order", []Extent{{0x100000, 0x1000, 0x5000}, {0, 0x2000, 0x1000}}, "0+2@1000 100+1@5000 0"},
		{"in a row, in memory and file", []Extent{{0, 0x1000, 0x100}, {0x1000, 0x1000, 0x1100}}, "0+2@100 0"},
		{"in a row, in memory alone", []Extent{{0, 0x1000, 0x100}, {0x1000, 0x1000, 0x9000}}, "0+1@100 1+1@9000 0"},
		{"the same twice", []Extent{{0, 0x2000, 0x100}, {0, 0x2000, 0x9000}}, "0+2@100 0"},
		{"overlapping", []Extent{{0, 0x2000, 0x100}, {0x1000, 0x2000, 0x9000}}, "0+2@100 2+1@a000 0"},
		{"within another", []Extent{{0, 0x4000, 0x100}, {0x1000, 0x1000, 0x9000}}, "0+4@100 0"},
		{"parts of pages", []Extent{{0x800, 0x2000, 0x100}}, "1+1@900 1"},
		{"less than a page", []Extent{{0x800, 0x1000, 0x100}}, "1"},
		{"at the end of memory", []Extent{{maxPFN*pageBytes - 0x1000, 0x1000, 0}}, fmt.Sprintf("%x+1@0 0", uint64(maxPFN-1))},
	} {
		m, notes, err := newExtents(c.list)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		got, total := "", uint64(0)
		for _, r := range m.list {
			got += fmt.Sprintf("%x+%x@%x ", r.base, r.count, r.off)
			total += r.count
		}
		if got += fmt.Sprint(len(notes)); got != c.want || total != m.total {
			t.Errorf("%s: %s, %d pages; want %s", c.name, got, m.total, c.want)
		}
	}
	for _, e := range []Extent{{0, 0x1000, -1}, {0, math.MaxUint64, 0}, {maxPFN * pageBytes, 0x1000, 0}, {math.MaxUint64 - 0xfff, 0x1000, 0}, {0, 0x1000, math.MaxInt64}} {
		if _, _, err := newExtents([]Extent{e}); err == nil || !strings.Contains(err.Error(), "extent 0 has") {
			t.Errorf("%+v: %v", e, err)
		}
	}
}
