package pe

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/seed-eedd8485/lpc/bin"
)

// CodeView names the program database that an image was linked with.
type CodeView struct {
	GUID [16]byte // as it stands in the image
	Age  uint32
	PDB  string // as the linker noted it: a path of the machine that it ran on, as a rule
}

// ErrNoCodeView is wrapped when an image names no program database.
var ErrNoCodeView = errors.New("the image names no symbol file")

// Bounds of the debug directory.
const (
	debugEntry   = 28 // bytes of an IMAGE_DEBUG_DIRECTORY
	maxDebug     = 64
	typeCodeView = 2 // IMAGE_DEBUG_TYPE_CODEVIEW
	maxRecord    = 24 + 1024
)

// CodeView reads the record that names the image's symbol file.
func (i *Image) CodeView() (CodeView, error) {
	if len(i.Directories) <= DirDebug || i.Directories[DirDebug].Size < debugEntry {
		return CodeView{}, fmt.Errorf("%w: it has no debug directory", ErrNoCodeView)
	}
	dir := i.Directories[DirDebug]
	old := ""
	for n := range min(dir.Size/debugEntry, maxDebug) {
		b := make([]byte, debugEntry)
		if err := i.ReadRVA(dir.RVA+n*debugEntry, b); err != nil {
			return CodeView{}, fmt.Errorf("reading the debug directory: %w", err)
		}
		r := bin.FromBytes("debug directory", b)
		r.Seek("type", 12)
		kind, size, rva := r.U32("type"), r.U32("size"), r.U32("address")
		if kind != typeCodeView || size < 4 || rva == 0 {
			continue
		}
		record := make([]byte, min(size, maxRecord))
		if err := i.ReadRVA(rva, record); err != nil {
			return CodeView{}, fmt.Errorf("reading the record that names the symbol file: %w", err)
		}
		switch string(record[:4]) {
		case "RSDS":
			return readRSDS(record)
		default:
			old = string(record[:4])
		}
	}
	if old != "" {
		return CodeView{}, fmt.Errorf("%w of a format that is read: its record begins with %q, expected RSDS", ErrNoCodeView, old)
	}
	return CodeView{}, fmt.Errorf("%w: its debug directory has no CodeView record", ErrNoCodeView)
}

// readRSDS reads a CV_INFO_PDB70: signature, GUID, age, and the name up to a zero.
func readRSDS(record []byte) (CodeView, error) {
	r := bin.FromBytes("CodeView record", record)
	r.U32("signature")
	var c CodeView
	r.Fill("GUID", c.GUID[:])
	c.Age = r.U32("age")
	if err := r.Err(); err != nil {
		return CodeView{}, err
	}
	name, _, ended := bytes.Cut(record[r.Offset():], []byte{0})
	if !ended && len(record) == maxRecord {
		return CodeView{}, fmt.Errorf("the name of the symbol file in the CodeView record has no end within %d bytes", len(name))
	}
	c.PDB = string(name)
	if c.PDB == "" {
		return CodeView{}, fmt.Errorf("%w: its CodeView record has no name", ErrNoCodeView)
	}
	return c, nil
}
