package stack

import (
	"encoding/binary"
	"sort"

	"github.com/seed-eedd8485/lpc/ntdump/pe"
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
	h := in.header(m)
	if h == nil || h.Bits != 64 || len(h.Directories) <= pe.DirException {
		return table{}, false
	}
	d := h.Directories[pe.DirException]
	if d.RVA == 0 || d.Size/12 > maxFunctions || uint64(d.RVA) > m.Size || uint64(d.Size) > m.Size-uint64(d.RVA) {
		return table{}, false
	}
	return table{m.Base + uint64(d.RVA), int(d.Size / 12)}, true
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
