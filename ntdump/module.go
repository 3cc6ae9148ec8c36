package ntdump

import (
	"fmt"
	"path"
	"strings"
	"unicode/utf16"

	"github.com/seed-eedd8485/lpc/bin"
)

// Module is a loaded image: of the kernel, or of a process.
type Module struct {
	Name     string // "hal.dll"; "" where its memory is not there
	Path     string // as the loader noted it; "" where not known
	Base     uint64
	Size     uint64 // bytes
	Entry    uint64 // entry point, 0 for none
	CheckSum uint32
	Stamp    uint32 // TimeDateStamp: seconds since 1970, or a hash of the image
	Loader   uint64 // address of its _LDR_DATA_TABLE_ENTRY, 0 in a small dump
	Err      error  // why Name is not known
	Space    Space  // that Base and Loader are addresses of: the kernel's, or a process's
	Wow64    bool   // a 32-bit image of a process on a 64-bit machine
}

// User says whether the module is one of a process.
func (m *Module) User() bool { return m.Space != Space{} }

// Contains says whether an address lies in the module.
func (m *Module) Contains(va uint64) bool { return va-m.Base < m.Size }

// Short is the name without its extension, as in "nt" for the kernel: what stands
// before an exclamation mark. No module of a process is "nt" by the kernel's file name.
func (m *Module) Short() string {
	n := m.Name
	if i := strings.LastIndexByte(n, '.'); i > 0 {
		n = n[:i]
	}
	if m.User() {
		return n
	}
	switch strings.ToLower(n) {
	case "ntoskrnl", "ntkrnlpa", "ntkrnlmp", "ntkrpamp":
		return "nt"
	}
	return n
}

// ldr is the layout of _LDR_DATA_TABLE_ENTRY, the same since NT 4 (reference 5.2).
type ldr struct {
	size                                               int
	base, entry, length, full, name, sum, stamp, count int
}

var (
	ldr32 = ldr{0x50, 0x18, 0x1c, 0x20, 0x24, 0x2c, 0x40, 0x44, 0x38}
	ldr64 = ldr{0x98, 0x30, 0x38, 0x40, 0x48, 0x58, 0x78, 0x80, 0x6c}
)

// ldrOf is the layout for pointers of that many bytes.
func ldrOf(pointer int) *ldr {
	if pointer == 4 {
		return &ldr32
	}
	return &ldr64
}

// maxModules bounds the lists of modules (reference 3.5).
const maxModules = 4096

// Modules lists the loaded images, in the order of the kernel's list. What was read
// comes also with an error, which says where and why the list ended early.
func (d *Dump) Modules() ([]Module, error) {
	if d.small != nil {
		return d.small.modules(d)
	}
	head := d.header.Modules
	if head == 0 {
		head, _ = d.Debugger().Address(PsLoadedModuleList)
	}
	if i := d.encoded; head == 0 && i != nil {
		return []Module{{Name: i.name, Base: i.base, Size: uint64(i.pe.Size), Stamp: i.pe.Stamp, CheckSum: i.pe.CheckSum}},
			fmt.Errorf("listing modules: where their list is, the kernel's symbol file tells alone (the debugger data block is encoded)")
	}
	if head == 0 {
		return nil, fmt.Errorf("listing modules: neither the header nor the debugger data says where their list is")
	}
	var out []Module
	err := d.walkList(Space{}, head, maxModules, func(entry uint64) bool {
		out = append(out, d.module(Space{}, d.PointerSize(), entry))
		return true
	})
	if err != nil {
		return out, fmt.Errorf("listing modules: %w", err)
	}
	return out, nil
}

// module reads one loader entry of a space, whose pointers have ptr bytes. An entry
// that is not there has Err.
func (d *Dump) module(s Space, ptr int, at uint64) Module {
	l := ldrOf(ptr)
	m := Module{Loader: at, Space: s}
	b := make([]byte, l.stamp+4)
	if _, err := d.ReadVirtual(s, at, b); err != nil {
		m.Err = err
		return m
	}
	m.Base, m.Entry = Word(b[l.base:], ptr), Word(b[l.entry:], ptr)
	m.Size = Word(b[l.length:], 4)
	m.CheckSum, m.Stamp = uint32(Word(b[l.sum:], 4)), uint32(Word(b[l.stamp:], 4))
	m.Name, m.Err = d.unicode(s, ptr, b[l.name:], maxName)
	m.Path, _ = d.unicode(s, ptr, b[l.full:], maxPath)
	return m
}

