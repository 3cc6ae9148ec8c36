package pe

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
)

// Import is a function that an image takes from another one.
type Import struct {
	Module  string // "ntoskrnl.exe"
	Name    string // "" when it is taken by number
	Ordinal uint16
	Slot    uint32 // from the image's base: where its address stands when the image is loaded
}

// ErrNoImports is wrapped where an image's import table is empty.
var ErrNoImports = errors.New("the image imports nothing")

// DirIAT is the index of the directory that holds the addresses of what is imported.
const DirIAT = 12

// Bounds of the tables ("PE Format", .idata and .edata).
const (
	descriptorBytes = 20
	maxDescriptors  = 1024
	maxImports      = 1 << 16
	maxExports      = 1 << 17
	maxSymbol       = 512 // bytes of a name
)

// Imports reads the import table. Of a loaded driver it stands in a section that the
// kernel discards once the driver runs, as a rule: then the error says which byte is
// absent, and Slots still gives the addresses. What was read comes also with an error.
func (i *Image) Imports() (list []Import, err error) {
	if len(i.Directories) <= DirImport || i.Directories[DirImport].RVA == 0 {
		return nil, ErrNoImports
	}
	at := i.Directories[DirImport].RVA
	for n := range uint32(maxDescriptors) {
		var d [descriptorBytes]byte
		if err := i.ReadRVA(at+n*descriptorBytes, d[:]); err != nil {
			return list, fmt.Errorf("reading the import table: %w", err)
		}
		names, module, slots := le32(d[0:]), le32(d[12:]), le32(d[16:])
		if module == 0 || slots == 0 {
			return list, nil // the last one is empty
		}
		if names == 0 {
			names = slots // of old linkers; right in a file only
		}
		from, err := i.text(module)
		if err != nil {
			return list, fmt.Errorf("reading the import table: %w", err)
		}
		if list, err = i.thunks(list, from, names, slots); err != nil {
			return list, fmt.Errorf("reading what is imported from %q: %w", from, err)
		}
	}
	return list, fmt.Errorf("reading the import table: more than %d modules", maxDescriptors)
}

// thunks reads the names of one module's imports.
func (i *Image) thunks(list []Import, from string, names, slots uint32) ([]Import, error) {
	size := uint32(i.Bits / 8)
	for n := uint32(0); ; n++ {
		if len(list) >= maxImports {
			return list, fmt.Errorf("more than %d functions", maxImports)
		}
		var b [8]byte
		if err := i.ReadRVA(names+n*size, b[:size]); err != nil {
			return list, err
		}
		v := binary.LittleEndian.Uint64(b[:])
		if v == 0 {
			return list, nil
		}
		im := Import{Module: from, Slot: slots + n*size}
		if v>>(8*size-1) != 0 {
			im.Ordinal = uint16(v)
		} else if v>>31 != 0 {
			return list, fmt.Errorf("entry %d is %#x, expected the place of a name", n, v)
		} else if name, err := i.text(uint32(v) + 2); err != nil { // behind the hint
			return list, err
		} else {
			im.Name = name
		}
		list = append(list, im)
	}
}

// Slots are the addresses of what a loaded image imports, as the loader filled them
// in; zeros between them are left out. They stay when the names are gone.
func (i *Image) Slots() ([]uint64, error) {
	if len(i.Directories) <= DirIAT || i.Directories[DirIAT].RVA == 0 {
		return nil, errors.New("the image does not say where the addresses of its imports stand")
	}
	dir, size := i.Directories[DirIAT], i.Bits/8
	if dir.Size > maxImports*8 {
		return nil, fmt.Errorf("the image says that the addresses of its imports take %#x bytes, expected at most %#x", dir.Size, maxImports*8)
	}
	b := make([]byte, dir.Size)
	if err := i.ReadRVA(dir.RVA, b); err != nil {
		return nil, fmt.Errorf("reading the addresses of imports: %w", err)
	}
	var list []uint64
	for ; len(b) >= size; b = b[size:] {
		v := uint64(le32(b))
		if size == 8 {
			v = binary.LittleEndian.Uint64(b)
		}
		if v != 0 {
			list = append(list, v)
		}
	}
	return list, nil
}

// Exports finds functions that the image offers, by name, from its base; one that it
// does not offer is missing in the result. Those that only lead to another image are
// left out.
func (i *Image) Exports(names ...string) (map[string]uint32, error) {
	if len(i.Directories) <= DirExport || i.Directories[DirExport].RVA == 0 {
		return nil, errors.New("the image exports nothing")
	}
	dir := i.Directories[DirExport]
	var d [40]byte
	if err := i.ReadRVA(dir.RVA, d[:]); err != nil {
		return nil, fmt.Errorf("reading the export table: %w", err)
	}
	functions, count := le32(d[20:]), le32(d[24:])
	if functions > maxExports || count > maxExports {
		return nil, fmt.Errorf("the export table has %d functions and %d names, expected at most %d", functions, count, maxExports)
	}
	places, order := make([]byte, 4*count), make([]byte, 2*count)
	if err := errors.Join(i.ReadRVA(le32(d[32:]), places), i.ReadRVA(le32(d[36:]), order)); err != nil {
		return nil, fmt.Errorf("reading the names of the export table: %w", err)
	}
	want := map[string]bool{}
	for _, n := range names {
		want[n] = true
	}
	found := map[string]uint32{}
	for n := range count {
		name, err := i.text(le32(places[4*n:]))
		index := uint32(binary.LittleEndian.Uint16(order[2*n:]))
		if err != nil || !want[name] || index >= functions { // the rest of the table may be readable
			continue
		}
		var b [4]byte
		at := uint64(le32(d[28:])) + 4*uint64(index)
		if at >= uint64(i.Size) || i.ReadRVA(uint32(at), b[:]) != nil {
			continue
		}
		if at := le32(b[:]); at != 0 && at-dir.RVA >= dir.Size {
			found[name] = at
		}
	}
	return found, nil
}

// text reads a name up to its zero.
func (i *Image) text(rva uint32) (string, error) {
	var b [maxSymbol]byte
	for n := 0; n < len(b); {
		k := min(32, len(b)-n)
		err := i.ReadRVA(rva+uint32(n), b[n:n+k])
		for err != nil && k > 1 { // the name may end with what is there
			k /= 2
			err = i.ReadRVA(rva+uint32(n), b[n:n+k])
		}
		if err != nil {
			return "", err
		}
		if end := bytes.IndexByte(b[n:n+k], 0); end >= 0 {
			return string(b[:n+end]), nil
		}
		n += k
	}
	return "", fmt.Errorf("a name at %#x has more than %d bytes", rva, maxSymbol)
}

func le32(b []byte) uint32 { return binary.LittleEndian.Uint32(b) }

// SectionAt is the section that holds an address from the image's base, nil for none.
func (i *Image) SectionAt(rva uint32) *Section {
	for n := range i.Sections {
		if s := &i.Sections[n]; rva >= s.RVA && rva-s.RVA < max(s.Size, s.RawSize) {
			return s
		}
	}
	return nil
}

// RVA is where a byte of the file stands in the loaded image; ok is false for what is
// loaded nowhere.
func (i *Image) RVA(off int64) (rva uint32, ok bool) {
	if off < int64(i.headers) {
		return uint32(off), true
	}
	for _, s := range i.Sections {
		if at := int64(s.RVA) + off - int64(s.Raw); off >= int64(s.Raw) && off < int64(s.Raw)+int64(s.RawSize) && at < int64(i.Size) {
			return uint32(at), true
		}
	}
	return 0, false
}
