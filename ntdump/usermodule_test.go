package ntdump

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/seed-eedd8485/lpc/ntdump/dumptest"
)

// userProfiles are the machines whose processes have modules here.
func userProfiles() []dumptest.Profile {
	xp := dumptest.XPPAE
	xp.Name, xp.Pack = "XP SP3 x86 PAE", 3
	return []dumptest.Profile{dumptest.XP, xp, dumptest.Server2003, dumptest.X64, dumptest.Win10}
}

// A userWorld is a machine with a process that has loaded three images.
type userWorld struct {
	*dumptest.Machine
	process uint64
	space   *dumptest.Space
	l       *dumptest.Loader
	want    []string
}

const userPeb = 0x7ffd9000

func newUserWorld(p dumptest.Profile) *userWorld {
	w := &userWorld{Machine: dumptest.New(p)}
	w.AddModule(dumptest.Module{Name: "ntoskrnl.exe", Size: 0x200000})
	system := w.AddProcess(dumptest.Process{ID: 4, Image: "System"})
	w.AddProcessor(w.AddThread(system, dumptest.Thread{ID: 8, State: 2}))
	w.process, w.space = w.AddProcessSpace(dumptest.Process{ID: 0x1dc, Parent: 4, Image: "rpclpcs.exe", Peb: userPeb})
	w.l = w.AddLoader(w.process, w.space)
	for _, m := range []dumptest.Module{
		{Name: "rpclpcs.exe", Base: 0x400000, Size: 0x9000, Stamp: 0x41b7c2d1, CheckSum: 0x1234, Entry: 0x401000},
		{Name: "ntdll.dll", Base: 0x7c900000, Size: 0xb0000}, {Name: "kernel32.dll", Base: 0x7c800000, Size: 0xf4000},
	} {
		w.l.Add(m)
		w.want = append(w.want, fmt.Sprintf("%s %x %x", m.Name, m.Base, m.Size))
	}
	return w
}

// list is what is read of the process's modules.
func (w *userWorld) list(t *testing.T, kind dumptest.Kind) ([]string, []Module, error) {
	t.Helper()
	list, err := read(t, w.Dump(kind)).UserModules(w.process)
	var rows []string
	for _, m := range list {
		if !m.User() {
			t.Errorf("%s is none of a process", m.Name)
		}
		rows = append(rows, fmt.Sprintf("%s %x %x", m.Name, m.Base, m.Size))
	}
	return rows, list, err
}

// links is the address of a module's links, an entry's first member.
func (w *userWorld) links(i int) uint64 { return w.l.Entries[i] }

// name is the address of a module's name, a UNICODE_STRING.
func (w *userWorld) name(i int) uint64 {
	return w.l.Entries[i] + w.Offset("_LDR_DATA_TABLE_ENTRY.BaseDllName")
}

// The modules of a process are read in load order through its own page tables.
func TestUserModules(t *testing.T) {
	for _, p := range userProfiles() {
		for _, kind := range []dumptest.Kind{dumptest.Full, dumptest.BitmapFull} {
			w := newUserWorld(p)
			// Another process has other modules at the same addresses.
			other, space := w.AddProcessSpace(dumptest.Process{ID: 0x200, Image: "other.exe", Peb: userPeb})
			w.AddLoader(other, space).Add(dumptest.Module{Name: "other.exe", Base: 0x400000, Size: 0x1000})
			rows, list, err := w.list(t, kind)
			if err != nil || !slices.Equal(rows, w.want) {
				t.Errorf("%s: %q, %v", p.Name, rows, err)
				continue
			}
			m := list[0]
			if m.Path != `C:\WINDOWS\system32\rpclpcs.exe` || m.Entry != 0x401000 || m.Stamp != 0x41b7c2d1 || m.CheckSum != 0x1234 || m.Loader != w.l.Entries[0] || m.Space.DTB != w.space.DTB || m.Err != nil {
				t.Errorf("%s: %+v", p.Name, m)
			}
			rows2, err := read(t, w.Dump(kind)).UserModules(other)
			if err != nil || len(rows2) != 1 || rows2[0].Name != "other.exe" || rows2[0].Short() != "other" {
				t.Errorf("%s: %v, %v", p.Name, rows2, err)
			}
		}
	}
}

