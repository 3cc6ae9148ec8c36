package pdbtest

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/seed-eedd8485/lpc/isf"
)

// A Function is a function of an x86 image with its stack frame, of which the sizes
// are bytes; the frame's code is the function's.
type Function struct {
	Name  string
	RVA   uint32 // at least 1000h
	Size  uint32
	Frame isf.Frame
}

// A Move is code that was moved after linking, into room that held nothing else.
type Move struct {
	From, To uint32 // RVAs
	Size     uint32
}

// omaps are the tables from the image to the addresses as linked and back: each entry
// is an address with the one that it stands for, up to the next entry; 0 is none.
func omaps(moves []Move) (to, from []byte) {
	toLinked, toImage := [][2]uint32{{text, text}}, [][2]uint32{{text, text}}
	for _, m := range moves {
		toLinked = append(toLinked, [2]uint32{m.To, m.From}, [2]uint32{m.To + m.Size, m.To + m.Size}, [2]uint32{m.From, 0}, [2]uint32{m.From + m.Size, m.From + m.Size})
		toImage = append(toImage, [2]uint32{m.From, m.To}, [2]uint32{m.From + m.Size, m.From + m.Size})
	}
	bytes := func(list [][2]uint32) []byte {
		slices.SortFunc(list, func(a, b [2]uint32) int { return cmp.Compare(a[0], b[0]) })
		var b Buf
		for _, e := range list {
			b.U32(int(e[0]), int(e[1]))
		}
		return b.Bytes()
	}
	return bytes(toLinked), bytes(toImage)
}

// guid is that of every database that is written here, of age 1.
var guid = [16]byte{0x78, 0x56, 0x34, 0x12, 0xbc, 0x9a, 0xf0, 0xde, 1, 2, 3, 4, 5, 6, 7, 8}

// text is where the one section of an image begins.
const text = 0x1000

// Numbers of the format (LLVM, CodeViewSymbols.def and "The PDB DBI Stream").
const (
	symGproc = 0x1110
	x86      = 0x14c
	noStream = 0xffff
)

// Database is a program database of an x86 image of that size in memory. It has no
// structures. The functions' addresses are those as linked.
func Database(imageSize uint32, functions []Function, moves ...Move) []byte {
	var info, types, dbi, modules, symbols, fpo, sections Buf
	info.U32(20000404, 0, 1).Write(guid[:])
	info.U32(0, 0, 1, 0, 0, 0) // no named streams
	types.U32(20040203, 56, 0x1000, 0x1000, 0).U16(noStream, noStream).U32(4, 0x3ffff, 0, 0, 0, 0, 0, 0)

	symbols.U32(4)
	for _, f := range functions {
		symbols.Record(symGproc, new(Buf).U32(0, 0, 0, int(f.Size), 0, 0, 0, int(f.RVA-text)).U16(1).U8(0).Z(f.Name))
		fr, bp := f.Frame, 0
		if fr.UsesBP {
			bp = 1
		}
		fpo.U32(int(f.RVA), int(f.Size), int(fr.Locals/4)).U16(int(fr.Params/4), int(fr.Prolog)|int(fr.Registers/4)<<8|bp<<12|int(fr.Kind)<<14)
	}
	sections.WriteString(".text\x00\x00\x00")
	sections.U32(int(imageSize-text), text, int(imageSize-text), 0x400, 0, 0, 0, 0x60000020)

	const sModule, sFPO, sSections, sToLinked, sToImage = 5, 6, 7, 8, 9
	modules.U32(0).Write(make([]byte, 28))
	modules.U16(0, sModule).U32(symbols.Len(), 0, 0).U16(0, 0).U32(0, 0, 0).Z("ke.obj").Z("ke.obj")
	for modules.Len()%4 != 0 {
		modules.U8(0)
	}
	symbols.U32(0) // no global references
	dbi.U32(-1, 19990903, 1).U16(noStream, 0, noStream, 0, noStream, 0)
	dbi.U32(modules.Len(), 0, 0, 0, 0, 0, 22, 0).U16(0, x86).U32(0)
	dbi.Write(modules.Bytes())
	dbi.U16(sFPO, noStream, noStream, sToLinked, sToImage, sSections, noStream, noStream, noStream, noStream, sSections)
	toLinked, toImage := omaps(moves)
	return MSF(1024, [][]byte{nil, info.Bytes(), types.Bytes(), dbi.Bytes(), types.Bytes(), symbols.Bytes(), fpo.Bytes(), sections.Bytes(), toLinked, toImage})
}

// Header is the first page of an x86 image with that time stamp and size in memory, or
// the begin of its file: it says that the image's database is the one that Database
// writes, under that name.
func Header(stamp, imageSize uint32, name string) []byte {
	b := make([]byte, 0x1000)
	u16 := func(at int, v uint16) { binary.LittleEndian.PutUint16(b[at:], v) }
	u32 := func(at int, v uint32) { binary.LittleEndian.PutUint32(b[at:], v) }
	const nt, optional, section, directory, record = 0x80, 0x98, 0x178, 0x300, 0x340
	copy(b, "MZ")
	u32(0x3c, nt)
	copy(b[nt:], "PE\x00\x00")
	u16(nt+4, x86)
	u16(nt+6, 1) // sections
	u32(nt+8, stamp)
	u16(nt+20, 0xe0)     // optional header
	u16(optional, 0x10b) // PE32
	u32(optional+0x38, imageSize)
	u32(optional+0x3c, 0x400) // of the headers
	u32(optional+0x5c, 16)
	u32(optional+0x60+8*6, directory) // debug directory
	u32(optional+0x60+8*6+4, 28)
	copy(b[section:], ".text")
	u32(section+8, imageSize-text)
	u32(section+12, text)
	u32(directory+12, 2) // CodeView
	u32(directory+16, uint32(24+len(name)+1))
	u32(directory+20, record)
	u32(directory+24, record)
	copy(b[record:], "RSDS")
	copy(b[record+4:], guid[:])
	u32(record+20, 1)
	copy(b[record+24:], name)
	return b
}

// Key is GUID and age as they stand in a symbol server's path.
func Key() string {
	g := guid[:]
	le := binary.LittleEndian
	return fmt.Sprintf("%08X%04X%04X%X1", le.Uint32(g), le.Uint16(g[4:]), le.Uint16(g[6:]), g[8:])
}
