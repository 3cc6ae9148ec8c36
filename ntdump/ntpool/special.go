package ntpool

import (
	"encoding/binary"

	"github.com/seed-eedd8485/lpc/ntdump"
)

// special keeps the one block of a page of special pool: its header stands at the
// page's start when the data end with the page, else at its end (as ReactOS' special
// pool has it).
func (c *cutter) special(va uint64, b []byte) {
	l := c.r.l
	for _, off := range []int{0, pageBytes - l.header} {
		w := uint32(ntdump.Word(b[off:], 4))
		n := int(w & 0x1fff) // bytes asked for; 8000h says paged
		if n == 0 || n > pageBytes-l.header || w&0x6000 != 0 || !plausible(b[off+l.tag:]) {
			continue
		}
		body := pageBytes - n
		if off > 0 {
			body = 0
		}
		x := Block{Addr: va + uint64(off), Body: va + uint64(body&^(l.header-1)), Size: uint64(n + l.header), Allocated: true, Paged: w&0x8000 != 0}
		copy(x.Tag[:], b[off+l.tag:])
		x.Protected = x.Tag[3]&0x80 != 0
		x.Tag[3] &^= 0x80
		if c.match == nil || c.wanted(binary.LittleEndian.Uint32(b[off+l.tag:])) {
			c.kept = append(c.kept, c.r.finish(x))
		}
		return
	}
	c.gaps.add(va, 1, "it has no header of special pool")
}

// plausible says whether four bytes can be a tag: printable, but for the bit that
// protects it, and for zeros at the end.
func plausible(t []byte) bool {
	if t[0] < ' ' || t[0] > '~' {
		return false
	}
	for i, c := range t[1:4] {
		if i == 2 {
			c &^= 0x80
		}
		if c != 0 && (c < ' ' || c > '~') {
			return false
		}
	}
	return true
}
