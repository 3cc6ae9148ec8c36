package pdb

import (
	"bytes"
	"testing"

	"github.com/seed-eedd8485/lpc/internal/pdbtest"
)

// A program database, byte by byte: what LLVM's linker does not make (OMAP, FPO
// data, records of the years before 2003) is tested by its files, and so is damage.

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
	var info pdbtest.Buf
	info.U32(20000404, 0x12345678, 7) // age 7: it was changed after it was linked
	info.Write(testGUID[:])
	info.U32(7).Z("/names")
	info.U32(1, 1, 1, 1, 0, 0, sNames)
	info.U32(0, 20140508) // features: there is an IPI stream
	s[sInfo] = info.Bytes()

	s[sTypes] = writeTypes(typeRecords())
	s[sIDs] = writeTypes(new(pdbtest.Buf).Record(lfFuncID, new(pdbtest.Buf).U32(0, 0x1003).Z("Wait")), 1)

	var dbi, modules pdbtest.Buf
	modules.U32(0).Write(make([]byte, 28))
	modules.U16(0, sModule).U32(moduleSymbols().Len(), 0, 0).U16(0, 0).U32(0, 0, 0).Z("ke.obj").Z("ke.obj")
	for modules.Len()%4 != 0 {
		modules.U8(0)
	}
	dbi.U32(-1, 19990903, 3).U16(noStream, 0x8800, noStream, 0, sSymbols, 0)
	dbi.U32(modules.Len(), 0, 0, 8, 0, 0, 22, 0).U16(0, machineI386).U32(0)
	dbi.Write(modules.Bytes())
	dbi.U16(1, 0, 0, 0) // one module, made of no files
	dbi.U16(sFPO, noStream, noStream, sOmapTo, sOmapFrom, sSections, noStream, noStream, noStream, sFrameData, sOriginal)
	s[sDBI] = dbi.Bytes()

	var syms pdbtest.Buf
	pub := func(kind, offset int, name string) {
		body := new(pdbtest.Buf).U32(2, offset).U16(1)
		if kind == symPub32ST {
			body.P(name)
		} else {
			body.Z(name)
		}
		syms.Record(kind, body)
	}
	pub(symPub32, 0, "_Wait@20")
	pub(symPub32ST, 0x100, "@Swap@8")
	pub(symPub32, 0x140, "_Dropped")
	pub(symPub32, 0x150, "?run@Job@spool@@QAEXXZ")
	syms.Record(symGdata, new(pdbtest.Buf).U32(0x22, 0x10).U16(2).Z("Ticks"))
	syms.Record(symPub32, new(pdbtest.Buf).U32(0, 5).U16(9).Z("_Absolute"))
	syms.Record(0x1107, new(pdbtest.Buf).U32(0x22).U16(5).Z("Constant"))
	s[sSymbols] = syms.Bytes()
	s[sModule] = moduleSymbols().U32(0).Bytes() // the symbols, then no global references

	fpo := func(start, size, locals, params, prolog, regs, seh, bp, frame int) []byte {
		return new(pdbtest.Buf).U32(start, size, locals).U16(params, prolog|regs<<8|seh<<11|bp<<12|frame<<14).Bytes()
	}
	s[sFPO] = bytes.Join([][]byte{
		fpo(0x1150, 0x20, 0, 0, 0, 0, 1, 0, 1),
		fpo(0x1000, 0x100, 4, 5, 6, 3, 0, 0, 3),
		fpo(0x1100, 0x40, 0, 2, 8, 4, 0, 1, 0),
	}, nil)
	s[sOmapTo] = new(pdbtest.Buf).U32(0x2000, 0x1000, 0x2080, 0x1100, 0x20c0, 0x1080, 0x2140, 0x1150, 0x2170, 0, 0x3000, 0x4000, 0x4000, 0).Bytes()
	s[sOmapFrom] = new(pdbtest.Buf).U32(0x1000, 0x2000, 0x1080, 0x20c0, 0x1100, 0x2080, 0x1140, 0, 0x1150, 0x2140, 0x4000, 0x3000).Bytes()
	section := func(name string, size, rva int) []byte {
		b := new(pdbtest.Buf)
		b.WriteString((name + "\x00\x00\x00\x00\x00\x00\x00\x00")[:8])
		return b.U32(size, rva, size, 0x400, 0, 0, 0, 0x60000020).Bytes()
	}
	s[sSections] = append(section(".text", 0x170, 0x2000), section(".datalong", 0x100, 0x3000)...)
	s[sOriginal] = append(section(".text", 0x170, 0x1000), section(".data", 0x100, 0x4000)...)
	s[sFrameData] = new(pdbtest.Buf).U32(0x1150, 0x20, 12, 8, 0, 1).U16(3, 4).U32(5).
		U32(0x1153, 0x1d, 12, 8, 0, 6).U16(0, 8).U32(0).Bytes()
	s[sNames] = new(pdbtest.Buf).U32(0xeffeeffe, 1, 12).U8(0).Z("outr").Z("inner").U32(0, 0).Bytes()
	return s
}

