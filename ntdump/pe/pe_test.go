package pe

import (
	"bytes"
	"debug/pe"
	"encoding/binary"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/seed-eedd8485/lpc/internal/llvmtest"
	"github.com/seed-eedd8485/lpc/internal/needs"
)

// memoryAt is an address space with one image in it.
type memoryAt struct {
	base uint64
	data []byte
}

func (m memoryAt) ReadMemory(addr uint64, dst []byte) (int, error) {
	if addr < m.base || addr-m.base > uint64(len(m.data)) {
		return 0, errors.New("not mapped")
	}
	n := copy(dst, m.data[addr-m.base:])
	if n < len(dst) {
		return n, errors.New("not mapped")
	}
	return n, nil
}

// What the linker made is read alike from memory and from the file, and as the
// standard library reads it.
func TestImage(t *testing.T) {
	for arch, bits := range map[string]int{"i686": 32, "x86_64": 64} {
		im := llvmtest.Link(t, arch, "testdata/image.c", "image.sys", 0x10000000)
		data, err := os.ReadFile(im.Path)
		if err != nil {
			t.Fatal(err)
		}
		want, err := pe.NewFile(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		loaded, err := Loaded(memoryAt{0x10000000, im.Memory}, 0x10000000)
		if err != nil {
			t.Fatal(err)
		}
		file, err := File(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			t.Fatal(err)
		}
		guid := identity(t, im.PDB)
		for name, got := range map[string]*Image{"memory": loaded, "file": file} {
			if got.Bits != bits || got.Machine != want.Machine || got.Stamp != want.TimeDateStamp || uint64(got.Size) != im.Size || len(got.Sections) != len(want.Sections) || len(got.Directories) != 16 {
				t.Errorf("%s %s: %+v", arch, name, got)
			}
			for i, s := range want.Sections {
				if g := got.Sections[i]; g.Name != s.Name || g.RVA != s.VirtualAddress || g.Size != s.VirtualSize || g.Raw != s.Offset || g.RawSize != s.Size || g.Features != s.Characteristics {
					t.Errorf("%s %s: section %+v, want %+v", arch, name, g, s.SectionHeader)
				}
			}
			cv, err := got.CodeView()
			if err != nil || cv.Age != 1 || !strings.HasSuffix(cv.PDB, "image.pdb") || !strings.Contains(guid, hexText(cv.GUID[8:])) {
				t.Errorf("%s %s: %+v, %v; llvm-pdbutil has %s", arch, name, cv, err, guid)
			}
			b := make([]byte, 4)
			rva := uint32(im.Symbols[map[int]string{32: "_Answer", 64: "Answer"}[bits]])
			if err := got.ReadRVA(rva, b); err != nil || b[0] != 42 {
				t.Errorf("%s %s: the variable at %#x is % x, %v", arch, name, rva, b, err)
			}
			if err := got.ReadRVA(got.Size-2, b); err == nil || !strings.Contains(err.Error(), "lie outside of the image") {
				t.Errorf("%s %s: %v", arch, name, err)
			}
		}
	}
}

// identity is what llvm-pdbutil says of a database, without dashes.
func identity(t *testing.T, path string) string {
	text := llvmtest.Run(t, "", needs.Tool(t, "llvm-pdbutil", "llvm"), "dump", "--summary", path)
	return strings.ReplaceAll(text, "-", "")
}

func hexText(b []byte) string {
	const digits = "0123456789ABCDEF"
	s := ""
	for _, c := range b {
		s += string(digits[c>>4]) + string(digits[c&15])
	}
	return s
}

// written is an image by hand: the least that has a debug directory.
func written() []byte {
	b := make([]byte, 0x1000)
	u16 := func(off int, v uint16) { b[off], b[off+1] = byte(v), byte(v>>8) }
	u32 := func(off int, v uint32) { u16(off, uint16(v)); u16(off+2, uint16(v>>16)) }
	u16(0, 0x5a4d)
	u32(0x3c, 0x80)
	u32(0x80, 0x4550)
	u16(0x84, 0x14c)
	u16(0x86, 1)      // sections
	u16(0x94, 0xe0)   // optional header
	u16(0x98, 0x10b)  // PE32
	u32(0xd0, 0x1000) // SizeOfImage
	u32(0xd4, 0x200)  // SizeOfHeaders
	u32(0xf4, 16)
	u32(0xf8+8*DirDebug, 0x300)
	u32(0xf8+8*DirDebug+4, 2*28)
	copy(b[0x178:], ".text\x00\x00\x00")
	u32(0x180, 0xe00)
	u32(0x184, 0x200)
	u32(0x188, 0xe00)
	u32(0x18c, 0x200)
	u32(0x300+12, 4) // an entry of another type
	u32(0x31c+12, 2)
	u32(0x31c+16, 0x40)
	u32(0x31c+20, 0x400)
	copy(b[0x400:], "RSDS0123456789abcdef\x02\x00\x00\x00c:\\build\\x.pdb\x00")
	return b
}

func TestWritten(t *testing.T) {
	for name, c := range map[string]struct {
		change func(b []byte)
		want   string // error; "" for none
	}{
		"as it is":            {func([]byte) {}, ""},
		"no MZ":               {func(b []byte) { b[0] = 0 }, "no image begins there: the first word is 0x5a00"},
		"far header":          {func(b []byte) { b[0x3d] = 0x11 }, "the PE header is said to be at 0x1180"},
		"no signature":        {func(b []byte) { b[0x80] = 0 }, "begins with 0x4500, expected 0x4550"},
		"many sections":       {func(b []byte) { b[0x87] = 1 }, "257 sections"},
		"short optional":      {func(b []byte) { b[0x94] = 0x50 }, "an optional part of 80 bytes"},
		"other magic":         {func(b []byte) { b[0x99] = 3 }, "begins with 0x30b, expected 0x10b or 0x20b"},
		"no debug directory":  {func(b []byte) { b[0xf8+8*DirDebug+4] = 0 }, "names no symbol file: it has no debug directory"},
		"no CodeView":         {func(b []byte) { b[0x31c+12] = 3 }, "its debug directory has no CodeView record"},
		"an old record":       {func(b []byte) { copy(b[0x400:], "NB10") }, `its record begins with "NB10", expected RSDS`},
		"no name":             {func(b []byte) { b[0x418] = 0 }, "its CodeView record has no name"},
		"directory outside":   {func(b []byte) { b[0xfa+8*DirDebug] = 1 }, "reading the debug directory: 28 bytes at offset 0x10300 lie outside"},
		"record outside":      {func(b []byte) { b[0x31c+22] = 1 }, "reading the record that names the symbol file"},
		"record of few bytes": {func(b []byte) { b[0x31c+16] = 8 }, "CodeView record"},
	} {
		for _, form := range []string{"memory", "file"} {
			b := written()
			c.change(b)
			i, err := Loaded(memoryAt{0x1000, b}, 0x1000)
			if form == "file" {
				i, err = File(bytes.NewReader(b), int64(len(b)))
			}
			var cv CodeView
			if err == nil {
				cv, err = i.CodeView()
			}
			switch {
			case c.want == "" && (err != nil || cv.Age != 2 || cv.PDB != `c:\build\x.pdb` || string(cv.GUID[:]) != "0123456789abcdef"):
				t.Errorf("%s, %s: %+v, %v", name, form, cv, err)
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("%s, %s: %v, want %s", name, form, err, c.want)
			}
		}
	}
	// Every prefix is read or refused.
	for n := range written() {
		b := written()[:n]
		for _, open := range []func() (*Image, error){
			func() (*Image, error) { return Loaded(memoryAt{0x1000, b}, 0x1000) },
			func() (*Image, error) { return File(bytes.NewReader(b), int64(len(b))) },
		} {
			if i, err := open(); err == nil {
				_, _ = i.CodeView() // it may fail, in its own words
			}
		}
	}
}

func FuzzImage(f *testing.F) {
	f.Add(written())
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, open := range []func() (*Image, error){
			func() (*Image, error) { return Loaded(memoryAt{0, data}, 0) },
			func() (*Image, error) { return File(bytes.NewReader(data), int64(len(data))) },
		} {
			i, err := open()
			if err != nil {
				continue
			}
			if cv, err := i.CodeView(); err == nil && (cv.PDB == "" || len(cv.PDB) > maxRecord) {
				t.Errorf("a name of %d bytes", len(cv.PDB))
			}
			_ = i.ReadRVA(0, make([]byte, 16))
		}
	})
}

