package pdb

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/seed-eedd8485/lpc/bin"
	"github.com/seed-eedd8485/lpc/isf"
)

// Numbers of the streams that stand at fixed places (LLVM, "The PDB File Format").
const (
	streamInfo  = 1
	streamTypes = 2
	streamDBI   = 3
	streamIDs   = 4
)

// File is a program database that was read. It is immutable, keeps no file open,
// and may be used by any number of goroutines.
type File struct {
	id        Identity
	machine   uint16
	addr      addresses
	types     isf.Types
	functions []Function
	fpo       frameTable
	frameData frameTable
	skipped   []string
}

// Open reads a program database. All of what is used is read at once, about as
// much memory as the file is long.
func Open(path string) (*File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("opening a program database: %w", err)
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("opening a program database: %w", err)
	}
	return New(path, f, st.Size())
}

// New reads a program database of size bytes. source names it for people and in
// errors. src is not used after New returns.
func New(source string, src io.ReaderAt, size int64) (*File, error) {
	l := loader{file: &File{}, source: source}
	if err := l.load(bin.New("program database", src, size)); err != nil {
		return nil, fmt.Errorf("%s: %w", source, err)
	}
	return l.file, nil
}

// loader holds what is needed while a file is read only.
type loader struct {
	file    *File
	source  string
	c       *container
	info    info
	dbi     dbi
	skipped notes
}

func (l *loader) load(r *bin.Reader) (err error) {
	if l.c, err = openContainer(r); err != nil {
		return err
	}
	data, err := l.c.stream("the PDB info stream", streamInfo)
	if err != nil {
		return err
	}
	if l.info, err = readInfo(data); err != nil {
		return err
	}
	if len(l.c.sizes) > streamDBI {
		if data, err = l.c.stream("the DBI stream", streamDBI); err != nil {
			return err
		}
		if l.dbi, err = readDBI(data); err != nil {
			return err
		}
	} else {
		l.dbi, _ = readDBI(nil)
	}
	l.file.machine = l.dbi.machine
	l.file.id = Identity{GUID: l.info.guid, Age: l.info.age}
	if l.dbi.present { // what the image was given; later changes count in the info stream alone
		l.file.id.Age = l.dbi.age
	}
	types, err := l.typeStream("the TPI stream", streamTypes)
	if err != nil {
		return err
	}
	ids, err := l.typeStream("the IPI stream", streamIDs)
	if err != nil {
		return err
	}
	if err := l.places(); err != nil {
		return err
	}
	syms, err := l.symbols(&ids)
	if err != nil {
		return err
	}
	if err := l.frames(); err != nil {
		return err
	}
	return l.finish(&types, syms)
}

// typeStream reads one of the two streams of types; either may be missing.
func (l *loader) typeStream(what string, i int) (typeStream, error) {
	if i >= len(l.c.sizes) || i == streamIDs && !l.info.ids {
		return readTypes(what, nil)
	}
	data, err := l.c.stream(what, i)
	if err != nil {
		return typeStream{}, err
	}
	return readTypes(what, data)
}

// places reads how symbols become addresses.
func (l *loader) places() error {
	a := &l.file.addr
	which := dbgSections
	for _, m := range []struct {
		stream int
		what   string
		to     *omap
	}{
		{dbgOmapFromSource, "the OMAP from source", &a.from},
		{dbgOmapToSource, "the OMAP to source", &a.to},
	} {
		data, err := l.c.stream(m.what, l.dbi.debug[m.stream])
		if err != nil {
			return err
		}
		if *m.to, err = readOmap(m.what, data); err != nil {
			return err
		}
	}
	if len(a.from) > 0 && l.dbi.debug[dbgOriginalSections] != noStream {
		which = dbgOriginalSections
	}
	data, err := l.c.stream("the section headers", l.dbi.debug[which])
	if err != nil {
		return err
	}
	a.sections, err = readSections(data)
	return err
}

// symbols reads the global symbols and those of every module.
func (l *loader) symbols(ids *typeStream) (*symbolTable, error) {
	s := &symbolTable{addr: &l.file.addr, machine: l.dbi.machine, ids: ids}
	data, err := l.c.stream("the symbol records", l.dbi.symbols)
	if err != nil {
		return nil, err
	}
	if err := s.global(data); err != nil {
		return nil, err
	}
	read := map[int]bool{} // a stream named by two modules is read once
	for i, stream := range l.dbi.modules {
		if stream == noStream || read[stream] {
			continue
		}
		read[stream] = true
		data, err := l.c.stream("a module's symbols", stream)
		if err == nil {
			err = s.module(data, l.dbi.sizes[i])
		}
		if err != nil {
			return nil, err
		}
	}
	if len(l.file.addr.sections) == 0 && len(data) > 0 {
		l.skipped.add("the file has no section headers, so that its symbols have no addresses")
	}
	if s.lost > 0 {
		l.skipped.add("%d symbols stand for code that was dropped after linking", s.lost)
	}
	return s, nil
}

