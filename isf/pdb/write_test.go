package pdb

import (
	"bytes"
	"encoding/binary"
	"testing"
)

// A writer of program databases, made from the format's description and not from
// the reader: what LLVM's linker does not make (OMAP, FPO data, records of the
// years before 2003) is tested by its files, and so is damage.

// buf puts little-endian fields together.
type buf struct{ bytes.Buffer }

func (b *buf) u8(v ...int) *buf {
	for _, x := range v {
		b.WriteByte(byte(x))
	}
	return b
}

func (b *buf) u16(v ...int) *buf {
	for _, x := range v {
		b.Write(binary.LittleEndian.AppendUint16(nil, uint16(x)))
	}
	return b
}

func (b *buf) u32(v ...int) *buf {
	for _, x := range v {
		b.Write(binary.LittleEndian.AppendUint32(nil, uint32(x)))
	}
	return b
}

// z is a string with a zero byte behind, p one with its length in front.
func (b *buf) z(s string) *buf { b.WriteString(s + "\x00"); return b }
func (b *buf) p(s string) *buf { b.WriteByte(byte(len(s))); b.WriteString(s); return b }

// record adds a record whose length is aligned to 4 by f3 f2 f1.
func (b *buf) record(kind int, body *buf) *buf {
	data := body.Bytes()
	for pad := -(len(data) + 4) & 3; pad > 0; pad-- {
		data = append(data, byte(0xf0+pad))
	}
	b.u16(len(data)+2, kind)
	b.Write(data)
	return b
}

// member adds an entry of a field list, aligned likewise.
func (b *buf) member(kind int, body *buf) *buf {
	b.u16(kind)
	b.Write(body.Bytes())
	for pad := -b.Len() & 3; pad > 0; pad-- {
		b.u8(0xf0 + pad)
	}
	return b
}

// writeMSF puts streams into a container.
func writeMSF(blockSize int, streams [][]byte) []byte {
	blocks := [][]byte{nil, nil, nil} // superblock and the two free block maps
	add := func(data []byte) (list []int) {
		for len(data) > 0 {
			n := min(len(data), blockSize)
			if at := len(blocks) % blockSize; at == 1 || at == 2 {
				blocks = append(blocks, nil) // free block maps of the next interval
				continue
			}
			list = append(list, len(blocks))
			blocks = append(blocks, data[:n])
			data = data[n:]
		}
		return list
	}
	var dir, numbers buf
	dir.u32(len(streams))
	for _, s := range streams {
		dir.u32(len(s))
		numbers.u32(add(s)...)
	}
	dir.Write(numbers.Bytes())
	var dirMap, super buf
	dirMap.u32(add(dir.Bytes())...)
	at := add(dirMap.Bytes())
	super.WriteString(magic7)
	super.u32(blockSize, 1, len(blocks), dir.Len(), 0, at[0])
	blocks[0] = super.Bytes()
	out := make([]byte, blockSize*len(blocks))
	for i, b := range blocks {
		copy(out[i*blockSize:], b)
	}
	return out
}

// Streams of the written file.
const (
	sInfo = 1 + iota
	sTypes
	sDBI
	sIDs
	sSymbols
	sModule
	sFPO
	sOmapTo
	sOmapFrom
	sSections
	sOriginal
	sFrameData
	sNames
	sCount
)

var testGUID = [16]byte{0x78, 0x56, 0x34, 0x12, 0xbc, 0x9a, 0xf0, 0xde, 1, 2, 3, 4, 5, 6, 7, 8}

