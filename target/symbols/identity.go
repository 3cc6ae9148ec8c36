package symbols

import (
	"errors"
	"fmt"
	"os"

	"github.com/seed-eedd8485/lpc/isf/pdb"
	"github.com/seed-eedd8485/lpc/ntdump"
	"github.com/seed-eedd8485/lpc/ntdump/pe"
)

// errNoDirs is what is said of every module as long as nobody named a directory.
var errNoDirs = errors.New("no symbol directory is set; .sympath DIR sets it")

// identity is what a module was linked with: by its headers in the dump, else by the
// image that a directory has of it.
func (s *Store) identity(d *ntdump.Dump, m *ntdump.Module) (pdb.Identity, string, error) {
	cv, err := loaded(d, m)
	if err != nil && !errors.Is(err, pe.ErrNoCodeView) {
		path, storedErr := s.stored(m)
		switch {
		case storedErr != nil:
			return pdb.Identity{}, "", storedErr
		case path == "":
			return pdb.Identity{}, "", fmt.Errorf("which symbol file it has is not known: %w", err)
		}
		cv, err = fromFile(path, m)
	}
	if err != nil {
		return pdb.Identity{}, "", err
	}
	return pdb.Identity{GUID: cv.GUID, Age: cv.Age}, cv.PDB, nil
}

// loaded reads the record from the module's memory, which is the process's own where it
// is a module of one.
func loaded(d *ntdump.Dump, m *ntdump.Module) (pe.CodeView, error) {
	image, err := pe.Loaded(ntdump.View{Dump: d, Space: m.Space}, m.Base)
	if err != nil {
		return pe.CodeView{}, err
	}
	return image.CodeView()
}

// stored is the image of a module in a directory of the symbol server's shape:
// dir/name/TimeDateStampSizeOfImage/name. "" without an error: no directory has it.
func (s *Store) stored(m *ntdump.Module) (string, error) {
	folder := fmt.Sprintf("%08X%x", m.Stamp, m.Size)
	for _, dir := range s.dirs {
		path, err := pdb.Find(dir, m.Name, folder, m.Name)
		if err != nil {
			return "", fmt.Errorf("looking for %s in %s: %w", m.Name, dir, err)
		}
		if path != "" {
			return path, nil
		}
	}
	return "", nil
}

// fromFile reads the record from an image file, which must be the module's.
func fromFile(path string, m *ntdump.Module) (pe.CodeView, error) {
	f, err := os.Open(path)
	if err != nil {
		return pe.CodeView{}, err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return pe.CodeView{}, err
	}
	image, err := pe.File(f, st.Size())
	if err != nil {
		return pe.CodeView{}, fmt.Errorf("%s: %w", path, err)
	}
	if image.Stamp != m.Stamp || uint64(image.Size) != m.Size {
		return pe.CodeView{}, fmt.Errorf("%s is another build: its time stamp and size are %08X and %x, expected %08X and %x", path, image.Stamp, image.Size, m.Stamp, m.Size)
	}
	cv, err := image.CodeView()
	if err != nil {
		return pe.CodeView{}, fmt.Errorf("%s: %w", path, err)
	}
	return cv, nil
}
