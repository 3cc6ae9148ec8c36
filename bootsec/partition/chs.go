package partition

import "fmt"

// CHS is a sector's address as the three bytes of an MBR entry give it.
type CHS struct {
	Cylinder int `json:"c"` // 0 to 1023
	Head     int `json:"h"` // 0 to 255
	Sector   int `json:"s"` // 1 to 63; 0 is invalid
}

// parseCHS reads head, sector with the cylinder's high bits, cylinder.
func parseCHS(b []byte) CHS {
	return CHS{Head: int(b[0]), Sector: int(b[1] & 0x3f), Cylinder: int(b[1]&0xc0)<<2 | int(b[2])}
}

// String returns cylinder/head/sector.
func (c CHS) String() string { return fmt.Sprintf("%d/%d/%d", c.Cylinder, c.Head, c.Sector) }

// zero reports an address that was never filled in.
func (c CHS) zero() bool { return c == CHS{} }

// saturated reports the values that stand for "too large": FE FF FF, which is
// 1023/254/63, FF FF FF after the UEFI specification (section 5.2.3), and
// 1023 with the geometry's last head and sector.
func (c CHS) saturated(g Geometry) bool {
	return c.Cylinder == 1023 && c.Sector == 63 && c.Head >= 254 ||
		c.Cylinder == 1023 && c.Head == g.Heads-1 && c.Sector == g.Sectors
}

// Geometry is the number of heads and of sectors a track by which a disk's CHS
// values were made. A disk does not tell; it shows in the values.
type Geometry struct {
	Heads   int  `json:"heads"`
	Sectors int  `json:"sectors"`
	Sure    bool `json:"sure"` // some value of the table speaks for it
}

// chs returns the address of a sector, saturated if it is too far away.
func (g Geometry) chs(lba uint64) CHS {
	heads, sectors := uint64(g.Heads), uint64(g.Sectors)
	if lba >= 1024*heads*sectors {
		return CHS{1023, 254, 63}
	}
	return CHS{int(lba / sectors / heads), int(lba / sectors % heads), int(lba%sectors) + 1}
}

// agrees reports whether an address can stand for lba: it is that sector's, or
// says that the sector is out of reach, which some tools also write for sectors
// that are not.
func (g Geometry) agrees(c CHS, lba uint64) bool {
	return c.zero() || c.saturated(g) || c == g.chs(lba)
}

// geometries are tried in this order: what fdisk and BIOSes use for LBA disks,
// then the older translations.
var geometries = []Geometry{
	{255, 63, false}, {240, 63, false}, {128, 63, false}, {64, 63, false}, {32, 63, false}, {16, 63, false},
	{64, 32, false}, {255, 32, false}, {4, 32, false}, {2, 18, false}, {4, 16, false},
}

// guessGeometry returns the geometry that most CHS values of the table agree
// with; the first of equals.
func guessGeometry(parts []Partition) Geometry {
	candidates := geometries
	for _, p := range parts {
		// A partition that ends on a cylinder boundary shows the geometry itself.
		if p.Last.Sector > 0 && p.Last.Head > 0 && p.Last.Cylinder < 1023 {
			candidates = append(candidates[:len(candidates):len(candidates)], Geometry{Heads: p.Last.Head + 1, Sectors: p.Last.Sector})
		}
	}
	best, score := candidates[0], -1
	for _, g := range candidates {
		n := 0
		for _, p := range parts {
			if !p.First.zero() && !p.First.saturated(g) && p.First == g.chs(p.Start) {
				n++
			}
			if !p.Last.zero() && !p.Last.saturated(g) && p.Sectors > 0 && p.Last == g.chs(p.End()) {
				n++
			}
		}
		if n > score {
			best, score = g, n
		}
	}
	best.Sure = score > 0
	return best
}