// writtenStreams are those of an x86 kernel that was rearranged after linking. As
// linked, Wait has 100h bytes at 1000h and Swap 40h behind it; in the image, the
// last 80h bytes of Wait stand behind Swap, at 20C0h.
func writtenStreams() [][]byte {
	s := make([][]byte, sCount)
	var info buf
	info.u32(20000404, 0x12345678, 7) // age 7: it was changed after it was linked
	info.Write(testGUID[:])
	info.u32(7).z("/names")
	info.u32(1, 1, 1, 1, 0, 0, sNames)
	info.u32(0, 20140508) // features: there is an IPI stream
	s[sInfo] = info.Bytes()

	s[sTypes] = writeTypes(typeRecords())
	s[sIDs] = writeTypes(new(buf).record(lfFuncID, new(buf).u32(0, 0x1003).z("Wait")), 1)

	var dbi, modules buf
	modules.u32(0).Write(make([]byte, 28))
	modules.u16(0, sModule).u32(moduleSymbols().Len(), 0, 0).u16(0, 0).u32(0, 0, 0).z("ke.obj").z("ke.obj")
	for modules.Len()%4 != 0 {
		modules.u8(0)
	}
	dbi.u32(-1, 19990903, 3).u16(noStream, 0x8800, noStream, 0, sSymbols, 0)
	dbi.u32(modules.Len(), 0, 0, 8, 0, 0, 22, 0).u16(0, machineI386).u32(0)
	dbi.Write(modules.Bytes())
	dbi.u16(1, 0, 0, 0) // one module, made of no files
	dbi.u16(sFPO, noStream, noStream, sOmapTo, sOmapFrom, sSections, noStream, noStream, noStream, sFrameData, sOriginal)
	s[sDBI] = dbi.Bytes()

	var syms buf
	pub := func(kind, offset int, name string) {
		body := new(buf).u32(2, offset).u16(1)
		if kind == symPub32ST {
			body.p(name)
		} else {
			body.z(name)
		}
		syms.record(kind, body)
	}
	pub(symPub32, 0, "_Wait@20")
	pub(symPub32ST, 0x100, "@Swap@8")
	pub(symPub32, 0x140, "_Dropped")
	pub(symPub32, 0x150, "?run@Job@spool@@QAEXXZ")
	syms.record(symGdata, new(buf).u32(0x22, 0x10).u16(2).z("Ticks"))
	syms.record(symPub32, new(buf).u32(0, 5).u16(9).z("_Absolute"))
	syms.record(0x1107, new(buf).u32(0x22).u16(5).z("Constant"))
	s[sSymbols] = syms.Bytes()
	s[sModule] = moduleSymbols().u32(0).Bytes() // the symbols, then no global references

	fpo := func(start, size, locals, params, prolog, regs, seh, bp, frame int) []byte {
		return new(buf).u32(start, size, locals).u16(params, prolog|regs<<8|seh<<11|bp<<12|frame<<14).Bytes()
	}
	s[sFPO] = bytes.Join([][]byte{
		fpo(0x1150, 0x20, 0, 0, 0, 0, 1, 0, 1),
		fpo(0x1000, 0x100, 4, 5, 6, 3, 0, 0, 3),
		fpo(0x1100, 0x40, 0, 2, 8, 4, 0, 1, 0),
	}, nil)
	s[sOmapTo] = new(buf).u32(0x2000, 0x1000, 0x2080, 0x1100, 0x20c0, 0x1080, 0x2140, 0x1150, 0x2170, 0, 0x3000, 0x4000, 0x4000, 0).Bytes()
	s[sOmapFrom] = new(buf).u32(0x1000, 0x2000, 0x1080, 0x20c0, 0x1100, 0x2080, 0x1140, 0, 0x1150, 0x2140, 0x4000, 0x3000).Bytes()
	section := func(name string, size, rva int) []byte {
		b := new(buf)
		b.WriteString((name + "\x00\x00\x00\x00\x00\x00\x00\x00")[:8])
		return b.u32(size, rva, size, 0x400, 0, 0, 0, 0x60000020).Bytes()
	}
	s[sSections] = append(section(".text", 0x170, 0x2000), section(".datalong", 0x100, 0x3000)...)
	s[sOriginal] = append(section(".text", 0x170, 0x1000), section(".data", 0x100, 0x4000)...)
	s[sFrameData] = new(buf).u32(0x1150, 0x20, 12, 8, 0, 1).u16(3, 4).u32(5).
		u32(0x1153, 0x1d, 12, 8, 0, 6).u16(0, 8).u32(0).Bytes()
	s[sNames] = new(buf).u32(0xeffeeffe, 1, 12).u8(0).z("outr").z("inner").u32(0, 0).Bytes()
	return s
}

func moduleSymbols() *buf {
	b := new(buf).u32(4)
	proc := func(kind, offset, size, typ int, name string) {
		body := new(buf).u32(0, 0, 0, size, 0, 0, typ, offset).u16(1).u8(0)
		if kind == symGprocST {
			body.p(name)
		} else {
			body.z(name)
		}
		b.record(kind, body)
	}
	proc(symGprocID, 0, 0x100, 0x1000, "Wait")
	b.record(0x0006, new(buf)) // S_END
	proc(symGprocST, 0x100, 0x40, 0x1003, "Swap")
	b.record(0x0006, new(buf))
	proc(symLproc, 0x140, 0x10, 0x1003, "Gone")
	return b
}

