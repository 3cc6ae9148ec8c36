package symbols

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/seed-eedd8485/lpc/isf"
	"github.com/seed-eedd8485/lpc/isf/pdb"
	"github.com/seed-eedd8485/lpc/ntdump"
)

// Store finds and keeps descriptions of modules. The zero Store has no directories
// and finds nothing.
type Store struct {
	dirs  []string
	found map[ntdump.Module]*Found
	files map[file]*Found // each file is read once, however many processes have its image
}

// file is what a symbol file is asked for by.
type file struct {
	name string
	id   pdb.Identity
}

// Found is what is known of a module's symbols.
type Found struct {
	Types isf.Types // nil: none were found, and Err says why
	File  string    // that they are from
	Err   error
}

// Dirs are the directories that are searched, in order. The slice must not be changed.
func (s *Store) Dirs() []string { return s.dirs }

// SetDirs makes directories those that are searched, and forgets what was found. The
// error names the first that is none; then nothing changes.
func (s *Store) SetDirs(dirs []string) error {
	for _, d := range dirs {
		st, err := os.Stat(d)
		if err != nil {
			return fmt.Errorf("a symbol directory: %w", err)
		}
		if !st.IsDir() {
			return fmt.Errorf("%s is a file, expected a directory of symbol files", d)
		}
	}
	s.dirs = nil
	for _, d := range dirs {
		s.dirs = append(s.dirs, filepath.Clean(d))
	}
	s.Forget()
	return nil
}

// Forget lets go of what was found: the next request looks anew.
func (s *Store) Forget() { s.found, s.files = nil, nil }

// Known is what was found for a module, nil when nobody asked yet.
func (s *Store) Known(m *ntdump.Module) *Found { return s.found[key(m)] }

// key is a module without what may differ from one reading of the list to the next.
func key(m *ntdump.Module) ntdump.Module {
	k := *m
	k.Err = nil
	return k
}

// Module finds the description of a module of a dump. The files are read when a
// module is asked for the first time. The result is the store's and is not to be
// changed.
func (s *Store) Module(d *ntdump.Dump, m *ntdump.Module) *Found {
	if f := s.found[key(m)]; f != nil {
		return f
	}
	if len(s.dirs) == 0 {
		return &Found{Err: errNoDirs}
	}
	pointer, whose := d.PointerSize(), "the dump's"
	if m.Wow64 {
		pointer, whose = 4, "the image's"
	}
	f := s.look(d, m)
	if f.Err == nil && f.Types.PointerSize() != pointer {
		f = &Found{Err: fmt.Errorf("%s describes pointers of %d bytes, %s have %d", f.File, f.Types.PointerSize(), whose, pointer)}
	}
	if s.found == nil {
		s.found = map[ntdump.Module]*Found{}
	}
	s.found[key(m)] = f
	return f
}

// look finds the file and reads it.
func (s *Store) look(d *ntdump.Dump, m *ntdump.Module) *Found {
	id, name, err := s.identity(d, m)
	if err != nil {
		return &Found{Err: err}
	}
	k := file{base(name), id}
	if f := s.files[k]; f != nil {
		return f
	}
	f := &Found{}
	f.Types, f.File, f.Err = s.find(name, id)
	if s.files == nil {
		s.files = map[file]*Found{}
	}
	s.files[k] = f
	return f
}

// Loaded are the modules whose symbols were found, by base address.
func (s *Store) Loaded() []ntdump.Module {
	var list []ntdump.Module
	for m, f := range s.found {
		if f.Types != nil {
			list = append(list, m)
		}
	}
	slices.SortFunc(list, func(a, b ntdump.Module) int {
		if a.Base < b.Base {
			return -1
		}
		return 1
	})
	return list
}
