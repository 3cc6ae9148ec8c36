package dumptest

import (
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
)

// Image is an executable image ("PE Format"): three sections, code, data with the
// addresses of what it imports and the table of what it exports, and INIT with the
// names of the imports, which the kernel discards once a driver runs.
type Image struct {
	Name    string
	Imports []ImportFrom
	Exports map[string]uint32 // places in the code, from its start
	Code    []byte
	Stamp   uint32
}

// ImportFrom is what an image imports from another one.
type ImportFrom struct {
	Module string
	Names  []string
}

// Sections of a made image: code at 1000h, the others behind it.
const (
	codeRVA   = 0x1000
	fileAlign = 0x200
)

// laidImage is an image as it stands in memory before it is bound.
type laidImage struct {
	bytes    []byte // whole pages
	sections []laidSection
	slots    map[uint32]string // of imported functions: place to name
}

type laidSection struct {
	name      string
	rva, size int
	features  uint32
}

func roundUp(n, to int) int { return (n + to - 1) / to * to }

// lay lays an image out for a machine.
func (p *Profile) lay(img Image) laidImage {
	ptr := p.Pointer()
	data := codeRVA + roundUp(max(len(img.Code), 1), page)
	slots := 0
	for _, f := range img.Imports {
		slots += len(f.Names) + 1
	}
	exports := data + slots*ptr
	// A table of exports: the directory, addresses, names, order, texts.
	exportBytes := 0
	if len(img.Exports) > 0 {
		exportBytes = 40
		for name := range img.Exports {
			exportBytes += 4 + 4 + 2 + len(name) + 1
		}
		exportBytes += len(img.Name) + 1
	}
	init := roundUp(exports+exportBytes+1, page)
	l := laidImage{slots: map[uint32]string{}}
	names := make([]byte, 20*(len(img.Imports)+1)) // descriptors, then what they name
	word := func(b []byte, v int) []byte {
		var w [8]byte
		binary.LittleEndian.PutUint64(w[:], uint64(v))
		return append(b, w[:ptr]...)
	}
	slot := data
	for i, f := range img.Imports {
		texts := make([]int, len(f.Names))
		for k, n := range f.Names {
			texts[k] = init + len(names)
			names = append(append(names, 0, 0), n...)
			names = append(names, 0)
			if len(names)%2 != 0 {
				names = append(names, 0)
			}
		}
		module := init + len(names)
		names = append(append(names, f.Module...), 0)
		for len(names)%8 != 0 {
			names = append(names, 0)
		}
		table := init + len(names)
		for k := range f.Names {
			l.slots[uint32(slot+k*ptr)] = f.Names[k]
			names = word(names, texts[k])
		}
		names = word(names, 0)
		d := names[20*i:]
		binary.LittleEndian.PutUint32(d, uint32(table))
		binary.LittleEndian.PutUint32(d[12:], uint32(module))
		binary.LittleEndian.PutUint32(d[16:], uint32(slot))
		slot += (len(f.Names) + 1) * ptr
	}
	size := init + roundUp(max(len(names), 1), page)
	l.bytes = make([]byte, size)
	copy(l.bytes[codeRVA:], img.Code)
	copy(l.bytes[init:], names)
	for at, name := range l.slots { // as in a file: the slots name what they will hold
		for i := 0; i < len(names)-2; i++ {
			if string(names[i:min(len(names), i+len(name))]) == name && names[i+len(name)] == 0 {
				put(l.bytes[at:], uint64(init+i-2), ptr)
				break
			}
		}
	}
	l.exports(img, exports)
	l.sections = []laidSection{
		{".text", codeRVA, data - codeRVA, 0x60000020}, {".rdata", data, init - data, 0x40000040}, {"INIT", init, size - init, 0xe2000020},
	}
	dirs := map[int][2]int{12: {data, slots * ptr}}
	if len(img.Imports) > 0 {
		dirs[1] = [2]int{init, 20 * (len(img.Imports) + 1)}
	}
	if exportBytes > 0 {
		dirs[0] = [2]int{exports, exportBytes}
	}
	p.imageHeader(&l, img, dirs)
	return l
}