// What a process's list may hold, each with what is read all the same and what is said
// of the rest.
func TestUserModulesDamaged(t *testing.T) {
	const far = 0x300000 // a page of the process with nothing else on it
	for _, c := range []struct {
		name string
		make func(w *userWorld)
		n    int // modules that are read
		want string
	}{
		{"no PEB", func(w *userWorld) { w.Set(w.process, "_EPROCESS.Peb", 0) }, 0, "it has no user part, its Peb is 0"},
		{"a PEB of the kernel", func(w *userWorld) { w.Set(w.process, "_EPROCESS.Peb", w.process) }, 0, "which is no address of a process"},
		{"an odd PEB", func(w *userWorld) { w.Set(w.process, "_EPROCESS.Peb", userPeb+1) }, 0, "its PEB is said to be at 0x7ffd9001, which is not a multiple of"},
		{"where the PEB is paged out", func(w *userWorld) { w.Entry(w.space, userPeb, w.PageFile(5)) }, 0, "reading its PEB: no memory at 0x7ffd90"},
		{"a paged-out PEB", func(w *userWorld) { w.Entry(w.space, userPeb, w.PageFile(5)) }, 0, ": paged out"},
		{"a PEB that was never touched", func(w *userWorld) { w.Entry(w.space, userPeb, w.DemandZero()) }, 0, "demand zero, it has no page"},
		{"no loader data", func(w *userWorld) { w.l.Set(userPeb, "_PEB.Ldr", 0) }, 0, "its PEB names no loader data: the loader had not begun"},
		{"loader data of the kernel", func(w *userWorld) { w.l.Set(userPeb, "_PEB.Ldr", w.process) }, 0, "says that the loader's data are at"},
		{"paged-out loader data", func(w *userWorld) {
			w.Entry(w.space, far, w.PageFile(5))
			w.l.Set(userPeb, "_PEB.Ldr", far)
		}, 0, "breaks off after 0 entries: no memory at 0x3000"},
		{"an ended process", func(w *userWorld) { w.Set(w.process, "_KPROCESS.DirectoryTableBase", 0) }, 0, "names no page tables"},
		{"a paged-out entry", func(w *userWorld) {
			w.Entry(w.space, far, w.PageFile(5))
			w.l.Set(w.links(1), "_LIST_ENTRY.Flink", far)
		}, 3, "breaks off after 3 entries: no memory at 0x300000: paged out; 1 were read from its end backward"},
		{"an entry paged out in part", func(w *userWorld) {
			at := uint64(far + 0xff0)
			w.PutIn(w.space, far, make([]byte, 0x1000))
			w.Entry(w.space, far+0x1000, w.PageFile(5))
			w.l.Set(at, "_LIST_ENTRY.Flink", w.links(2))
			w.l.Set(w.links(1), "_LIST_ENTRY.Flink", at)
		}, 3, "left out is the entry at 0x300ff0, which is not there as a whole: no memory at 0x301000: paged out"},
		{"a cycle", func(w *userWorld) { w.l.Set(w.links(2), "_LIST_ENTRY.Flink", w.links(0)) }, 3, "does not come back to its head: after 3 entries"},
		{"a link to itself", func(w *userWorld) { w.l.Set(w.links(0), "_LIST_ENTRY.Flink", w.links(0)) }, 3, "after 1 entries"},
		{"a link of 0", func(w *userWorld) { w.l.Set(w.links(1), "_LIST_ENTRY.Flink", 0) }, 3, "0x0 in the one at"},
		{"a link into the kernel", func(w *userWorld) { w.l.Set(w.links(1), "_LIST_ENTRY.Flink", w.process) }, 3, "is no address of a process"},
		{"an odd link", func(w *userWorld) { w.l.Set(w.links(1), "_LIST_ENTRY.Flink", w.links(2)+1) }, 3, "is not a multiple of"},
		{"a wild link", func(w *userWorld) { w.l.Set(w.links(1), "_LIST_ENTRY.Flink", 0x66660000) }, 3, "no memory at 0x66660000: not mapped"},
		{"over the kernel", func(w *userWorld) {
			w.l.Set(w.links(1), "_LDR_DATA_TABLE_ENTRY.DllBase", w.GetPtr(w.Variable("PsLoadedModuleList"))&^0xfff)
		}, 2, "left out is the entry at"},
		{"into the kernel", func(w *userWorld) {
			w.l.Set(w.links(1), "_LDR_DATA_TABLE_ENTRY.SizeOfImage", 0xfffff000)
			w.l.Set(w.links(1), "_LDR_DATA_TABLE_ENTRY.DllBase", map[int]uint64{32: 0x7c900000, 64: 0x7fff_8000_0000}[w.Bits])
		}, 2, "not within the process"},
		{"no size", func(w *userWorld) { w.l.Set(w.links(1), "_LDR_DATA_TABLE_ENTRY.SizeOfImage", 0) }, 2, "expected whole pages"},
		{"an odd base", func(w *userWorld) { w.l.Set(w.links(1), "_LDR_DATA_TABLE_ENTRY.DllBase", 0x7c900800) }, 2, "expected whole pages"},
		{"three of them", func(w *userWorld) {
			for i := range 3 {
				w.l.Set(w.links(i), "_LDR_DATA_TABLE_ENTRY.SizeOfImage", 0)
			}
		}, 0, "has 0x0 bytes: expected whole pages; and 2 more"},
		{"a gap from both sides", func(w *userWorld) {
			w.Entry(w.space, far, w.PageFile(5))
			w.l.Set(w.links(0), "_LIST_ENTRY.Flink", far)
			w.l.Set(w.links(2), "_LIST_ENTRY.Blink", far)
		}, 2, "breaks off after 2 entries: no memory at 0x300000: paged out; 1 were read from its end backward"},
		{"a cycle both ways", func(w *userWorld) {
			w.l.Set(w.links(0), "_LIST_ENTRY.Flink", w.links(0))
			w.l.Set(w.links(2), "_LIST_ENTRY.Blink", w.links(2))
		}, 2, "comes again; 1 were read from its end backward"},
		{"one, and a cycle", func(w *userWorld) {
			w.l.Set(w.links(1), "_LDR_DATA_TABLE_ENTRY.SizeOfImage", 0)
			w.l.Set(w.links(2), "_LIST_ENTRY.Flink", w.links(2))
		}, 2, "comes again; left out is the entry at"},
	} {
		for _, p := range userProfiles() {
			w := newUserWorld(p)
			c.make(w)
			rows, list, err := w.list(t, dumptest.Full)
			if err == nil || !strings.Contains(err.Error(), c.want) || len(rows) != c.n {
				t.Errorf("%s, %s: %q, %v", p.Name, c.name, rows, err)
			}
			if strings.Contains(fmt.Sprint(err), "\n") || errors.Is(err, ErrNoUserPart) != (c.name == "no PEB") {
				t.Errorf("%s, %s: %v", p.Name, c.name, err)
			}
			for _, m := range list {
				if m.Err != nil {
					t.Errorf("%s, %s: %s: %v", p.Name, c.name, m.Name, m.Err)
				}
			}
		}
	}
}

