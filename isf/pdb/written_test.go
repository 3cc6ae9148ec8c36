package pdb

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/seed-eedd8485/lpc/internal/llvmtest"
	"github.com/seed-eedd8485/lpc/internal/needs"
	"github.com/seed-eedd8485/lpc/internal/pdbtest"
	"github.com/seed-eedd8485/lpc/isf"
)

func TestWrittenIdentity(t *testing.T) {
	f := read(t, written(t))
	// The age is the image's, from the DBI stream, and not how often the file
	// was changed.
	if got := f.Identity().String(); got != "123456789ABCDEF001020304050607083" {
		t.Errorf("identity %s", got)
	}
	m, ok := isf.MetadataOf(f.Types())
	if want := (isf.Metadata{Format: "PDB 7.00", PDB: "written", GUID: "123456789ABCDEF00102030405060708", Age: 3, Machine: 0x14c}); !ok || m != want {
		t.Errorf("metadata %+v, want %+v", m, want)
	}
	if want := []Section{{".text", 0x1000, 0x170}, {".data", 0x4000, 0x100}}; !slices.Equal(f.Sections(), want) {
		t.Errorf("sections %+v, want %+v", f.Sections(), want)
	}
	want := []string{
		"_NEW: where a virtual base stands is known at run time only",
		"_NEW.Strange: type 0x9999 is not in the file",
		"2 symbols stand for code that was dropped after linking",
	}
	got := slices.Clone(f.Skipped())
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("skipped %q\nwant    %q", got, want)
	}
}

