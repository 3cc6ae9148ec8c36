package pdb

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/seed-eedd8485/lpc/bin"
	"github.com/seed-eedd8485/lpc/internal/pdbtest"
	"github.com/seed-eedd8485/lpc/isf"
)

// use asks everything of a file that was read.
func use(f *File) {
	types := f.Types()
	for _, name := range types.Names() {
		l := types.Layout(name)
		isf.List(new(bytes.Buffer), types, l, isf.ListOptions{Depth: 1})
		isf.Find(types, l, "Next")
	}
	for rva := uint64(0); rva < 0x5000; rva += 0x3f {
		f.FPO(rva)
		types.Nearest(rva)
	}
	f.FPO(1<<64 - 1)
	types.Nearest(1<<64 - 1)
	isf.Write(new(bytes.Buffer), types)
	f.Skipped()
}

func attempt(data []byte) (*File, error) {
	f, err := New("damaged", bytes.NewReader(data), int64(len(data)))
	if err == nil {
		use(f)
	}
	return f, err
}

// Every prefix of a file is refused with one sentence that names the file.
func TestTruncatedFile(t *testing.T) {
	data := written(t)
	for n := range data {
		_, err := attempt(data[:n])
		if err == nil {
			t.Fatalf("the first %d of %d bytes were taken for all", n, len(data))
		}
		if s := err.Error(); !strings.HasPrefix(s, "damaged: ") || strings.Contains(s, "\n") {
			t.Fatalf("%d bytes: %q", n, s)
		}
	}
}

// Every stream cut at every byte: refused, or read as far as it goes.
func TestTruncatedStreams(t *testing.T) {
	whole := writtenStreams()
	refused := 0
	for i := sInfo; i < sCount; i++ {
		for n := range whole[i] {
			s := writtenStreams()
			s[i] = s[i][:n]
			if _, err := attempt(pdbtest.MSF(512, s)); err != nil {
				refused++
			}
		}
	}
	if refused < 1000 {
		t.Errorf("%d were refused", refused)
	}
}

// Bytes changed one at a time, in every place of every stream, and at random.
func TestChangedBytes(t *testing.T) {
	whole := writtenStreams()
	for i := sInfo; i < sCount; i++ {
		for n := range whole[i] {
			for _, v := range []byte{0, 0x7f, 0xff} {
				old := whole[i][n]
				whole[i][n] = v
				attempt(pdbtest.MSF(512, whole))
				whole[i][n] = old
			}
		}
	}
	data := written(t)
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 1000 {
		d := bytes.Clone(data)
		for range 1 + rnd.IntN(8) {
			d[rnd.IntN(len(d))] = byte(rnd.Uint32())
		}
		attempt(d)
	}
}

