package pdb

import "github.com/seed-eedd8485/lpc/isf"

// described is the Types that a File gives: what isf.New made, with the frames, and
// with names for the addresses of a rearranged image.
type described struct {
	isf.Described
	file  *File
	named isf.Types // symbols by their addresses as linked; without OMAP the same description
}

var (
	_ isf.Described = (*described)(nil)
	_ isf.Frames    = (*described)(nil)
	_ isf.Neighbors = (*described)(nil)
)

// Nearest implements isf.Types. The distance is counted as linked: a function of an
// image that has an OMAP can be in pieces, the name of an address is the one it had
// before, and a piece that was moved away still shows how far into it one is. Where
// a public symbol has no end, frame data that begins there tells it.
func (d *described) Nearest(rva uint64) (name string, distance uint64, ranges, ok bool) {
	source, ok := d.file.addr.source(rva)
	if !ok {
		return "", 0, false, false
	}
	name, distance, ranges, ok = d.named.Nearest(source)
	if ok && !ranges {
		f, known := d.file.FPO(rva)
		ranges = known && f.Start && uint64(f.Offset) == distance
	}
	return name, distance, ranges, ok
}

// FPO implements isf.Frames.
func (d *described) FPO(rva uint64) (isf.Frame, bool) { return d.file.FPO(rva) }

// Next implements isf.Neighbors.
func (d *described) Next(rva uint64) (isf.Symbol, bool) { return isf.Next(d.Described, rva) }