// A name that cannot be read leaves its module in the list, with the reason.
func TestUserModuleNames(t *testing.T) {
	for _, c := range []struct {
		name string
		make func(w *userWorld)
		want string
	}{
		{"64 KB", func(w *userWorld) { w.l.Set(w.name(1), "_UNICODE_STRING.Length", 0xfffe) }, "a name of 65534 bytes at"},
		{"odd length", func(w *userWorld) { w.l.Set(w.name(1), "_UNICODE_STRING.Length", 0xffff) }, "a name of 65535 bytes at"},
		{"paged out", func(w *userWorld) {
			w.Entry(w.space, 0x300000, w.PageFile(7))
			w.l.Set(w.name(1), "_UNICODE_STRING.Buffer", 0x300010)
		}, "no memory at 0x300010: paged out"},
		{"of the kernel", func(w *userWorld) { w.l.Set(w.name(1), "_UNICODE_STRING.Buffer", w.process) }, "which is no address of a process"},
		{"at 0", func(w *userWorld) { w.l.Set(w.name(1), "_UNICODE_STRING.Buffer", 0) }, "a name at 0x0, which is no address of a process"},
	} {
		for _, p := range userProfiles() {
			w := newUserWorld(p)
			c.make(w)
			rows, list, err := w.list(t, dumptest.Full)
			if err != nil || len(rows) != 3 || list[1].Name != "" || list[1].Err == nil || !strings.Contains(list[1].Err.Error(), c.want) || list[1].Base != 0x7c900000 {
				t.Errorf("%s, %s: %q, %v", p.Name, c.name, rows, err)
			}
		}
	}
	// An odd place of the text is none of the reader's concern.
	w := newUserWorld(dumptest.XP)
	w.PutIn(w.space, 0x300ff1, []byte("h\x00i\x00.\x00d\x00l\x00l\x00 \x00 \x00 \x00"))
	w.l.Set(w.name(1), "_UNICODE_STRING.Buffer", 0x300ff1)
	if rows, _, err := w.list(t, dumptest.Full); err != nil || rows[1] != "hi.dll    7c900000 b0000" {
		t.Errorf("%q, %v", rows, err)
	}
}

