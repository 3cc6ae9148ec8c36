package pdb

import (
	"cmp"
	"slices"
	"sort"

	"github.com/seed-eedd8485/lpc/bin"
)

// Section is one of an image's sections.
type Section struct {
	Name string
	RVA  uint32 // bytes from the image's base
	Size uint32 // bytes in memory
}

// readSections reads a stream of IMAGE_SECTION_HEADER (PE specification, "Section
// Table"), 40 bytes each.
func readSections(data []byte) ([]Section, error) {
	r := bin.FromBytes("section headers", data)
	out := make([]Section, r.Count("section headers", uint64(len(data)/40), 40, r.Size()))
	for i := range out {
		name := r.Bytes("name", 8, 8)
		out[i].Size, out[i].RVA = r.U32("virtual size"), r.U32("virtual address")
		r.Skip("the rest of a header", 24)
		for n, b := range name {
			if b == 0 {
				name = name[:n]
				break
			}
		}
		out[i].Name = string(name)
	}
	return out, r.Err()
}

// omap translates addresses of an image that was rearranged after it had been
// linked, as Windows XP's kernel was: symbols keep the linker's addresses. The
// entries are in order; each holds for what follows up to the next.
type omap []struct{ from, to uint32 }

func readOmap(what string, data []byte) (omap, error) {
	r := bin.FromBytes(what, data)
	m := make(omap, r.Count("entries", uint64(len(data)/8), 8, r.Size()))
	for i := range m {
		m[i].from, m[i].to = r.U32("address"), r.U32("translation")
	}
	slices.SortStableFunc(m, func(a, b struct{ from, to uint32 }) int { return cmp.Compare(a.from, b.from) })
	return m, r.Err()
}

// translate is false for what has no counterpart: code that was dropped, or that
// the rearranging added.
func (m omap) translate(rva uint64) (uint64, bool) {
	i := sort.Search(len(m), func(i int) bool { return uint64(m[i].from) > rva })
	if i == 0 || m[i-1].to == 0 {
		return 0, false
	}
	return uint64(m[i-1].to) + rva - uint64(m[i-1].from), true
}

// addresses turns what the streams hold into addresses of the image.
type addresses struct {
	sections []Section // as linked; symbols name them by number, from 1 on
	from, to omap      // linked to final, and back; empty where they are equal
}

// linked is the address of an offset in a section, as linked. Number 0 and those
// behind the last section are for constants and for what was left out.
func (a *addresses) linked(section uint16, off uint32) (uint64, bool) {
	if section == 0 || int(section) > len(a.sections) {
		return 0, false
	}
	return uint64(a.sections[section-1].RVA) + uint64(off), true
}

// final is where an address as linked is now.
func (a *addresses) final(rva uint64) (uint64, bool) {
	if len(a.from) == 0 {
		return rva, true
	}
	return a.from.translate(rva)
}

// source is where an address of now was as linked.
func (a *addresses) source(rva uint64) (uint64, bool) {
	if len(a.to) == 0 {
		return rva, true
	}
	return a.to.translate(rva)
}
