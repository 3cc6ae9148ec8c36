package symbols

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/seed-eedd8485/lpc/internal/pdbtest"
	"github.com/seed-eedd8485/lpc/ntdump"
	"github.com/seed-eedd8485/lpc/ntdump/dumptest"
)

// An image that two processes have is identified in each, and its symbol file is read
// once; where a process has another image at the address, it has none.
func TestModuleOfProcesses(t *testing.T) {
	const base, size = 0x7c900000, 0xb0000
	m := dumptest.New(dumptest.XP)
	var processes [3]uint64
	for i := range processes {
		at, space := m.AddProcessSpace(dumptest.Process{ID: uint64(4 + 4*i), Image: "a.exe", Peb: 0x7ffd9000})
		m.AddLoader(at, space).Add(dumptest.Module{Name: "ntdll.dll", Base: base, Size: size})
		name := "ntdll.pdb"
		if i == 2 {
			name = "other.pdb"
		}
		m.PutIn(space, base, pdbtest.Header(1, size, name))
		processes[i] = at
	}
	data := m.Dump(dumptest.Full)
	d, err := ntdump.New(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "ntdll.pdb", pdbtest.Key(), "ntdll.pdb")
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, pdbtest.Database(size, []pdbtest.Function{{Name: "F", RVA: 0x1000, Size: 4}}), 0o600); err != nil {
		t.Fatal(err)
	}
	var s Store
	if err := s.SetDirs([]string{dir}); err != nil {
		t.Fatal(err)
	}
	var found [3]*Found
	for i, p := range processes {
		list, err := d.UserModules(p)
		if err != nil || len(list) != 1 {
			t.Fatalf("%v, %v", list, err)
		}
		found[i] = s.Module(d, &list[0])
	}
	if found[0].Types == nil || found[0].Types != found[1].Types {
		t.Errorf("the file was read twice, or not at all: %v, %v", found[0].Err, found[1].Err)
	}
	if found[2].Types != nil || found[2].Err == nil {
		t.Errorf("another process's image has symbols of %s", found[2].File)
	}
	s.Forget()
	list, _ := d.UserModules(processes[0])
	if again := s.Module(d, &list[0]); again.Types == nil || again.Types == found[0].Types {
		t.Errorf("what was read is not forgotten: %v", again.Err)
	}
}
