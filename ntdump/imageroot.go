package ntdump

import "encoding/binary"

// Windows maps its own page tables: one entry of the root stands for the root itself
// (reference 5.1, "self map"). That is what a search can know a root by.

// selfX64 says whether a page can be a root of x64: an entry of the kernel's half is
// valid and names the page. Which entry it is, is random since Windows 10 1607.
func selfX64(page []byte, pa uint64) bool {
	for i := 256; i < 512; i++ {
		e := binary.LittleEndian.Uint64(page[8*i:])
		// Bit 7 is reserved in this table.
		if e&(validBit|largeBit) == validBit && e&pagingX64.rootMask == pa {
			return true
		}
	}
	return false
}

// selfX86 says whether a page can be a root without PAE: the entry for c0000000 names
// the page.
func selfX86(page []byte, pa uint64) bool {
	e := binary.LittleEndian.Uint32(page[4*(0xc0000000>>22):])
	return e&(validBit|largeBit) == validBit && uint64(e&0xfffff000) == pa
}

// pointers looks for roots with PAE in a page: 32 bytes, four entries whose only flag
// is that they are valid. The fourth names the directory of the addresses from
// c0000000 on, whose first four entries name the four directories.
func (f *finder) pointers(page []byte, pa uint64) {
	for off := 0; off < pageBytes; off += 32 {
		if page[off]&0xe7 != validBit || page[off+1]&0x0f != 0 { // caching (bits 3 and 4) may be set
			continue
		}
		var e [4]uint64
		ok := true
		for i := range e {
			e[i] = binary.LittleEndian.Uint64(page[off+8*i:])
			ok = ok && e[i]&0xfe7 == validBit && e[i]>>40 == 0 && e[i] > pageBytes
		}
		if ok && f.directories(e) {
			f.addRoot(root{pagingPAE, pa + uint64(off), false})
		}
	}
}

// directories checks the self map of a root with PAE.
func (f *finder) directories(e [4]uint64) bool {
	last := e[3] &^ (pageBytes - 1)
	for i, want := range e {
		v, err := f.d.physWord(last+8*uint64(i), 8)
		if err != nil || v&(validBit|largeBit) != validBit || (v^want)&(1<<52-1)&^(pageBytes-1) != 0 {
			return false
		}
	}
	return true
}
