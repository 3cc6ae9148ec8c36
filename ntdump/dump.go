package ntdump

import (
	"fmt"
	"io"
	"sync/atomic"

	"github.com/seed-eedd8485/lpc/bin"
	"github.com/seed-eedd8485/lpc/isf"
)

// Dump is an open crash dump. It may be read by any number of goroutines.
type Dump struct {
	header *Header
	src    io.ReaderAt
	size   int64
	close  func() error

	phys   pageMap  // nil: there is no physical memory
	blocks *blocks  // triage: memory by virtual address; nil otherwise
	small  *triage  // triage: the second header; nil otherwise
	mode   *paging  // nil: page tables are not there or not read
	why    string   // why mode is nil, as a sentence
	notes  []string // what is odd about the file, one sentence each

	processors []Processor // a memory image: as the hypervisor saved them
	encoded    *image      // a memory image whose debugger data was found encoded: the kernel's image; else nil

	debugger atomic.Pointer[Debugger] // nil until found
	types    atomic.Pointer[isf.Types]
}

// Open opens the dump at path, maps it for reading, and reads its headers. What
// the dump holds is read when it is asked for: a dump of 64 GB opens at once. An
// error is one sentence that wraps ErrNotDump, ErrUnsupported, a *bin.Error, or
// what the system said.
func Open(path string) (*Dump, error) {
	src, size, err := openFile(path)
	if err != nil {
		return nil, fmt.Errorf("opening dump: %w", err)
	}
	d, err := New(src, size)
	if err != nil {
		_ = src.Close() // read only: nothing is lost
		return nil, fmt.Errorf("opening dump %s: %w", path, err)
	}
	d.close = src.Close
	return d, nil
}

// New reads the headers of the dump in the first size bytes of src. The source
// stays the caller's and must live as long as the dump; Close does not close it.
func New(src io.ReaderAt, size int64) (*Dump, error) {
	size = max(size, 0)
	r := bin.New("dump", src, size)
	n := min(size, 16)
	head := r.Bytes("signature", n, n)
	if err := r.Err(); err != nil {
		return nil, err
	}
	d := &Dump{src: src, size: size}
	var err error
	switch {
	case len(head) >= 8 && string(head[:8]) == "PAGEDUMP":
		d.header, err = readHeader32(r)
	case len(head) >= 8 && string(head[:8]) == "PAGEDU64":
		d.header, err = readHeader64(r)
	default:
		return nil, notDump(head, size)
	}
	if err != nil {
		return nil, err
	}
	if err := d.place(); err != nil {
		return nil, err
	}
	d.mode, d.why = newPaging(d)
	d.findDebugger()
	note := d.setOwnTypes()
	if d.small != nil {
		d.placeThread()
		note = d.setOwnTypes() // what the thread's own bytes tell is there only now
	}
	if note != "" {
		d.note("%s", note)
	}
	return d, nil
}

// place makes the map from addresses to the file, by the kind of dump.
func (d *Dump) place() error {
	h := d.header
	first := int64(header32Bytes)
	if h.Bits == 64 {
		first = header64Bytes
	}
	switch h.Type {
	case 0, Full:
		if h.Type == 0 {
			d.note("the header does not say what kind of dump this is: it is read as a full one")
		}
		m, err := newRuns(h.runs, first)
		if err != nil {
			return err
		}
		if h.runPages.OK && h.runPages.Value != m.total {
			d.note("the header speaks of %d pages, its runs have %d", h.runPages.Value, m.total)
		}
		if want := first + int64(m.total)*pageBytes; want > d.size {
			d.note("the dump is cut short: the file has %d bytes of %d", d.size, want)
		}
		d.phys = m
	case Summary, BitmapFull, BitmapKernel, Automatic:
		m, err := newBitmap(d.src, d.size, h)
		if err != nil {
			return err
		}
		if want := m.first + int64(m.held)*pageBytes; want > d.size {
			d.note("the dump is cut short: the file has %d bytes of %d", d.size, want)
		}
		d.phys = m
	case HeaderOnly:
		d.note("the dump is a header alone: it holds no memory")
	case Triage:
		return d.readTriage()
	default:
		return fmt.Errorf("%w: %s; full, kernel, bitmap and small dumps are read", ErrUnsupported, h.Type)
	}
	if h.Machine == IA64 && d.phys != nil {
		d.note("memory of Itanium is not read: only small dumps of it are")
		d.phys = nil // its pages have 8 KB, its page tables are of another kind
	}
	if s := h.Status; s.OK && s.Value != 0 {
		d.note("the writer of the dump ended with status %#x", s.Value)
	}
	return nil
}

func (d *Dump) note(format string, args ...any) {
	d.notes = append(d.notes, fmt.Sprintf(format, args...))
}

// Header returns what the header says. It must not be changed.
func (d *Dump) Header() *Header { return d.header }

// Notes are sentences on what is odd about the file, a cut end for example: what
// could be read is read nevertheless. The slice must not be changed.
func (d *Dump) Notes() []string { return d.notes }

// FileSize is the number of bytes of the file.
func (d *Dump) FileSize() int64 { return d.size }

// PointerSize is the size of a pointer in bytes, 4 or 8.
func (d *Dump) PointerSize() int { return d.header.Bits / 8 }

// HasPhysical says whether the dump holds memory by physical address.
func (d *Dump) HasPhysical() bool { return d.phys != nil }

// HasPageTables says whether virtual addresses of any process can be translated;
// why is the sentence that says what is missing.
func (d *Dump) HasPageTables() (ok bool, why string) { return d.mode != nil, d.why }

// Close lets go of the file. Nothing may read afterwards.
func (d *Dump) Close() error {
	if d.close == nil {
		return nil
	}
	return d.close()
}
