package ntdump

import "encoding/binary"

// Space is an address space: the kernel's, or that of a process. The zero Space is
// the kernel's, which every process shares above the user addresses. A triage dump
// has one space only.
type Space struct {
	DTB uint64 // DirectoryTableBase of a process; 0: the header's
}

func (s Space) root(d *Dump) uint64 {
	if s.DTB != 0 {
		return s.DTB
	}
	return d.header.DTB
}

// ReadVirtual fills dst with the memory at va on of a space. It returns how many
// bytes from the start are there; fewer than len(dst) come with an error, an
// *Absent for a byte that is not there. dst behind n is unchanged.
func (d *Dump) ReadVirtual(s Space, va uint64, dst []byte) (n int, err error) {
	if d.blocks != nil {
		return d.readBlocks(va, dst)
	}
	for n < len(dst) {
		at := va + uint64(n)
		if at < va {
			return n, &Absent{at, false, NotCanonical}
		}
		t := Translation{Virtual: at}
		if err := d.translate(s, at, &t, true); err != nil {
			return n, err
		}
		if t.Absent != nil {
			return n, t.Absent
		}
		// A large page may be in the dump in part: physical pages are looked up one
		// by one below.
		part := min(uint64(len(dst)-n), t.PageSize-t.Physical%t.PageSize)
		got, err := d.ReadPhysical(t.Physical, dst[n:n+int(part)])
		n += got
		if a, ok := err.(*Absent); ok {
			return n, &Absent{at + uint64(got), false, a.Reason}
		}
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

// A View is one address space of a dump, for what reads memory by address alone.
type View struct {
	Dump  *Dump
	Space Space
}

// ReadMemory is ReadVirtual in the space.
func (v View) ReadMemory(va uint64, dst []byte) (int, error) {
	return v.Dump.ReadVirtual(v.Space, va, dst)
}

// ReadMemory reads the kernel's space; user addresses are those of the process
// that ran when the header was written.
func (d *Dump) ReadMemory(va uint64, dst []byte) (int, error) {
	return d.ReadVirtual(Space{}, va, dst)
}

// Pointer reads a pointer. On 32-bit machines it is not sign extended.
func (d *Dump) Pointer(s Space, va uint64) (uint64, error) {
	return d.Number(s, va, d.PointerSize())
}

// Number reads a little-endian number of 1 to 8 bytes.
func (d *Dump) Number(s Space, va uint64, size int) (uint64, error) {
	var b [8]byte
	if _, err := d.ReadVirtual(s, va, b[:min(max(size, 1), 8)]); err != nil {
		return 0, err
	}
	return binary.LittleEndian.Uint64(b[:]), nil
}
