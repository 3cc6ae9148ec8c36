package pe_test

import (
	"bytes"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-eedd8485/lpc/internal/needs"
	"github.com/seed-eedd8485/lpc/ntdump"
	"github.com/seed-eedd8485/lpc/ntdump/dumptest"
	"github.com/seed-eedd8485/lpc/ntdump/pe"
)

var (
	kernel = dumptest.Image{Name: "ntoskrnl.exe", Code: make([]byte, 0x3000), Exports: map[string]uint32{"ExAllocatePool": 0x100, "ExFreePool": 0x200, "ExAllocatePoolWithTag": 0x300}}
	driver = dumptest.Image{Name: "greedy.sys", Code: []byte("code"), Imports: []dumptest.ImportFrom{
		{Module: "ntoskrnl.exe", Names: []string{"ExAllocatePool", "ExFreePool"}}, {Module: "HAL.dll", Names: []string{"KfLowerIrql"}},
	}}
)

func names(list []pe.Import) (out []string) {
	for _, i := range list {
		out = append(out, i.Module+"!"+i.Name)
	}
	return out
}

var want = []string{"ntoskrnl.exe!ExAllocatePool", "ntoskrnl.exe!ExFreePool", "HAL.dll!KfLowerIrql"}

// Imports of a file, of a loaded image, and of one whose INIT section is gone: then the
// addresses are left.
func TestImports(t *testing.T) {
	for _, p := range []dumptest.Profile{dumptest.XP, dumptest.X64} {
		file := p.ImageFile(driver)
		img, err := pe.File(bytes.NewReader(file), int64(len(file)))
		if err != nil {
			t.Fatal(err)
		}
		list, err := img.Imports()
		if err != nil || !slices.Equal(names(list), want) {
			t.Errorf("%s: %q, %v", p.Name, names(list), err)
		}
		for _, init := range []bool{true, false} {
			m := dumptest.New(p)
			base := m.AddImage(kernel, 0, nil, true)
			all := dumptest.ExportsOf(kernel, base)
			all["KfLowerIrql"] = base + 0x77
			at := m.AddImage(driver, 0, all, init)
			data := m.Dump(dumptest.BitmapKernel)
			d, err := ntdump.New(bytes.NewReader(data), int64(len(data)))
			if err != nil {
				t.Fatal(err)
			}
			img, err := pe.Loaded(d, at)
			if err != nil {
				t.Fatal(err)
			}
			list, err := img.Imports()
			if init && (err != nil || !slices.Equal(names(list), want)) || !init && (err == nil || !strings.Contains(err.Error(), "reading the import table: no memory at")) {
				t.Errorf("%s, init %v: %q, %v", p.Name, init, names(list), err)
			}
			slots, err := img.Slots()
			if err != nil || !slices.Equal(slots, []uint64{all["ExAllocatePool"], all["ExFreePool"], base + 0x77}) {
				t.Errorf("%s: %#x, %v", p.Name, slots, err)
			}
			nt, err := pe.Loaded(d, base)
			if err != nil {
				t.Fatal(err)
			}
			found, err := nt.Exports("ExAllocatePool", "ExFreePool", "NotThere")
			if err != nil || !maps.Equal(found, map[string]uint32{"ExAllocatePool": 0x1100, "ExFreePool": 0x1200}) {
				t.Errorf("%s: %#x, %v", p.Name, found, err)
			}
			if _, err := img.Exports("x"); err == nil {
				t.Errorf("%s: a driver exports something", p.Name)
			}
			if _, err := nt.Imports(); err == nil {
				t.Errorf("%s: the kernel imports something", p.Name)
			}
		}
	}
}

// objdump reads the same imports: it knows the format from another source.
func TestObjdump(t *testing.T) {
	program := needs.Tool(t, "objdump", "binutils")
	path := filepath.Join(t.TempDir(), "greedy.sys")
	if err := os.WriteFile(path, dumptest.X64.ImageFile(driver), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(program, "-p", path).CombinedOutput()
	if err != nil {
		needs.Missing(t, "an objdump that reads PE32+ (Debian package binutils): %v: %s", err, out)
	}
	for _, w := range []string{"DLL Name: ntoskrnl.exe", "ExAllocatePool", "DLL Name: HAL.dll", "KfLowerIrql"} {
		if !strings.Contains(string(out), w) {
			t.Errorf("objdump does not say %q:\n%s", w, out)
		}
	}
}

func FuzzImports(f *testing.F) {
	f.Add(dumptest.XP.ImageFile(driver))
	f.Add(dumptest.X64.ImageFile(kernel))
	f.Fuzz(func(t *testing.T, data []byte) {
		img, err := pe.File(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			return
		}
		_, _ = img.Imports()
		_, _ = img.Exports("ExAllocatePool")
		_, _ = img.Slots()
		_, _ = img.CodeView()
		for _, s := range img.Sections {
			img.SectionAt(s.RVA)
			img.RVA(int64(s.Raw))
		}
	})
}
