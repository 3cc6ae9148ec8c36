package ntdump

import (
	"fmt"
	"time"

	"github.com/seed-eedd8485/lpc/bin"
)

// Unloaded is an image that was unloaded before the dump was made. Its memory may
// be used for something else since.
type Unloaded struct {
	Name       string // in a small dump cut to 12 characters
	Start, End uint64
	Time       time.Time // of unloading; zero where not known
	Err        error     // why Name is not known
}

// maxUnloaded bounds the list; the kernel keeps 50.
const maxUnloaded = 50

// UnloadedModules lists what was unloaded, as far as the dump tells.
func (d *Dump) UnloadedModules() ([]Unloaded, error) {
	if d.small != nil {
		return d.small.unloadedModules(d)
	}
	variable, ok := d.Debugger().Address(MmUnloadedDrivers)
	if !ok {
		return nil, fmt.Errorf("listing unloaded modules: the debugger data does not say where their list is")
	}
	table, err := d.Pointer(Space{}, variable)
	if err != nil {
		return nil, fmt.Errorf("listing unloaded modules: %w", err)
	}
	if table == 0 {
		return nil, nil // nothing was unloaded yet
	}
	// Entries are {UNICODE_STRING name, start, end, u64 time}; unused ones have no name.
	ptr := d.PointerSize()
	each := 4*ptr + 8
	var out []Unloaded
	b := make([]byte, each)
	for i := range maxUnloaded {
		if _, err := d.ReadMemory(table+uint64(i*each), b); err != nil {
			return out, fmt.Errorf("listing unloaded modules: %w", err)
		}
		u := Unloaded{Start: Word(b[2*ptr:], ptr), End: Word(b[3*ptr:], ptr), Time: FileTime(Word(b[4*ptr:], 8))}
		if u.Start == 0 || u.End <= u.Start {
			continue
		}
		u.Name, u.Err = d.unicode(Space{}, ptr, b, maxName)
		out = append(out, u)
	}
	return out, nil
}

// unloadedModules reads the list of a small dump: a count as long as a pointer,
// then {UNICODE_STRING, WCHAR name[12], start, end} (reference 3.4).
func (t *triage) unloadedModules(d *Dump) ([]Unloaded, error) {
	if t.unloaded == 0 || t.unloaded == filler32 {
		return nil, nil
	}
	ptr := int64(d.PointerSize())
	each := 4*ptr + 24
	r := bin.New("list of unloaded drivers", d.src, d.size)
	r.Seek("UnloadedDriversOffset", t.unloaded)
	count := uint64(0)
	if ptr == 8 {
		count = r.U64("count")
	} else {
		count = uint64(r.U32("count"))
	}
	n := r.Count("count", count, each, maxUnloaded)
	var out []Unloaded
	for range n {
		u := Unloaded{}
		length := r.U16("Length")
		r.Skip("UNICODE_STRING", 2*ptr-2)
		name := r.Bytes("DriverName", 24, 24)
		if int(length) < len(name) {
			name = name[:length]
		}
		u.Name = utf16Text(name)
		if ptr == 8 {
			u.Start, u.End = r.U64("StartAddress"), r.U64("EndAddress")
		} else {
			u.Start, u.End = uint64(r.U32("StartAddress")), uint64(r.U32("EndAddress"))
		}
		if r.Err() == nil {
			out = append(out, u)
		}
	}
	if err := r.Err(); err != nil {
		return out, fmt.Errorf("listing unloaded modules: %w", err)
	}
	return out, nil
}
