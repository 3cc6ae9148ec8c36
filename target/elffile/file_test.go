package elffile

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"slices"
	"strings"
	"testing"
)

var le = binary.LittleEndian

// header is an ELF core's of 64 bits with those program headers behind it.
func header(programs ...[]byte) []byte {
	b := make([]byte, 64)
	copy(b, elf.ELFMAG)
	b[4], b[5], b[6] = 2, 1, 1
	le.PutUint16(b[16:], uint16(elf.ET_CORE))
	le.PutUint16(b[18:], uint16(elf.EM_X86_64))
	le.PutUint64(b[32:], 64)
	le.PutUint16(b[54:], 56)
	le.PutUint16(b[56:], uint16(len(programs)))
	return append(b, slices.Concat(programs...)...)
}

func program(typ elf.ProgType, off, phys, filed uint64) []byte {
	b := le.AppendUint32(nil, uint32(typ))
	b = le.AppendUint32(b, 0)
	for _, v := range []uint64{off, 0, phys, filed, filed, 1} {
		b = le.AppendUint64(b, v)
	}
	return b
}

func noteOf(name string, typ uint32, content []byte) []byte {
	b := le.AppendUint32(nil, uint32(len(name)+1))
	b = le.AppendUint32(b, uint32(len(content)))
	b = append(le.AppendUint32(b, typ), name...)
	b = append(b, make([]byte, 4-len(name)%4)...)
	return append(append(b, content...), make([]byte, -len(content)&3)...)
}

// Headers without number that all name the same notes bring them as often as the file
// has bytes for them.
func TestOverlappingNotes(t *testing.T) {
	const headers = 5000
	body := noteOf("CORE", 1, make([]byte, 1<<20))
	off := uint64(64 + 56*headers)
	data := append(header(slices.Repeat([][]byte{program(elf.PT_NOTE, off, 0, uint64(len(body)))}, headers)...), body...)
	f, err := Read(bytes.NewReader(data), int64(len(data)))
	if err != nil || len(f.Notes) != headers {
		t.Fatalf("%d headers of notes, %v", len(f.Notes), err)
	}
	seen := 0
	err = f.EachNote(bytes.NewReader(data), int64(len(data)), func(n Note) {
		if n.Name != "CORE" || n.Size != 1<<20 {
			t.Errorf("%+v", n)
		}
		seen++
	})
	if seen != 1 || err == nil || !strings.Contains(err.Error(), "program header 1 of its notes has 0x100014 bytes, with which they have more than the file's") {
		t.Errorf("%d notes, %v", seen, err)
	}
}

// Of headers that are cut short, those that are there come with the error, wherever
// their number stands.
func TestCutHeaders(t *testing.T) {
	list := [][]byte{program(elf.PT_NOTE, 1<<20, 0, 4)}
	for i := range 99 {
		list = append(list, program(elf.PT_LOAD, 1<<20, uint64(i)<<12, 1<<12))
	}
	data := header(list...)
	section := make([]byte, 64)
	le.PutUint32(section[44:], uint32(len(list)))
	many := append(bytes.Clone(data), section...)
	le.PutUint64(many[40:], uint64(len(data)))
	le.PutUint16(many[56:], manySegs)
	for _, c := range []struct {
		name  string
		data  []byte
		loads int
		want  string // error; "" for none
	}{
		{"whole", data, 99, ""},
		{"whole, number in a section", many, 99, ""},
		{"cut", data[:64+56*50+55], 49, "reading program headers of ELF header at offset 0x40: 5600 bytes expected, 2855 left"},
		{"cut, number in a section", many[:64+56*50], 49, "its section header is said to be at 0x1620, and it has 0xb30 bytes"},
		{"section cut", many[:len(many)-30], 99, "reading section header of ELF header at offset 0x1620: 44 bytes expected, 34 left"},
		{"none left", data[:64], 0, "reading program headers"},
	} {
		f, err := Read(bytes.NewReader(c.data), int64(len(c.data)))
		if f == nil || len(f.Loads) != c.loads || (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, %v; want %d headers of memory, %s", c.name, f != nil, err, c.loads, c.want)
		}
	}
}

// Whatever bytes stand in a file, reading its notes ends, and no content is larger than
// the file.
func FuzzRead(f *testing.F) {
	body := slices.Concat(noteOf("CORE", 1, []byte("status")), noteOf("QEMU", 0, make([]byte, 100)))
	f.Add(append(header(program(elf.PT_NOTE, 176, 0, uint64(len(body))), program(elf.PT_LOAD, 0, 0x1000, 64)), body...))
	f.Fuzz(func(t *testing.T, data []byte) {
		src, size := bytes.NewReader(data), int64(len(data))
		file, err := Read(src, size)
		if file == nil {
			if err == nil {
				t.Error("neither a file nor an error")
			}
			return
		}
		_ = file.EachNote(src, size, func(n Note) {
			if n.Body.Size() > size || n.Body.Size() > n.Size || len(n.Name) > maxName {
				t.Errorf("%+v of a file of %d bytes", n, size)
			}
		})
	})
}
