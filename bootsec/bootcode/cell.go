package bootcode

// A cell is what is known of one byte of a register or of memory. Words are two
// cells, so that a value survives being pushed, popped and split into its
// halves, which is what boot code does all the time.
type cell struct {
	kind cellKind
	n    uint8 // the byte, or an offset within a partition entry
	part uint8 // which byte of a pointer
}

type cellKind uint8

const (
	unknown   cellKind = iota
	constant           // n
	entryPtr           // byte part of the address of offset n of some partition entry
	entryByte          // what stands at offset n of some partition entry
	entryMade          // computed from what stands in a partition entry
	textChar           // some character of a string in the sector, loaded by lodsb
	bootDrive          // the drive number that the BIOS passes in dl
)

// word is the cells of a register or operand, the low byte first: 1, 2 or 4.
type word []cell

// num returns the value if all of it is known.
func (w word) num() (uint32, bool) {
	v := uint32(0)
	for i, c := range w {
		if c.kind != constant {
			return 0, false
		}
		v |= uint32(c.n) << (8 * i)
	}
	return v, len(w) > 0
}

// pointer returns the offset within an entry that the word points to.
func (w word) pointer() (uint8, bool) {
	if len(w) < 2 || w[0].kind != entryPtr || w[1].kind != entryPtr || w[0].n != w[1].n || w[0].part != 0 || w[1].part != 1 {
		return 0, false
	}
	return w[0].n, true
}

// field reports that the word was loaded from offset n of an entry.
func (w word) field(n uint8) bool {
	for i, c := range w {
		if c.kind != entryByte || c.n != n+uint8(i) {
			return false
		}
	}
	return len(w) > 0
}

// number returns v as a word of n bytes.
func number(v uint32, n int) word {
	w := make(word, n)
	for i := range w {
		w[i] = cell{kind: constant, n: uint8(v >> (8 * i))}
	}
	return w
}

// pointerTo returns the address of offset n of some entry as a word of size
// bytes. Entries are 16 bytes apart, and which one it is is not kept.
func pointerTo(n uint32, size int) word {
	w := make(word, size)
	w[0] = cell{kind: entryPtr, n: uint8(n & 15)}
	if size > 1 {
		w[1] = cell{kind: entryPtr, n: uint8(n & 15), part: 1}
	}
	for i := 2; i < size; i++ {
		w[i] = cell{kind: constant}
	}
	return w
}

// add returns a+b, or a-b with a negative sign.
func add(a, b word, sign int) word {
	x, xok := a.num()
	y, yok := b.num()
	if sign < 0 {
		y = -y
	}
	if xok && yok {
		return number(x+y, len(a))
	}
	if p, ok := a.pointer(); ok && yok {
		return pointerTo(uint32(p)+y, len(a))
	}
	if p, ok := b.pointer(); ok && xok && sign > 0 {
		return pointerTo(uint32(p)+x, len(a))
	}
	return derived(len(a), a, b)
}

// derived returns n bytes of a result that is not known, but may be known to
// come from a partition entry.
func derived(n int, from ...word) word {
	w := make(word, n)
	for _, f := range from {
		for _, c := range f {
			if c.kind == entryByte || c.kind == entryMade {
				for i := range w {
					w[i].kind = entryMade
				}
				return w
			}
		}
	}
	return w
}

// ofEntry reports that some of the word comes from an entry.
func (w word) ofEntry() bool { return derived(1, w)[0].kind == entryMade }

// joinCell keeps what two paths agree on.
func joinCell(a, b cell) cell {
	switch {
	case a == b:
		return a
	case (a.kind == entryByte || a.kind == entryMade) && (b.kind == entryByte || b.kind == entryMade):
		return cell{kind: entryMade}
	}
	return cell{}
}