// Bounds of names in bytes.
const (
	maxName = 2 * 256
	maxPath = 2 * 1024
)

// unicode reads the text of a UNICODE_STRING that stands in b, whose pointer has ptr
// bytes. Length is in bytes.
func (d *Dump) unicode(s Space, ptr int, b []byte, limit int) (string, error) {
	n := int(Word(b, 4) & 0xffff)
	at := Word(b[ptr:], ptr)
	if n == 0 {
		return "", nil
	}
	if n > limit || n%2 != 0 {
		return "", fmt.Errorf("a name of %d bytes at %#x, expected an even number of at most %d", n, at, limit)
	}
	if s != (Space{}) && !d.IsUser(at) {
		return "", fmt.Errorf("a name at %#x, which is no address of a process", at)
	}
	text := make([]byte, n)
	if _, err := d.ReadVirtual(s, at, text); err != nil {
		return "", err
	}
	return utf16Text(text), nil
}

// UnicodeString reads the UNICODE_STRING at va: text of at most 1024 characters.
func (d *Dump) UnicodeString(s Space, va uint64) (string, error) {
	b := make([]byte, 2*d.PointerSize())
	if _, err := d.ReadVirtual(s, va, b); err != nil {
		return "", err
	}
	return d.unicode(s, d.PointerSize(), b, maxPath)
}

// utf16Text decodes UTF-16; a NUL ends it.
func utf16Text(b []byte) string {
	u := make([]uint16, 0, len(b)/2)
	for ; len(b) >= 2 && (b[0] != 0 || b[1] != 0); b = b[2:] {
		u = append(u, uint16(b[0])|uint16(b[1])<<8)
	}
	return string(utf16.Decode(u))
}

// modules reads the driver list of a small dump: {u32 name offset, loader entry},
// whose size follows from the lists' places (reference 3.4).
func (t *triage) modules(d *Dump) ([]Module, error) {
	if t.drivers == 0 || t.drivers == filler32 || t.driverCount == 0 {
		return nil, nil
	}
	l := ldrOf(d.PointerSize())
	lead := int64(d.PointerSize()) // the offset of 4 bytes, and the padding behind it
	each := lead + int64(l.stamp) + 4
	r := bin.New("driver list", d.src, d.size)
	r.Seek("DriverListOffset", t.drivers)
	n := r.Count("DriverCount", uint64(t.driverCount), each, maxModules)
	if err := r.Err(); err != nil {
		return nil, fmt.Errorf("listing modules: %w", err)
	}
	if n == 0 {
		return nil, nil
	}
	if room := t.strings - t.drivers; room >= each*int64(n) && room/int64(n) <= 0x400 {
		each = room / int64(n)
	}
	out := make([]Module, 0, n)
	for i := range int64(n) {
		e := r.Sub("driver entry", t.drivers+i*each, lead+int64(l.stamp)+4)
		f := func(name string, off int, size int) uint64 {
			e.Seek(name, lead+int64(off))
			var b [8]byte
			e.Fill(name, b[:size])
			return Word(b[:], 8)
		}
		m := Module{
			Base:     f("DllBase", l.base, d.PointerSize()),
			Entry:    f("EntryPoint", l.entry, d.PointerSize()),
			Size:     f("SizeOfImage", l.length, 4),
			CheckSum: uint32(f("CheckSum", l.sum, 4)),
			Stamp:    uint32(f("TimeDateStamp", l.stamp, 4)),
		}
		e.Seek("DriverNameOffset", 0)
		name := int64(e.U32("DriverNameOffset"))
		if err := e.Err(); err != nil {
			return out, fmt.Errorf("listing modules: %w", err)
		}
		if text, err := d.fileString(name); err != nil {
			m.Err = err
		} else {
			m.Name = path.Base(strings.ReplaceAll(text, `\`, "/"))
			m.Path = text
		}
		out = append(out, m)
	}
	return out, nil
}

// fileString reads a string of a small dump: a count of characters, then UTF-16.
func (d *Dump) fileString(off int64) (string, error) {
	r := bin.New("string", d.src, d.size)
	r.Seek("string", off)
	n := r.U32("length")
	b := r.Bytes("text", 2*int64(n), maxPath)
	if err := r.Err(); err != nil {
		return "", err
	}
	return utf16Text(b), nil
}
