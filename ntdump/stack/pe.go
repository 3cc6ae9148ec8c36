package stack

import (
	"encoding/binary"
	"sort"
)

// function is a RUNTIME_FUNCTION: offsets from the image's base (PE format, .pdata).
type function struct{ begin, end, unwind uint32 }

// maxFunctions bounds a function table: 12 bytes each, as many as an image of 256
// MB could hold.
const maxFunctions = 1 << 22

// table is where an image's function table stands.
type table struct {
	at    uint64
	count int
}

// functions finds the function table of an image by its headers in memory.
func (in *Input) functions(m Image) (table, bool) {
	nt, ok := in.peHeader(m)
	if !ok {
		return table{}, false
	}
	if magic, there := in.half(nt + 0x18); !there || magic != 0x20b { // optional header: PE32+
		return table{}, false
	}
	dirs, ok := in.word(nt+0x18+0x6c, 4)
	if !ok || dirs < 4 {
		return table{}, false
	}
	// Directory 3 is the exception directory.
	rva, ok1 := in.word(nt+0x18+0x70+3*8, 4)
	size, ok2 := in.word(nt+0x18+0x70+3*8+4, 4)
	if !ok1 || !ok2 || rva == 0 || size/12 > maxFunctions || rva > m.Size || size > m.Size-rva {
		return table{}, false
	}
	return table{m.Base + rva, int(size / 12)}, true
}

func (in *Input) half(va uint64) (uint16, bool) {
	var b [2]byte
	n, _ := in.Memory.ReadMemory(va, b[:])
	return binary.LittleEndian.Uint16(b[:]), n == 2
}

// find looks up the function of an offset. known is false when the part of the
// table that decides it is not in memory.
func (in *Input) find(t table, rva uint32) (f function, ok, known bool) {
	known = true
	read := func(i int) function {
		var b [12]byte
		if n, _ := in.Memory.ReadMemory(t.at+12*uint64(i), b[:]); n < len(b) {
			known = false
		}
		return function{binary.LittleEndian.Uint32(b[:]), binary.LittleEndian.Uint32(b[4:]), binary.LittleEndian.Uint32(b[8:])}
	}
	i := sort.Search(t.count, func(i int) bool { return read(i).end > rva })
	if i == t.count {
		return function{}, false, known
	}
	f = read(i)
	return f, known && f.begin <= rva, known
}