// A process may call its image what it likes: it is not the kernel.
func TestUserModuleIsNotTheKernel(t *testing.T) {
	w := newUserWorld(dumptest.XP)
	w.l.Unicode(w.name(0), "ntoskrnl.exe")
	_, list, err := w.list(t, dumptest.Full)
	if err != nil || list[0].Short() != "ntoskrnl" {
		t.Errorf("%v, %v", list, err)
	}
}

// The list ends at its limit.
func TestUserModulesLimit(t *testing.T) {
	w := newUserWorld(dumptest.XP)
	for i := range maxModules {
		w.l.Add(dumptest.Module{Name: "a.dll", Base: 0x10000000 + 0x1000*uint64(i), Size: 0x1000})
	}
	rows, _, err := w.list(t, dumptest.Full)
	if len(rows) != maxModules || err == nil || !strings.Contains(err.Error(), "has more than 4096 entries") {
		t.Errorf("%d modules, %v", len(rows), err)
	}
}

// Modules beyond 2 GB are a process's where the machine was started with 3 GB for them.
func TestUserModules3GB(t *testing.T) {
	w := newUserWorld(dumptest.XP)
	w.l.Add(dumptest.Module{Name: "high.dll", Base: 0x7fff0000, Size: 0x20000})
	if rows, _, err := w.list(t, dumptest.Full); len(rows) != 3 || err == nil {
		t.Errorf("%q, %v", rows, err)
	}
	w.SetVariable("MmHighestUserAddress", 0xbffeffff)
	if rows, _, err := w.list(t, dumptest.Full); len(rows) != 4 || err != nil {
		t.Errorf("%q, %v", rows, err)
	}
	w.SetVariable("MmHighestUserAddress", 0xfffeffff) // no machine's
	if rows, _, err := w.list(t, dumptest.Full); len(rows) != 3 || err == nil {
		t.Errorf("%q, %v", rows, err)
	}
}

// A process of 32 bits on x64 has two lists; what both name is listed once.
func TestUserModulesWow64(t *testing.T) {
	w := newUserWorld(dumptest.X64)
	l := w.AddWow64Loader(w.process, w.space, 0x7efde000)
	l.Add(dumptest.Module{Name: "rpclpcs.exe", Base: 0x400000, Size: 0x9000})
	l.Add(dumptest.Module{Name: "ntdll.dll", Base: 0x7d600000, Size: 0xf0000})
	rows, list, err := w.list(t, dumptest.Full)
	if err != nil || !slices.Equal(rows, append(slices.Clone(w.want), "ntdll.dll 7d600000 f0000")) || !list[3].Wow64 || list[0].Wow64 {
		t.Errorf("%q, %v", rows, err)
	}
	// What is wrong with one list does not hide the other.
	w.Entry(w.space, 0x7efde000, w.PageFile(5))
	w.l.Set(w.links(2), "_LIST_ENTRY.Flink", w.links(2))
	rows, _, err = w.list(t, dumptest.Full)
	if len(rows) != 3 || err == nil || !strings.Contains(err.Error(), "comes again; reading its 32-bit PEB: no memory at 0x7efde00c: paged out") {
		t.Errorf("%q, %v", rows, err)
	}
	w = newUserWorld(dumptest.X64)
	l = w.AddWow64Loader(w.process, w.space, 0x7efde000)
	l.Add(dumptest.Module{Name: "high.dll", Base: 0xffff0000, Size: 0x11000})
	w.Entry(w.space, userPeb, w.PageFile(5))
	if rows, _, err = w.list(t, dumptest.Full); len(rows) != 0 || err == nil || !strings.Contains(err.Error(), "paged out; left out is the entry at 0x351ec0, which says") {
		t.Errorf("%q, %v", rows, err)
	}
}