// writeTypes puts records into a TPI or IPI stream.
func writeTypes(records *buf, count int) []byte {
	b := new(buf).u32(20040203, 56, 0x1000, 0x1000+count, records.Len()).u16(noStream, noStream)
	b.u32(4, 0x3ffff, 0, 0, 0, 0, 0, 0)
	b.Write(records.Bytes())
	return b.Bytes()
}

// typeRecords are structures as compilers of 2001 and 2019 wrote them.
func typeRecords() (*buf, int) {
	b, n := new(buf), 0
	add := func(kind int, body *buf) int {
		b.record(kind, body)
		n++
		return 0x1000 + n - 1
	}
	forward := add(lfStructureST, new(buf).u16(0, propForward).u32(0, 0, 0).u16(0).p("_OLD"))
	pointer := add(lfPointer, new(buf).u32(forward, 0x0a)) // no size, as before 2003
	args := add(lfArglist, new(buf).u32(0))
	add(lfProcedure, new(buf).u32(0x12).u8(0, 0).u16(0).u32(args)) // 0x1003
	array := add(lfArrayST, new(buf).u32(0x20, 0x22).u16(16).p(""))
	bits := add(lfBitfield, new(buf).u32(0x22).u8(3, 5))
	more := add(lfFieldlist, new(buf).member(lfMemberST, new(buf).u16(3).u32(bits).u16(24).p("Bits")))
	list := add(lfFieldlist, new(buf).
		member(lfMemberST, new(buf).u16(3).u32(pointer).u16(0).p("Next")).
		member(lfMemberST, new(buf).u16(3).u32(array).u16(4).p("Name")).
		member(lfMemberST, new(buf).u16(3).u32(0x0403).u16(lfUshort, 20).p("Object")).
		member(lfNesttypeST, new(buf).u16(0).u32(0x74).p("inner")).
		member(lfMethodST, new(buf).u16(2).u32(0).p("method")).
		member(lfStmemberST, new(buf).u16(3).u32(0x74).p("made")).
		member(lfOnemethodST, new(buf).u16(4<<2).u32(0x1003, 0).p("virtual")).
		member(lfIndex, new(buf).u16(0).u32(more)))
	add(lfStructureST, new(buf).u16(8, 0).u32(list, 0, 0).u16(28).p("_OLD"))
	newList := add(lfFieldlist, new(buf).
		member(lfBclass, new(buf).u16(3).u32(forward).u16(0)).
		member(lfMember, new(buf).u16(3).u32(0x23).u16(lfLong).u32(32).z("Time")).
		member(lfVbclass, new(buf).u16(3).u32(forward, pointer).u16(0, 1)).
		member(lfMember, new(buf).u16(3).u32(0x9999).u16(40).z("Strange")))
	add(lfStructure2, new(buf).u32(propUnique, newList, 0, 0).u16(4, 48).z("_NEW").z(".?AU_NEW@@"))
	values := add(lfFieldlist, new(buf).
		member(lfEnumerateST, new(buf).u16(3).u16(lfChar).u8(0xff).p("Minus")).
		member(lfEnumerateST, new(buf).u16(3).u16(7).p("Seven")).
		member(lfEnumerateST, new(buf).u16(3).u16(lfUlong).u32(-2).p("MinusTwo")))
	add(lfEnumST, new(buf).u16(3, 0).u32(0x74, values).p("_KIND"))
	add(lfUnionST, new(buf).u16(0, 0).u32(more).u16(4).p("__unnamed"))
	add(lfUnionST, new(buf).u16(0, 0).u32(more).u16(4).p("__unnamed"))
	add(lfStructure, new(buf).u16(1, 0).u32(more, 0, 0).u16(28).z("_OLD")) // another of the name
	add(0x1777, new(buf).u32(1))                                           // a kind nobody knows
	return b, n
}

// written is a whole file.
func written(t testing.TB) []byte {
	t.Helper()
	return writeMSF(512, writtenStreams())
}

func read(t testing.TB, data []byte) *File {
	t.Helper()
	f, err := New("written", bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	return f
}
