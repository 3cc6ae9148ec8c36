package stack

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/seed-eedd8485/lpc/internal/needs"
	"github.com/seed-eedd8485/lpc/ntdump"
	"github.com/seed-eedd8485/lpc/ntdump/dumptest"
)

func images(t *testing.T, d *ntdump.Dump) []Image {
	t.Helper()
	modules, err := d.Modules()
	if err != nil {
		t.Fatal(err)
	}
	var out []Image
	for _, m := range modules {
		out = append(out, Image{m.Base, m.Size})
	}
	return out
}

// The stack of a real small dump, from the exception's context: no image pages, so
// every frame says that it was found by a scan. The processor fell into amdppm.sys
// from its idle loop or its power code: every return address lies in a module.
func TestTriageStack(t *testing.T) {
	d, err := ntdump.Open(needs.File(t, "triage_x64.dmp"))
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	at, _ := d.CurrentThread()
	th := d.Thread(at)
	regs, err := d.ContextAt(ntdump.Space{}, d.Header().BugCheck.Params[3])
	if err != nil {
		t.Fatal(err)
	}
	in := Input{Memory: d, Images: images(t, d), Limit: th.Stack.Limit, Base: th.Stack.Base, PC: regs.PC(), SP: regs.SP()}
	w := X64(in)
	if len(w.Frames) < 5 || w.Frames[0].PC != 0xfffff8048b58334c || w.Frames[0].Frame != 0xffff850429892120 {
		t.Fatalf("%s", text(w))
	}
	in = in.sorted()
	for i, f := range w.Frames {
		if _, code := in.image(f.PC); !code {
			t.Errorf("frame %d stands at %#x, in no module", i, f.PC)
		}
		if i > 0 && f.Frame <= w.Frames[i-1].Frame {
			t.Errorf("frame %d at %#x stands below the one before, %#x", i, f.Frame, w.Frames[i-1].Frame)
		}
		if i > 0 && f.Method != Unchecked && f.Method != Scanned {
			t.Errorf("frame %d was found by %s, which the dump does not allow", i, f.Method)
		}
	}
	t.Logf("\n%s", text(w))
}

// A switched-out thread of a written XP dump, through the dump's own memory.
func TestDumpStack(t *testing.T) {
	m := dumptest.New(dumptest.XP)
	nt := m.AddModule(dumptest.Module{Name: "ntoskrnl.exe", Base: 0x804d7000, Size: 0x1f8580})
	p := m.AddProcess(dumptest.Process{ID: 0x1dc, Image: "rpclpcs.exe"})
	at := m.AddThread(p, dumptest.Thread{ID: 0x1f4, StackBase: 0xf8e28000, Kernel: 0xf8e27c4c})
	for va, v := range map[uint64]uint64{0xf8e27c54: nt + 0x56f2, 0xf8e27c58: 0xf8e27c98, 0xf8e27c98: 0xf8e27d48, 0xf8e27c9c: nt + 0x9350a, 0xf8e27d48: 0, 0xf8e27d4c: 0} {
		m.Ptr(va, v)
	}
	data := m.Dump(dumptest.BitmapKernel)
	file := filepath.Join(t.TempDir(), "x.dmp")
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	d, err := ntdump.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	th := d.Thread(at)
	if th.Err != nil {
		t.Fatal(th.Err)
	}
	pc, sp, fp, ok := SwitchedOut(d, th.Stack.Kernel)
	if !ok {
		t.Fatal("no stack")
	}
	check(t, X86(Input{Memory: d, Images: images(t, d), Limit: th.Stack.Limit, Base: th.Stack.Base, PC: pc, SP: sp, FP: fp}), `
		f8e27c98 8056a50a 0 0 0 at 804dc6f2 by context
		f8e27d48 0 0 0 0 at 8056a50a by frame pointer
		frame pointers; a return address of 0, the start of the thread`)
}