// frames reads both kinds of frame data.
func (l *loader) frames() error {
	data, err := l.c.stream("the FPO data", l.dbi.debug[dbgFPO])
	if err != nil {
		return err
	}
	if l.file.fpo, err = readFPO(data); err != nil {
		return err
	}
	if data, err = l.c.stream("the frame data", l.dbi.debug[dbgFrameData]); err != nil || len(data) == 0 {
		return err
	}
	var names stringTable
	if i, ok := l.info.named["/names"]; ok {
		raw, err := l.c.stream("the string table", i)
		if err != nil {
			return err
		}
		if names, err = readStringTable(raw); err != nil {
			return err
		}
	}
	l.file.frameData, err = readFrameData(data, names)
	return err
}

// finish makes the isf.Types.
func (l *loader) finish(types *typeStream, syms *symbolTable) error {
	ptr, err := pointerSize(l.dbi.machine, types)
	if err != nil {
		return err
	}
	c := isf.Content{Source: l.source, PointerSize: ptr, Symbols: syms.list(false), Metadata: isf.Metadata{
		Format: "PDB 7.00", GUID: guidText(l.file.id.GUID), Age: l.file.id.Age, Machine: l.dbi.machine, PDB: base(l.source),
	}}
	c.Layouts, c.Enums = convert(types, &l.skipped)
	t, err := describe(c, &l.skipped)
	if err != nil {
		return err
	}
	l.file.functions = syms.functions
	d := &described{Described: t.(isf.Described), file: l.file, named: t}
	if len(l.file.addr.from) > 0 {
		if d.named, err = isf.New(isf.Content{Source: l.source, PointerSize: ptr, Symbols: syms.list(true)}); err != nil {
			return err
		}
	}
	l.file.types = d
	l.file.skipped = l.skipped.all()
	return nil
}

// describe makes a Types. C code may have two structures of one name, whose
// forward references cannot be told apart; should that close a circle, the member
// that does is left out.
func describe(c isf.Content, skipped *notes) (isf.Types, error) {
	for range maxNotes {
		t, err := isf.New(c)
		var circle *isf.CycleError
		if !errors.As(err, &circle) {
			return t, err
		}
		for i := range c.Layouts {
			if l := &c.Layouts[i]; l.Name == circle.Layout {
				skipped.add("%s.%s: by it %s would contain itself", l.Name, l.Fields[circle.Field].Name, circle.Within)
				l.Fields = slices.Delete(l.Fields, circle.Field, circle.Field+1)
			}
		}
	}
	return nil, errors.New("too many structures contain themselves")
}

// pointerSize is known from the machine, else from the first pointer.
func pointerSize(machine uint16, types *typeStream) (int, error) {
	switch machine {
	case machineI386, 0x1c0, 0x1c4: // ARM and Thumb-2
		return 4, nil
	case 0x8664, 0xaa64, 0x200: // AMD64, ARM64, IA64
		return 8, nil
	}
	for _, r := range types.recs {
		if r.leaf != lfPointer {
			continue
		}
		c := newCursor("type record", r.body)
		c.U32("type pointed to")
		if size := pointerBytes(c.U32("attributes")); c.err() == nil && (size == 4 || size == 8) {
			return size, nil
		}
	}
	return 0, fmt.Errorf("machine %#x is not known, and no pointer tells its size", machine)
}

// base is the last component of a path of either kind of separator.
func base(path string) string {
	return path[bytes.LastIndexAny([]byte(path), `/\`)+1:]
}

// Identity is what the image names this file by.
func (f *File) Identity() Identity { return f.id }

// Machine is IMAGE_FILE_MACHINE_*, 0 when the file holds types alone.
func (f *File) Machine() uint16 { return f.machine }

// Sections are the image's sections, as linked. The caller must not change them.
func (f *File) Sections() []Section { return f.addr.sections }

// Types are the structures and symbols, with all that isf asks a description for:
// isf.Described (isf.Write saves it), isf.Frames and isf.Neighbors.
func (f *File) Types() isf.Types { return f.types }

// Functions are those whose extent is known. The caller must not change them.
func (f *File) Functions() []Function { return f.functions }

// Skipped tells in sentences what of the file was not understood and is missing
// from Types; at most 101 of them.
func (f *File) Skipped() []string { return f.skipped }