func TestWrittenTypes(t *testing.T) {
	types := read(t, written(t)).Types()
	if got, want := types.Names(), []string{"_NEW", "_OLD", "_OLD_100f", "__unnamed_100d", "__unnamed_100e"}; !slices.Equal(got, want) {
		t.Errorf("names %q, want %q", got, want)
	}
	want := `+0x000 Next                 : Ptr32 _OLD
+0x004 Name                 : [16] UChar
+0x014 Object               : Ptr32 Void
+0x018 Bits                 : Pos 5, 3 Bits
+0x000 _OLD                 : _OLD
+0x020 Time                 : Uint8B
`
	if got := listing(t, types, "_OLD") + listing(t, types, "_NEW"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if f, err := isf.Find(types, types.Layout("_NEW"), "Bits"); err != nil || f.Offset != 24 {
		t.Errorf("a base's member: %+v, %v", f, err)
	}
	for value, want := range map[int64]string{-1: "Minus", 7: "Seven", -2: "MinusTwo", 0: ""} {
		if got := types.Enum("KIND", value); got != want {
			t.Errorf("%d is %q, want %q", value, got, want)
		}
	}
}

// A kernel that was rearranged: a name belongs to all pieces of its function.
func TestWrittenSymbols(t *testing.T) {
	f := read(t, written(t))
	types := f.Types()
	for name, want := range map[string]uint64{
		"Wait": 0x2000, "_Wait@20": 0x2000, "Swap": 0x2080, "@Swap@8": 0x2080, "Ticks": 0x3010,
		"spool::Job::run": 0x2140, "?run@Job@spool@@QAEXXZ": 0x2140,
	} {
		if rva, ok := types.Symbol(name); rva != want || !ok {
			t.Errorf("%s stands at %#x, %v; want %#x", name, rva, ok, want)
		}
	}
	for _, name := range []string{"Dropped", "Absolute", "Constant", "Gone"} {
		if rva, ok := types.Symbol(name); ok {
			t.Errorf("%s stands at %#x", name, rva)
		}
	}
	for _, c := range []struct {
		rva      uint64
		name     string
		distance uint64
		ranges   bool
		ok       bool
	}{
		{0x1fff, "", 0, false, false},
		{0x2000, "Wait", 0, true, true},
		{0x207f, "Wait", 0x7f, true, true},
		{0x2080, "Swap", 0, true, true},
		{0x20bf, "Swap", 0x3f, true, true},
		{0x20c0, "Wait", 0x80, true, true}, // the moved piece, above Swap
		{0x213f, "Wait", 0xff, true, true},
		{0x2140, "spool::Job::run", 0, true, true}, // a public without an extent, which frame data has
		{0x215f, "spool::Job::run", 0x1f, false, true},
		{0x2160, "spool::Job::run", 0x20, false, true},
		{0x2170, "", 0, false, false}, // added by the rearranging
		{0x3010, "Ticks", 0, false, true},
		{0x4000, "", 0, false, false},
	} {
		name, distance, ranges, ok := types.Nearest(c.rva)
		if name != c.name || distance != c.distance || ranges != c.ranges || ok != c.ok {
			t.Errorf("%#x is %q+%#x, ranges %v, %v; want %q+%#x", c.rva, name, distance, ranges, ok, c.name, c.distance)
		}
	}
	// An extent would not hold for the pieces: what is saved has none.
	for _, s := range types.(isf.Described).Content().Symbols {
		if s.Size != 0 {
			t.Errorf("%s has an extent of %#x bytes", s.Name, s.Size)
		}
	}
	// The IPI's entry leads to the type, the older record bears it itself.
	var got []string
	for _, fn := range f.Functions() {
		got = append(got, fmt.Sprintf("%s %#x %#x %#x %v", fn.Name, fn.RVA, fn.Size, fn.Type, fn.Global))
	}
	if want := []string{"Wait 0x2000 0x100 0x1003 true", "Swap 0x2080 0x40 0x1003 true"}; !slices.Equal(got, want) {
		t.Errorf("functions %q, want %q", got, want)
	}
}

func TestWrittenFrames(t *testing.T) {
	f := read(t, written(t))
	wait := isf.Frame{Kind: isf.FrameNonFPO, Size: 0x100, Prolog: 6, Locals: 16, Params: 20, Registers: 12, Start: true}
	swap := isf.Frame{Kind: isf.FrameFPO, Size: 0x40, Prolog: 8, Params: 8, Registers: 16, UsesBP: true, Start: true}
	outer := isf.Frame{Kind: isf.FrameProgram, Size: 0x20, Prolog: 3, Locals: 12, Params: 8, Registers: 4, SEH: true, Start: true, Program: "outr"}
	inner := isf.Frame{Kind: isf.FrameProgram, Size: 0x1d, Locals: 12, Params: 8, Registers: 8, Program: "inner"}
	at := func(f isf.Frame, offset uint32) isf.Frame { f.Offset = offset; return f }
	for _, c := range []struct {
		rva  uint64
		want isf.Frame
		ok   bool
	}{
		{0, isf.Frame{}, false},
		{0x1fff, isf.Frame{}, false},
		{0x2000, wait, true},
		{0x20c5, at(wait, 0x85), true},
		{0x2081, at(swap, 1), true},
		{0x2140, outer, true}, // frame data goes before the FPO data that is there too
		{0x2142, at(outer, 2), true},
		{0x2143, inner, true},
		{0x215f, at(inner, 0x1c), true},
		{0x2160, isf.Frame{}, false},
		{0x2170, isf.Frame{}, false},
		{1 << 40, isf.Frame{}, false},
	} {
		if got, ok := f.FPO(c.rva); got != c.want || ok != c.ok {
			t.Errorf("%#x: %+v, %v\nwant %+v", c.rva, got, ok, c.want)
		}
	}
	if got := f.fpo[2]; got.start != 0x1150 || got.frame.Kind != isf.FrameTrap || !got.frame.SEH {
		t.Errorf("%+v", got)
	}
}

// llvm-pdbutil reads what the test writes as it is meant: the writer is not made
// to suit the reader.
func TestWriterAgainstLLVM(t *testing.T) {
	program := needs.Tool(t, "llvm-pdbutil", "llvm")
	path := filepath.Join(t.TempDir(), "written.pdb")
	if err := os.WriteFile(path, pdbtest.MSF(4096, writtenStreams()), 0o600); err != nil {
		t.Fatal(err)
	}
	text := llvmtest.Run(t, "", program, "dump", "--summary", "--fpo", "--section-headers", "--ids", path)
	for _, want := range []string{
		"GUID: {12345678-9ABC-DEF0-0102-030405060708}",
		"00001000 |  256 |      4 |      5 |",
		"00001100 |   64 |      0 |      2 |",
		"00001150 |   32 |     12 |      8 |     0 |      3 |          4 |    true |     false |  true | outr",
		"00001153 |   29 |     12 |      8 |     0 |      0 |          8 |   false |     false | false | inner",
		"2000 virtual address", "Original Section Headers", "4000 virtual address",
		"name = Wait, type = 0x1003",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("llvm-pdbutil does not say %q:\n%s", want, text)
		}
	}
	for symbols, want := range map[string]string{"--symbols": "S_GPROC32_ID [size = 44] `Wait`"} {
		if text := llvmtest.Run(t, "", program, "dump", symbols, path); !strings.Contains(text, want) {
			t.Errorf("llvm-pdbutil does not say %q:\n%s", want, text)
		}
	}
}

func TestUndecorate(t *testing.T) {
	for _, c := range []struct {
		name    string
		machine uint16
		want    string
	}{
		{"_KeTickCount", 0x14c, "KeTickCount"},
		{"_NtRequestPort@8", 0x14c, "NtRequestPort"},
		{"@ObfDereferenceObject@4", 0x14c, "ObfDereferenceObject"},
		{"__imp__Foo@4", 0x14c, "_imp__Foo"},
		{"_odd@name", 0x14c, "odd@name"},
		{"_", 0x14c, "_"},
		{"@", 0x14c, "@"},
		{"@x", 0x14c, "@x"},
		{"_@8", 0x14c, "@8"},
		{"_KeTickCount", 0x8664, "_KeTickCount"},
		{"?run@Job@spool@@QAEXXZ", 0x14c, "spool::Job::run"},
		{"?count@@3HA", 0x8664, "count"},
		{"??0Job@@QAE@XZ", 0x14c, "??0Job@@QAE@XZ"},
		{"?f@?$T@H@@QAEXXZ", 0x14c, "?f@?$T@H@@QAEXXZ"},
		{"?f@Job@1@@QAEXXZ", 0x14c, "?f@Job@1@@QAEXXZ"},
		{"?", 0x14c, "?"}, {"?@@", 0x14c, "?@@"}, {"", 0x14c, ""},
	} {
		if got := undecorate(c.name, c.machine); got != c.want {
			t.Errorf("%q on %#x: %q, want %q", c.name, c.machine, got, c.want)
		}
	}
}

