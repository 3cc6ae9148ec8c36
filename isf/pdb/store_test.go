package pdb

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestLookup(t *testing.T) {
	id := Identity{GUID: testGUID, Age: 3}
	const key = "123456789ABCDEF001020304050607083"
	other := Identity{GUID: testGUID, Age: 0x1f}
	for _, c := range []struct {
		name, path string // where the file lies
		ask        string
		id         Identity
		want       string // error; "" for none
	}{
		{"as stored", "nt.pdb/" + key + "/nt.pdb", "nt.pdb", id, ""},
		{"a path of the builder's", "nt.pdb/" + key + "/nt.pdb", `d:\build\nt.pdb`, id, ""},
		{"other case", "NT.PDB/" + strings.ToLower(key) + "/Nt.Pdb", "nt.pdb", id, ""},
		{"flat", "NT.pdb", "nt.pdb", id, ""},
		{"not there", "other.pdb", "nt.pdb", id, "nt.pdb/" + key + "/nt.pdb: not in the symbol directory"},
		{"only a directory", "nt.pdb/" + key + "/nt.pdb/x", "nt.pdb", id, "not in the symbol directory"},
		{"a file for a directory", "nt.pdb/" + key, "nt.pdb", id, "not in the symbol directory"},
		{"compressed", "nt.pdb/" + key + "/nt.pd_", "nt.pdb", id, "nt.pd_ is compressed: expand it first (cabextract)"},
		{"wrong age, stored", "nt.pdb/" + other.String() + "/nt.pdb", "nt.pdb", other,
			"nt.pdb belongs to another build: it is " + key + ", expected 123456789ABCDEF001020304050607081F"},
		{"wrong GUID, flat", "nt.pdb", "nt.pdb", Identity{Age: 3}, "belongs to another build"},
		{"no name", "nt.pdb", `c:\`, id, "the image names none"},
		{"up", "nt.pdb", `..`, id, "the image names none"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, c.path)
			if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, written(t), 0o600); err != nil {
				t.Fatal(err)
			}
			f, err := Lookup(dir, c.ask, c.id)
			if c.want == "" {
				if err != nil || f.Identity() != c.id {
					t.Errorf("%v, %v", f, err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v\nwant %s", err, c.want)
			}
			if strings.HasPrefix(c.want, "not in") && !errors.Is(err, ErrNotFound) {
				t.Errorf("%v is no ErrNotFound", err)
			}
		})
	}
	// Names come from a dump: none leads out of the directory.
	dir := t.TempDir()
	inner := filepath.Join(dir, "inner")
	if err := os.Mkdir(inner, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "x"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, parts := range [][]string{{"..", "x"}, {"../x"}, {""}, {".", "..", "x"}} {
		if path, err := Find(inner, parts...); path != "" || err != nil {
			t.Errorf("%q leads to %q, %v", parts, path, err)
		}
	}
	if path, err := Find(dir, "X"); path != filepath.Join(dir, "x") || err != nil {
		t.Errorf("%q, %v", path, err)
	}
	if _, err := Lookup(filepath.Join(t.TempDir(), "none"), "nt.pdb", id); err == nil || errors.Is(err, ErrNotFound) {
		t.Errorf("a directory that is not there: %v", err)
	}
}
