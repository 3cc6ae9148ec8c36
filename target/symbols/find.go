package symbols

import (
	"errors"
	"fmt"
	"strings"

	"github.com/seed-eedd8485/lpc/isf"
	"github.com/seed-eedd8485/lpc/isf/pdb"
)

// find looks for the description of a build in each directory: the PDB as symbol
// servers file it, then ISF as public collections of it do, by GUID and age. A file
// that belongs to another build, or that is damaged, does not end the search; it is
// told when nothing else was found.
func (s *Store) find(name string, id pdb.Identity) (isf.Types, string, error) {
	var wrong []error
	for _, dir := range s.dirs {
		f, err := pdb.Lookup(dir, name, id)
		if err == nil {
			return f.Types(), f.Types().Source(), nil
		}
		if !errors.Is(err, pdb.ErrNotFound) {
			wrong = append(wrong, err)
		}
		t, err := lookupISF(dir, name, id)
		if t != nil {
			return t, t.Source(), nil
		}
		if err != nil {
			wrong = append(wrong, err)
		}
	}
	if err := errors.Join(wrong...); err != nil {
		return nil, "", errors.New(strings.ReplaceAll(err.Error(), "\n", "; "))
	}
	name = base(name)
	return nil, "", fmt.Errorf("%s/%s/%s is in no symbol directory", name, id, name)
}

// lookupISF finds dir/[windows/]name/GUID-age.json, plain or packed: the shape of
// volatility3's symbol directories, in which the age is decimal. nil without an
// error: there is none.
func lookupISF(dir, name string, id pdb.Identity) (isf.Types, error) {
	guid := id.GUIDText()
	file := fmt.Sprintf("%s-%d.json", guid, id.Age)
	for _, above := range [][]string{{"windows"}, {}} {
		for _, packed := range []string{"", ".xz", ".gz"} {
			path, err := pdb.Find(dir, append(above, base(name), file+packed)...)
			if err != nil {
				return nil, fmt.Errorf("looking for %s in %s: %w", base(name), dir, err)
			}
			if path == "" {
				continue
			}
			t, err := isf.Open(path)
			if err != nil {
				return nil, err
			}
			if m, _ := isf.MetadataOf(t); !strings.EqualFold(m.GUID, guid) || m.Age != id.Age {
				return nil, fmt.Errorf("%s belongs to another build: it says %s, age %d, expected %s, age %d", path, m.GUID, m.Age, guid, id.Age)
			}
			return t, nil
		}
	}
	return nil, nil
}

// base is the last component of a path of either kind of separator.
func base(path string) string {
	return path[strings.LastIndexAny(path, `/\`)+1:]
}
