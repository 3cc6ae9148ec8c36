package ntdump

import "encoding/binary"

// What packages that read further structures of the kernel need of the lists, addresses
// and numbers here.

// IsKernel says whether an address belongs to the kernel's half. It says nothing of
// whether memory stands there.
func (d *Dump) IsKernel(va uint64) bool { return d.kernel(va) }

// WalkList visits the entries of the kernel's LIST_ENTRY whose head stands at an
// address, forward; an entry is the address of its links. visit returns false to stop.
// Without an error the list was whole. At most limit entries are visited.
func (d *Dump) WalkList(head uint64, limit int, visit func(entry uint64) bool) error {
	return d.walkList(Space{}, head, limit, visit)
}

// Word is the number at the start of b, of 4 or 8 bytes: a pointer as long as
// PointerSize says, or a field. b must have them.
func Word(b []byte, size int) uint64 {
	if size == 4 {
		return uint64(binary.LittleEndian.Uint32(b))
	}
	return binary.LittleEndian.Uint64(b)
}