// Structures that contain each other through namesakes lose the member that
// closes the circle, not the file.
func TestCircleIsBroken(t *testing.T) {
	b, n := new(pdbtest.Buf), 0
	add := func(kind int, body *pdbtest.Buf) { b.Record(kind, body); n++ }
	add(lfStructure, new(pdbtest.Buf).U16(0, propForward).U32(0, 0, 0).U16(0).Z("A")) // 1000
	add(lfFieldlist, new(pdbtest.Buf).Member(lfMember, new(pdbtest.Buf).U16(3).U32(0x1000).U16(0).Z("a")).
		Member(lfMember, new(pdbtest.Buf).U16(3).U32(0x22).U16(8).Z("n"))) // 1001
	add(lfStructure, new(pdbtest.Buf).U16(2, 0).U32(0x1001, 0, 0).U16(12).Z("B"))                                      // 1002
	add(lfFieldlist, new(pdbtest.Buf).Member(lfMember, new(pdbtest.Buf).U16(3).U32(0x1002).U16(0).Z("b")))             // 1003
	add(lfStructure, new(pdbtest.Buf).U16(1, 0).U32(0x1003, 0, 0).U16(12).Z("A"))                                      // 1004
	add(lfFieldlist, new(pdbtest.Buf).Member(lfMember, new(pdbtest.Buf).U16(3).U32(0x1000).U16(0).Z("a")).U16(0x7777)) // 1005
	add(lfStructure, new(pdbtest.Buf).U16(1, 0).U32(0x1005, 0, 0).U16(12).Z("Cut"))
	s := writtenStreams()
	s[sTypes] = writeTypes(b, n)
	f := read(t, pdbtest.MSF(512, s))
	if got, want := listing(t, f.Types(), "B")+listing(t, f.Types(), "Cut"), "+0x008 n                    : Uint4B\n+0x000 a                    : A\n"; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	text := strings.Join(f.Skipped(), "\n")
	for _, want := range []string{
		"B.a: by it A would contain itself",
		"Cut: members of kind 0x7777 are not read; its members behind are not described",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not among\n%s", want, text)
		}
	}
}

// One list of members named by every structure must not fill memory.
func TestMembersAreBounded(t *testing.T) {
	b, list := new(pdbtest.Buf), new(pdbtest.Buf)
	for range 2000 {
		list.Member(lfMember, new(pdbtest.Buf).U16(3).U32(0x22).U16(0).Z("m"))
	}
	b.Record(lfFieldlist, list)
	const n = 1000
	for i := range n {
		b.Record(lfStructure, new(pdbtest.Buf).U16(1, 0).U32(0x1000, 0, 0).U16(4).Z(fmt.Sprintf("S%d", i)))
	}
	s := writtenStreams()
	s[sTypes] = writeTypes(b, n+1)
	f := read(t, pdbtest.MSF(4096, s))
	members := 0
	for _, name := range f.Types().Names() {
		members += len(f.Types().Layout(name).Fields)
	}
	if members == 0 || members > b.Len() || len(f.Skipped()) != maxNotes+1 {
		t.Errorf("%d members of a stream of %d bytes, %d notes", members, b.Len(), len(f.Skipped()))
	}
}

// The numbers that stand for base types, as dt names them (LLVM, TypeIndex.h).
func TestSimpleTypes(t *testing.T) {
	const table = `
003 Void      008 HRESULT   010 Char      020 UChar     068 Char      069 UChar     070 Char      071 Wchar
011 Int2B     021 Uint2B    072 Int2B     073 Uint2B    07a Uint2B    07b Uint4B    07c UChar
012 Int4B     022 Uint4B    074 Int4B     075 Uint4B    013 Int8B     023 Uint8B    076 Int8B     077 Uint8B
014 Int16B    024 Uint16B   078 Int16B    079 Uint16B   046 Float2B   040 Float     045 Float     044 Float6B
041 Double    042 Float10B  043 Float16B  030 Bool      031 Bool      032 Bool      033 Bool
403 Ptr32/Void  603 Ptr64/Void  422 Ptr32/Uint4B  670 Ptr64/Char  400 Ptr32/Void  522 Ptr32/Uint4B
000 -  007 -  0ff -  122 -  222 -  722 -`
	words := strings.Fields(table)
	for i := 0; i < len(words); i += 2 {
		index, err := strconv.ParseUint(words[i], 16, 32)
		if err != nil {
			t.Fatal(err)
		}
		got := "-"
		if s := simpleType(uint32(index)); s != nil {
			got = strings.ReplaceAll(isf.TypeText(s), " ", "/")
		}
		if got != words[i+1] {
			t.Errorf("%s is %s, want %s", words[i], got, words[i+1])
		}
	}
}