func moduleSymbols() *pdbtest.Buf {
	b := new(pdbtest.Buf).U32(4)
	proc := func(kind, offset, size, typ int, name string) {
		body := new(pdbtest.Buf).U32(0, 0, 0, size, 0, 0, typ, offset).U16(1).U8(0)
		if kind == symGprocST {
			body.P(name)
		} else {
			body.Z(name)
		}
		b.Record(kind, body)
	}
	proc(symGprocID, 0, 0x100, 0x1000, "Wait")
	b.Record(0x0006, new(pdbtest.Buf)) // S_END
	proc(symGprocST, 0x100, 0x40, 0x1003, "Swap")
	b.Record(0x0006, new(pdbtest.Buf))
	proc(symLproc, 0x140, 0x10, 0x1003, "Gone")
	return b
}

// writeTypes puts records into a TPI or IPI stream.
func writeTypes(records *pdbtest.Buf, count int) []byte {
	b := new(pdbtest.Buf).U32(20040203, 56, 0x1000, 0x1000+count, records.Len()).U16(noStream, noStream)
	b.U32(4, 0x3ffff, 0, 0, 0, 0, 0, 0)
	b.Write(records.Bytes())
	return b.Bytes()
}

// typeRecords are structures as compilers of 2001 and 2019 wrote them.
func typeRecords() (*pdbtest.Buf, int) {
	b, n := new(pdbtest.Buf), 0
	add := func(kind int, body *pdbtest.Buf) int {
		b.Record(kind, body)
		n++
		return 0x1000 + n - 1
	}
	forward := add(lfStructureST, new(pdbtest.Buf).U16(0, propForward).U32(0, 0, 0).U16(0).P("_OLD"))
	pointer := add(lfPointer, new(pdbtest.Buf).U32(forward, 0x0a)) // no size, as before 2003
	args := add(lfArglist, new(pdbtest.Buf).U32(0))
	add(lfProcedure, new(pdbtest.Buf).U32(0x12).U8(0, 0).U16(0).U32(args)) // 0x1003
	array := add(lfArrayST, new(pdbtest.Buf).U32(0x20, 0x22).U16(16).P(""))
	bits := add(lfBitfield, new(pdbtest.Buf).U32(0x22).U8(3, 5))
	more := add(lfFieldlist, new(pdbtest.Buf).Member(lfMemberST, new(pdbtest.Buf).U16(3).U32(bits).U16(24).P("Bits")))
	list := add(lfFieldlist, new(pdbtest.Buf).
		Member(lfMemberST, new(pdbtest.Buf).U16(3).U32(pointer).U16(0).P("Next")).
		Member(lfMemberST, new(pdbtest.Buf).U16(3).U32(array).U16(4).P("Name")).
		Member(lfMemberST, new(pdbtest.Buf).U16(3).U32(0x0403).U16(lfUshort, 20).P("Object")).
		Member(lfNesttypeST, new(pdbtest.Buf).U16(0).U32(0x74).P("inner")).
		Member(lfMethodST, new(pdbtest.Buf).U16(2).U32(0).P("method")).
		Member(lfStmemberST, new(pdbtest.Buf).U16(3).U32(0x74).P("made")).
		Member(lfOnemethodST, new(pdbtest.Buf).U16(4<<2).U32(0x1003, 0).P("virtual")).
		Member(lfIndex, new(pdbtest.Buf).U16(0).U32(more)))
	add(lfStructureST, new(pdbtest.Buf).U16(8, 0).U32(list, 0, 0).U16(28).P("_OLD"))
	newList := add(lfFieldlist, new(pdbtest.Buf).
		Member(lfBclass, new(pdbtest.Buf).U16(3).U32(forward).U16(0)).
		Member(lfMember, new(pdbtest.Buf).U16(3).U32(0x23).U16(lfLong).U32(32).Z("Time")).
		Member(lfVbclass, new(pdbtest.Buf).U16(3).U32(forward, pointer).U16(0, 1)).
		Member(lfMember, new(pdbtest.Buf).U16(3).U32(0x9999).U16(40).Z("Strange")))
	add(lfStructure2, new(pdbtest.Buf).U32(propUnique, newList, 0, 0).U16(4, 48).Z("_NEW").Z(".?AU_NEW@@"))
	values := add(lfFieldlist, new(pdbtest.Buf).
		Member(lfEnumerateST, new(pdbtest.Buf).U16(3).U16(lfChar).U8(0xff).P("Minus")).
		Member(lfEnumerateST, new(pdbtest.Buf).U16(3).U16(7).P("Seven")).
		Member(lfEnumerateST, new(pdbtest.Buf).U16(3).U16(lfUlong).U32(-2).P("MinusTwo")))
	add(lfEnumST, new(pdbtest.Buf).U16(3, 0).U32(0x74, values).P("_KIND"))
	add(lfUnionST, new(pdbtest.Buf).U16(0, 0).U32(more).U16(4).P("__unnamed"))
	add(lfUnionST, new(pdbtest.Buf).U16(0, 0).U32(more).U16(4).P("__unnamed"))
	add(lfStructure, new(pdbtest.Buf).U16(1, 0).U32(more, 0, 0).U16(28).Z("_OLD")) // another of the name
	add(0x1777, new(pdbtest.Buf).U32(1))                                           // a kind nobody knows
	return b, n
}

// written is a whole file.
func written(t testing.TB) []byte {
	t.Helper()
	return pdbtest.MSF(512, writtenStreams())
}

func read(t testing.TB, data []byte) *File {
	t.Helper()
	f, err := New("written", bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	return f
}