// Places that headers put beyond 4 GB, or beyond the image, are nowhere: none is taken
// for another one.
func TestPlacesBeyond(t *testing.T) {
	b := written()
	le := binary.LittleEndian
	le.PutUint32(b[0x180:], 0xffffffff) // the section's size in memory
	i, err := File(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	if s := i.SectionAt(0x100); s != nil {
		t.Errorf("what stands before the section is in %+v", s)
	}
	if s := i.SectionAt(0x200); s == nil || s.Name != ".text" {
		t.Errorf("the section's first byte is in %+v", s)
	}
	if rva, ok := i.RVA(0x200); !ok || rva != 0x200 {
		t.Errorf("the section's first byte stands at %#x, %v", rva, ok)
	}
	le.PutUint32(b[0x184:], 0xffffff00) // where the section stands in memory
	if i, err = File(bytes.NewReader(b), int64(len(b))); err != nil {
		t.Fatal(err)
	}
	for _, off := range []int64{0x200, 0x300, 0x301} {
		if rva, ok := i.RVA(off); ok {
			t.Errorf("byte %#x of the file stands at %#x of an image of %#x", off, rva, i.Size)
		}
	}
	b = written()
	le.PutUint32(b[0xf8+8*DirExport:], 0x500)
	le.PutUint32(b[0xf8+8*DirExport+4:], 40)
	for off, v := range map[int]uint32{20: 0x100, 24: 1, 28: 0xfffffe00, 32: 0x540, 36: 0x544} { // 80h functions on, their addresses begin at 0 again
		le.PutUint32(b[0x500+off:], v)
	}
	le.PutUint32(b[0x540:], 0x550)
	le.PutUint16(b[0x544:], 0x80)
	copy(b[0x550:], "Name\x00")
	if i, err = File(bytes.NewReader(b), int64(len(b))); err != nil {
		t.Fatal(err)
	}
	if found, err := i.Exports("Name"); err != nil || len(found) > 0 {
		t.Errorf("a function whose address stands nowhere: %#x, %v", found, err)
	}
}

// A name of a symbol file that does not end is none.
func TestEndlessName(t *testing.T) {
	b := written()
	binary.LittleEndian.PutUint32(b[0x31c+16:], 0x800)
	for n := 0x418; n < len(b); n++ {
		b[n] = 'x'
	}
	i, err := File(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	if cv, err := i.CodeView(); err == nil || !strings.Contains(err.Error(), "has no end within 1024 bytes") {
		t.Errorf("a name of %d bytes, %v", len(cv.PDB), err)
	}
}