func TestRefuses(t *testing.T) {
	super := func(field int, v uint32) []byte {
		d := written(t)
		binary.LittleEndian.PutUint32(d[32+4*field:], v)
		return d
	}
	stream := func(i int, change func([]byte) []byte) []byte {
		s := writtenStreams()
		s[i] = change(s[i])
		return pdbtest.MSF(512, s)
	}
	put := func(off int, v uint32) func([]byte) []byte {
		return func(b []byte) []byte {
			binary.LittleEndian.PutUint32(b[off:], v)
			return b
		}
	}
	few := pdbtest.MSF(512, writtenStreams()[:2])
	for _, c := range []struct {
		name string
		data []byte
		want string
	}{
		{"empty", nil, "this is no program database"},
		{"text", []byte("hello"), `this is no program database: it does not begin with "Microsoft C/C++ MSF 7.00"`},
		{"old", []byte("Microsoft C/C++ program database 2.00\r\n\x1aJG\x00\x00"), "this is a program database of the older format 2.00, expected 7.00"},
		{"portable", []byte("BSJB\x01\x00\x01\x00"), "this is a portable PDB of .NET, which describes no native code"},
		{"image", []byte("MZ\x90\x00"), "this is an image, expected its program database"},
		{"cabinet", []byte("MSCF\x00\x00"), "this is a cabinet: expand it first (cabextract)"},
		{"magic cut", []byte("Microsoft C/C++ MSF 7"), "the file is cut short within its first 32 bytes, or damaged there"},
		{"block size 0", super(0, 0), "the blocks have 0 bytes, expected a power of two from 512 to 32768"},
		{"block size 768", super(0, 768), "the blocks have 768 bytes, expected a power of two from 512 to 32768"},
		{"block size 65536", super(0, 65536), "the blocks have 65536 bytes"},
		{"blocks", super(2, 0xffffffff), "the file is cut short: it has"},
		{"directory size", super(3, 0x7fffffff), "the stream directory has 2147483647 bytes, expected at most the file's"},
		{"directory map", super(5, 0x7fffff), "expected an offset from 0 to"},
		{"block number", super(2, 4), "uses block"},
		{"no types", few, "machine 0x0 is not known, and no pointer tells its size"},
		{"info version", stream(sInfo, put(0, 19970604)), "the PDB info stream has version 19970604, expected 20000404 or later"},
		{"info empty", stream(sInfo, func([]byte) []byte { return nil }), "reading version of PDB info stream at offset 0x0: 4 bytes expected, 0 left"},
		{"DBI version", stream(sDBI, put(4, 930803)), "the DBI stream has version 930803, expected 19970606 or later"},
		{"DBI machine", stream(sDBI, func(b []byte) []byte { b[58] = 0x77; b[59] = 7; return b }), ""}, // the pointers tell their size
		{"TPI version", stream(sTypes, put(0, 19950410)), "the TPI stream has version 19950410, expected 19961031 or later"},
		{"TPI indices", stream(sTypes, put(8, 0x10)), "the TPI stream has indices from 0x10 to"},
		{"TPI count", stream(sTypes, put(12, 0x1002)), "the TPI stream has 17 records, expected 2"},
		{"TPI length", stream(sTypes, put(16, 0x7fffffff)), "reading the records of the TPI stream"},
		{"TPI record", stream(sTypes, put(56, 0x10050000)), "the TPI stream: a record at offset 0x0 has 0 bytes, expected from 2 to"},
		{"stream number", stream(sDBI, func(b []byte) []byte { b[20] = 99; return b }), "the symbol records is said to be stream 99, expected at most 13"},
		{"module size", stream(sDBI, put(64+4+28+4, 0x7fffffff)), "a module's symbols have 2147483647 bytes, expected at most"},
		{"string table", stream(sNames, put(0, 1)), "the string table begins with 0x1, expected 0xeffeeffe"},
	} {
		_, err := attempt(c.data)
		if c.want == "" { // damage that is survived
			if err != nil {
				t.Errorf("%s: %v", c.name, err)
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v\nwant %s", c.name, err, c.want)
		}
	}
}

// A list of fields that continues in itself, and types that lead back, end.
func TestCyclicTypes(t *testing.T) {
	b, n := new(pdbtest.Buf), 0
	add := func(kind int, body *pdbtest.Buf) { b.Record(kind, body); n++ }
	add(lfFieldlist, new(pdbtest.Buf).Member(lfMember, new(pdbtest.Buf).U16(3).U32(0x1002).U16(0).Z("p")).Member(lfIndex, new(pdbtest.Buf).U16(0).U32(0x1000)))
	add(lfStructure, new(pdbtest.Buf).U16(1, 0).U32(0x1000, 0, 0).U16(4).Z("A"))
	add(lfPointer, new(pdbtest.Buf).U32(0x1002, 4<<13|0x0a))
	add(lfModifier, new(pdbtest.Buf).U32(0x1003).U16(0))
	add(lfFieldlist, new(pdbtest.Buf).Member(lfMember, new(pdbtest.Buf).U16(3).U32(0x1003).U16(0).Z("m")))
	add(lfStructure, new(pdbtest.Buf).U16(1, 0).U32(0x1004, 0, 0).U16(4).Z("B"))
	s := writtenStreams()
	s[sTypes] = writeTypes(b, n)
	text := strings.Join(read(t, pdbtest.MSF(512, s)).Skipped(), "\n")
	for _, want := range []string{
		"A: field list 0x1000 continues in itself",
		"A.p: type 0x1002 is nested deeper than 24 levels",
		"B.m: type 0x1003 is nested deeper than 24 levels",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not among\n%s", want, text)
		}
	}
}

func FuzzPDB(f *testing.F) {
	f.Add(pdbtest.MSF(512, writtenStreams()))
	f.Add(pdbtest.MSF(512, writtenStreams()[:3]))
	f.Fuzz(func(t *testing.T, data []byte) {
		if _, err := attempt(data); err != nil && strings.Contains(err.Error(), "\n") {
			t.Fatalf("more than a sentence: %v", err)
		}
	})
}

// FuzzMSF reads every stream of a container: none is larger than the file.
func FuzzMSF(f *testing.F) {
	f.Add(pdbtest.MSF(512, writtenStreams()))
	f.Add(pdbtest.MSF(512, [][]byte{nil, []byte("one")}))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := openContainer(bin.FromBytes("fuzz", data))
		if err != nil {
			return
		}
		for i := range min(len(c.sizes), 100) {
			if s, err := c.stream("a stream", i); err == nil && len(s) > len(data) {
				t.Fatalf("stream %d has %d bytes of a file of %d", i, len(s), len(data))
			}
		}
	})
}

// FuzzStreams puts its input in the place of a stream, so that the readers behind
// the container are reached.
func FuzzStreams(f *testing.F) {
	for i, s := range writtenStreams() {
		f.Add(uint8(i), s)
	}
	f.Fuzz(func(t *testing.T, i uint8, data []byte) {
		s := writtenStreams()
		s[int(i)%sCount] = data
		attempt(pdbtest.MSF(4096, s))
	})
}