// A small dump has none of it.
func TestUserModulesTriage(t *testing.T) {
	w := newUserWorld(dumptest.XP)
	if rows, _, err := w.list(t, dumptest.Triage); rows != nil || err == nil || !strings.Contains(err.Error(), "triage dump") {
		t.Errorf("%q, %v", rows, err)
	}
}

// The bounds of a user stack are the TEB's, where they can be some.
func TestUserStack(t *testing.T) {
	const teb = 0x7ffde000
	for _, p := range userProfiles() {
		for _, c := range []struct {
			name        string
			limit, base uint64
			out         bool
			want        string
		}{
			{"fine", 0x2be000, 0x2c0000, false, ""}, {"empty", 0x2c0000, 0x2c0000, false, "which no stack does"}, {"of the kernel", 0x2be000, 1<<63 | 0x80001000, false, "which no stack does"},
			{"at 0", 0, 0x1000, false, "which no stack does"}, {"paged out", 0x2be000, 0x2c0000, true, "paged out"},
		} {
			w := newUserWorld(p)
			thread := w.AddThread(w.process, dumptest.Thread{ID: 0x1f4, State: 5, Teb: teb})
			w.l.Stack(teb, c.limit, c.base)
			if c.out {
				w.Entry(w.space, teb, w.PageFile(5))
			}
			d := read(t, w.Dump(dumptest.Full))
			limit, base, err := d.UserStack(d.Thread(thread))
			if c.want == "" && (err != nil || limit != c.limit || base != c.base) || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("%s, %s: %#x to %#x, %v", p.Name, c.name, limit, base, err)
			}
		}
	}
	d := read(t, newUserWorld(dumptest.XP).Dump(dumptest.Full))
	if _, _, err := d.UserStack(Thread{Addr: 1}); err == nil || !strings.Contains(err.Error(), "its Teb is 0") {
		t.Error(err)
	}
}

// FuzzUserModules puts bytes of all kinds where a process has its loader's data.
func FuzzUserModules(f *testing.F) {
	for i, p := range userProfiles() {
		w := newUserWorld(p)
		w.Dump(dumptest.Full)
		f.Add(uint8(i), w.l.Memory(0x251000, 0x1000))
	}
	f.Fuzz(func(t *testing.T, profile uint8, content []byte) {
		all := userProfiles()
		w := newUserWorld(all[int(profile)%len(all)])
		w.PutIn(w.space, 0x251000, content[:min(len(content), 0x1000)])
		d := read(t, w.Dump(dumptest.Full))
		list, err := d.UserModules(w.process)
		if len(list) > maxModules || err != nil && err.Error() == "" {
			t.Fatalf("%d modules, %v", len(list), err)
		}
		for _, m := range list {
			if !d.IsUser(m.Base) || !d.IsUser(m.Base+m.Size-1) || len(m.Name) > 3*maxName {
				t.Fatalf("%+v", m)
			}
		}
	})
}

// BenchmarkUserModules lists a process with 100 modules, as a large one has.
func BenchmarkUserModules(b *testing.B) {
	w := newUserWorld(dumptest.X64)
	for i := range 97 {
		w.l.Add(dumptest.Module{Name: "a module.dll", Base: 0x10000000 + 0x10000*uint64(i), Size: 0x10000})
	}
	d := read(b, w.Dump(dumptest.Full))
	for b.Loop() {
		if list, err := d.UserModules(w.process); len(list) != 100 || err != nil {
			b.Fatal(len(list), err)
		}
	}
}