// exports writes the table of exports.
func (l *laidImage) exports(img Image, at int) {
	n := len(img.Exports)
	if n == 0 {
		return
	}
	le := binary.LittleEndian
	addresses, names, order := at+40, at+40+4*n, at+40+8*n
	text := at + 40 + 10*n
	le.PutUint32(l.bytes[at+12:], uint32(text))
	text += copy(l.bytes[text:], img.Name) + 1
	le.PutUint32(l.bytes[at+16:], 1)
	le.PutUint32(l.bytes[at+20:], uint32(n))
	le.PutUint32(l.bytes[at+24:], uint32(n))
	le.PutUint32(l.bytes[at+28:], uint32(addresses))
	le.PutUint32(l.bytes[at+32:], uint32(names))
	le.PutUint32(l.bytes[at+36:], uint32(order))
	for i, name := range slices.Sorted(maps.Keys(img.Exports)) { // by name, as a loader wants them ("PE Format", .edata)
		le.PutUint32(l.bytes[addresses+4*i:], codeRVA+img.Exports[name])
		le.PutUint32(l.bytes[names+4*i:], uint32(text))
		le.PutUint16(l.bytes[order+2*i:], uint16(i))
		text += copy(l.bytes[text:], name) + 1
	}
}

// imageHeader writes the headers.
func (p *Profile) imageHeader(l *laidImage, img Image, dirs map[int][2]int) {
	le, b := binary.LittleEndian, l.bytes
	const nt = 0x80
	optional, dir, magic := 0xe0, 0x60, 0x10b
	if p.Bits == 64 {
		optional, dir, magic = 0xf0, 0x70, 0x20b
	}
	copy(b, "MZ")
	le.PutUint32(b[0x3c:], nt)
	copy(b[nt:], "PE\x00\x00")
	le.PutUint16(b[nt+4:], uint16(p.Machine))
	le.PutUint16(b[nt+6:], uint16(len(l.sections)))
	le.PutUint32(b[nt+8:], img.Stamp)
	le.PutUint16(b[nt+20:], uint16(optional))
	o := b[nt+24:]
	le.PutUint16(o, uint16(magic))
	le.PutUint32(o[0x20:], page)
	le.PutUint32(o[0x24:], fileAlign)
	le.PutUint32(o[0x38:], uint32(len(b)))
	le.PutUint32(o[0x3c:], 0x400) // headers
	le.PutUint32(o[dir-4:], 16)
	for i, d := range dirs {
		le.PutUint32(o[dir+8*i:], uint32(d[0]))
		le.PutUint32(o[dir+8*i+4:], uint32(d[1]))
	}
	raw := 0x400
	for i, s := range l.sections {
		h := o[optional+40*i:]
		copy(h, s.name)
		le.PutUint32(h[8:], uint32(s.size))
		le.PutUint32(h[12:], uint32(s.rva))
		le.PutUint32(h[16:], uint32(roundUp(s.size, fileAlign)))
		le.PutUint32(h[20:], uint32(raw))
		le.PutUint32(h[36:], s.features)
		raw += roundUp(s.size, fileAlign)
	}
}

// ImageFile is an image as it stands on disk.
func (p *Profile) ImageFile(img Image) []byte {
	l := p.lay(img)
	out := append([]byte(nil), l.bytes[:0x400]...)
	for _, s := range l.sections {
		part := make([]byte, roundUp(s.size, fileAlign))
		copy(part, l.bytes[s.rva:s.rva+s.size])
		out = append(out, part...)
	}
	return out
}

// AddImage loads an image: its module and its memory. What it imports is bound to the
// addresses of resolve. The pages of INIT are not in memory when init is false.
func (m *Machine) AddImage(img Image, base uint64, resolve map[string]uint64, init bool) uint64 {
	l := m.lay(img)
	base = m.AddModule(Module{Name: img.Name, Base: base, Size: uint64(len(l.bytes)), Stamp: img.Stamp})
	for at, name := range l.slots {
		v, ok := resolve[name]
		if !ok {
			panic(fmt.Sprintf("dumptest: %s imports %s, which nobody exports", img.Name, name))
		}
		put(l.bytes[at:], v, m.Pointer())
	}
	for _, s := range append(l.sections, laidSection{rva: 0, size: page}) {
		if s.name != "INIT" || init {
			m.Put(base+uint64(s.rva), l.bytes[s.rva:s.rva+s.size])
		}
	}
	return base
}

// ExportsOf are the addresses of what an image at base exports.
func ExportsOf(img Image, base uint64) map[string]uint64 {
	out := map[string]uint64{}
	for name, off := range img.Exports {
		out[name] = base + codeRVA + uint64(off)
	}
	return out
}
