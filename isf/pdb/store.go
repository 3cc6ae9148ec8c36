package pdb

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// ErrNotFound is wrapped when a directory has no file for an image. Try the next
// directory, or ask for the file: the error's text names it.
var ErrNotFound = errors.New("not in the symbol directory")

// Lookup opens the database of an image from a directory in the shape that symbol
// servers use: dir/ntoskrnl.pdb/GUIDage/ntoskrnl.pdb. name is as the image's debug
// directory has it, a path of the machine that it was built on as a rule; only
// its last component is used. A file that lies in dir itself is taken too. Names
// are compared without case. GUID and age must be those of the image: a database
// of another build would give wrong answers.
func Lookup(dir, name string, id Identity) (*File, error) {
	name = base(name)
	if name == "" || name == "." || name == ".." {
		return nil, fmt.Errorf("looking for a program database in %s: the image names none", dir)
	}
	var wrong error
	for _, parts := range [...][]string{{name, id.String(), name}, {name}} {
		path, err := Find(dir, parts...)
		if err != nil {
			return nil, fmt.Errorf("looking for %s in %s: %w", name, dir, err)
		}
		if path == "" {
			continue
		}
		f, err := Open(path)
		switch {
		case err != nil:
			wrong = errors.Join(wrong, err)
		case f.id != id:
			wrong = errors.Join(wrong, fmt.Errorf("%s belongs to another build: it is %s, expected %s", path, f.id, id))
		default:
			return f, nil
		}
	}
	if wrong != nil {
		return nil, wrong
	}
	if path, _ := Find(dir, name, id.String(), name[:len(name)-1]+"_"); path != "" {
		return nil, fmt.Errorf("%s is compressed: expand it first (cabextract)", path)
	}
	return nil, fmt.Errorf("%s/%s/%s: %w %s", name, id, name, ErrNotFound, dir)
}

// Find follows names below a directory without regard to case, as the machines that
// such directories are made on do. It is "" when no file is there.
func Find(dir string, parts ...string) (string, error) {
	for _, part := range parts {
		// Names come from a dump: none leads out of the directory.
		if part == "" || part == "." || part == ".." || strings.ContainsRune(part, filepath.Separator) {
			return "", nil
		}
	}
	at := dir
	for _, part := range parts {
		next := filepath.Join(at, part)
		if _, err := os.Lstat(next); err == nil {
			at = next
			continue
		}
		if st, err := os.Stat(at); at != dir && (err != nil || !st.IsDir()) {
			return "", nil
		}
		entries, err := os.ReadDir(at)
		if err != nil {
			return "", err
		}
		next = ""
		for _, e := range entries {
			if strings.EqualFold(e.Name(), part) {
				next = filepath.Join(at, e.Name())
				break
			}
		}
		if next == "" {
			return "", nil
		}
		at = next
	}
	if st, err := os.Stat(at); err != nil || !st.Mode().IsRegular() {
		return "", nil
	}
	return at, nil
}
