package ntdump

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-eedd8485/lpc/bin"
	"github.com/seed-eedd8485/lpc/ntdump/dumptest"
)

func read(t testing.TB, data []byte) *Dump {
	t.Helper()
	d, err := New(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// world is a machine with some of everything.
type world struct {
	*dumptest.Machine
	processes, threads []uint64
	user               uint64 // an address in the second process, with content
	content            []byte
}

func newWorld(p dumptest.Profile) *world {
	w := &world{Machine: dumptest.New(p), user: 0x10000, content: []byte("memory of one process")}
	w.AddModule(dumptest.Module{Name: "ntoskrnl.exe", Base: 0, Size: 0x1f8580, Stamp: 0x41107b0d, CheckSum: 0x1f0000, Entry: 0x1000})
	w.AddModule(dumptest.Module{Name: "hal.dll", Size: 0x20300, Stamp: 0x41107b29})
	w.AddModule(dumptest.Module{Name: "a driver with quite a long name.sys", Size: 0x3000})
	w.AddUnloaded(dumptest.Unloaded{Name: "sfloppy.sys", Start: 0xf8a00000, End: 0xf8a03000, Time: 0x1c9f3a5b2d4e600})
	w.AddUnloaded(dumptest.Unloaded{Name: "a long name indeed.sys", Start: 0xf8b00000, End: 0xf8b01000})
	for i, image := range []string{"System", "rpclpcs.exe", "fifteen letters"} {
		at, space := w.AddProcessSpace(dumptest.Process{ID: uint64(4 + 0x100*i), Parent: uint64(i), Image: image, Peb: 0x7ffd9000})
		w.processes = append(w.processes, at)
		for j := range i + 1 {
			w.threads = append(w.threads, w.AddThread(at, dumptest.Thread{ID: uint64(8 + 0x100*i + 4*j), State: 5, WaitReason: 0x10}))
		}
		if i == 1 {
			w.PutIn(space, w.user, w.content)
		}
	}
	pcr := w.AddProcessor(w.threads[0])
	_ = pcr
	return w
}

// Every kind of dump of every machine says the same.
func TestDumps(t *testing.T) {
	for _, p := range dumptest.Profiles {
		for _, kind := range append(slices.Clone(dumptest.Kinds), dumptest.Triage) {
			t.Run(fmt.Sprintf("%s/%s", p.Name, Type(kind)), func(t *testing.T) {
				w := newWorld(p)
				w.Header.Comment = "a comment"
				w.Header.Code, w.Header.Params = 0x7f, [4]uint64{8, 1, 2, 3}
				d := read(t, w.Dump(kind))
				h := d.Header()
				equal(t, "type", h.Type, Type(kind))
				equal(t, "machine", h.Machine, Machine(p.Machine))
				equal(t, "build", h.Build, p.Build)
				equal(t, "bits", h.Bits, p.Bits)
				equal(t, "PAE", h.PAE, Known{map[bool]uint64{true: 1}[p.PAE], p.Bits == 32})
				equal(t, "bug check", h.BugCheck, BugCheck{0x7f, [4]uint64{8, 1, 2, 3}, true})
				equal(t, "comment", h.Comment, "a comment")
				equal(t, "uptime", h.Uptime.String(), "1h0m0s")
				equal(t, "status", h.Status, Known{0, true})
				if notes := strings.Join(d.Notes(), "; "); notes != "" && !strings.Contains(notes, "service pack") {
					t.Errorf("notes: %s", notes)
				}
				if d.Debugger() == nil {
					t.Fatal("no debugger data")
				}
				testModules(t, d, kind == dumptest.Triage)
				if kind == dumptest.Triage {
					testTriage(t, d, w)
					return
				}
				testProcesses(t, d, w)
			})
		}
	}
}

func testModules(t *testing.T, d *Dump, small bool) {
	t.Helper()
	modules, err := d.Modules()
	if err != nil {
		t.Error(err)
	}
	var names []string
	for _, m := range modules {
		if m.Err != nil {
			t.Error(m.Err)
		}
		names = append(names, m.Name)
	}
	equal(t, "modules", strings.Join(names, "|"), "ntoskrnl.exe|hal.dll|a driver with quite a long name.sys")
	equal(t, "stamp", modules[0].Stamp, 0x41107b0d)
	equal(t, "checksum", modules[0].CheckSum, 0x1f0000)
	equal(t, "size", modules[0].Size, 0x1f8580)
	equal(t, "entry", modules[0].Entry, 0x1000)
	equal(t, "short", modules[0].Short(), "nt")
	equal(t, "contains", modules[1].Contains(modules[1].Base+0x202ff) && !modules[1].Contains(modules[1].Base+0x20300) && !modules[1].Contains(modules[1].Base-1), true)
	unloaded, err := d.UnloadedModules()
	if err != nil {
		t.Error(err)
	}
	equal(t, "unloaded", len(unloaded), 2)
	equal(t, "first unloaded", unloaded[0].Name, "sfloppy.sys")
	second := "a long name indeed.sys"
	if small {
		second = second[:12]
	}
	equal(t, "second unloaded", unloaded[1].Name, second)
	equal(t, "its start", unloaded[1].Start, 0xf8b00000)
}

func testTriage(t *testing.T, d *Dump, w *world) {
	t.Helper()
	at, ok := d.CurrentThread()
	equal(t, "current thread is known", ok, true)
	equal(t, "current thread", at, w.threads[0])
	th := d.Thread(at)
	if th.Err != nil {
		t.Error(th.Err)
	}
	equal(t, "Cid", [2]uint64{th.PID, th.TID}, [2]uint64{4, 8})
	equal(t, "stack", d.CallStack(), Range{th.Stack.Kernel, th.Stack.Base - th.Stack.Kernel})
	p := d.Process(w.processes[0])
	if p.Err != nil {
		t.Error(p.Err)
	}
	equal(t, "image", p.Image, "System")
	equal(t, "id", p.ID, 4)
}

func testProcesses(t *testing.T, d *Dump, w *world) {
	t.Helper()
	var got []string
	i := 0
	for p := range d.Processes() {
		if p.Err != nil {
			t.Error(p.Err)
			break
		}
		equal(t, "process", p.Addr, w.processes[i])
		equal(t, "parent", p.Parent, uint64(i))
		if w.Has("_EPROCESS.ThreadListHead") {
			n := 0
			for th := range d.Threads(p.Addr) {
				if th.Err != nil {
					t.Error(th.Err)
				}
				equal(t, "thread's process", th.Process, p.Addr)
				equal(t, "thread's stack", th.Stack.Size(), map[int]uint64{32: 12 << 10, 64: 24 << 10}[d.Header().Bits])
				equal(t, "state", th.State, 5)
				equal(t, "reason", th.Reason, 0x10)
				n++
			}
			equal(t, "threads", n, i+1)
		}
		got = append(got, fmt.Sprintf("%x %s", p.ID, p.Image))
		b := make([]byte, len(w.content))
		n, err := d.ReadVirtual(p.Space(), w.user, b)
		if i == 1 {
			if err != nil || !bytes.Equal(b, w.content) {
				t.Errorf("user memory: %q, %v", b[:n], err)
			}
		} else if a := (*Absent)(nil); !errors.As(err, &a) || a.Reason != NotMapped {
			t.Errorf("user memory of another process: %q, %v", b[:n], err)
		}
		i++
	}
	equal(t, "processes", strings.Join(got, "|"), "4 System|104 rpclpcs.exe|204 fifteen letters")
	at, ok := d.CurrentThread()
	equal(t, "current thread is known", ok, true)
	equal(t, "current thread", at, w.threads[0])
	// Physical memory walks give each page once, in order.
	end, pages := uint64(0), uint64(0)
	for r, err := range d.Physical() {
		if err != nil {
			t.Fatal(err)
		}
		if r.Addr < end {
			t.Errorf("stretch at %#x comes after %#x", r.Addr, end)
		}
		end, pages = r.Addr+r.Size, pages+r.Size/pageBytes
		b := []byte{0}
		if _, err := d.ReadPhysical(end-1, b); err != nil {
			t.Error(err)
		}
	}
	equal(t, "pages", pages, d.Pages())
}

// Files that are something else, and dumps that are not read: one sentence each.
func TestNotDumps(t *testing.T) {
	wide := func(kind dumptest.Kind) string { return string(dumptest.New(dumptest.Win10).Dump(kind)) }
	for _, c := range []struct{ data, want string }{
		{"", "not a Windows kernel dump: the file is empty"},
		{"MDMP\x93\xa7\x00\x00", "not a Windows kernel dump: it is a minidump of a Windows user process; expected a kernel dump (open it with a user-mode debugger)"},
		{"PK\x03\x04\x14\x00\x00\x00", "not a Windows kernel dump: it is a zip archive; unpack the dump first"},
		{"\x7fELF\x02\x01\x01\x00", "not a Windows kernel dump: it is an ELF file; a core file of a Linux process is opened as such"},
		{"PAGE", "not a Windows kernel dump: it is a Windows page file or a dump that was not finished; expected the signature PAGEDUMP or PAGEDU64"},
		{"PAGEDU32", "not a Windows kernel dump: it is a Windows kernel dump whose signature is damaged; expected PAGEDUMP or PAGEDU64"},
		{"abc", "not a Windows kernel dump: the file has 3 bytes, expected a header of 4096"},
		{"something else", `not a Windows kernel dump: it starts with "somethin", expected PAGEDUMP or PAGEDU64`},
		{strings.Repeat("\x00", 100), "not a Windows kernel dump: it starts with zeros, expected PAGEDUMP or PAGEDU64"},
		{"PAGEDUMP", "reading 32-bit dump header of dump at offset 0x0: 4096 bytes expected, 8 left"},
		{"PAGEDU64", "reading 64-bit dump header of dump at offset 0x0: 8192 bytes expected, 8 left"},
		{wide(8), "a kind of dump that is not read: kernel memory (RDMP); full, kernel, bitmap and small dumps are read"},
		{wide(77), "a kind of dump that is not read: type 0x4d; full, kernel, bitmap and small dumps are read"},
		{wide(dumptest.BitmapFull)[:0x2000], "reading signature of bitmap header at offset 0x2000: 8 bytes expected, 0 left"},
	} {
		_, err := New(strings.NewReader(c.data), int64(len(c.data)))
		if err == nil || err.Error() != c.want {
			t.Errorf("%.12q: got %v, want %s", c.data, err, c.want)
		}
	}
}

// Open maps, tells the path, and refuses what is no file.
func TestOpen(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "x.dmp")
	if err := os.WriteFile(path, []byte("hello, world"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Open(path)
	if !errors.Is(err, ErrNotDump) || !strings.HasPrefix(err.Error(), "opening dump "+path+": not a Windows kernel dump") {
		t.Errorf("got %v", err)
	}
	if _, err := Open(dir); err == nil || err.Error() != "opening dump: "+dir+" is a directory, expected a dump file" {
		t.Errorf("got %v", err)
	}
	if _, err := Open(filepath.Join(dir, "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
	if err := os.WriteFile(path, newWorld(dumptest.XP).Dump(dumptest.Full), 0o600); err != nil {
		t.Fatal(err)
	}
	d := open(t, path)
	equal(t, "build", d.Header().Build, 2600)
}

// A file that is cut while it is mapped ends in an error and not in the process's
// death.
func TestFileCutWhileOpen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.dmp")
	w := newWorld(dumptest.XP)
	if err := os.WriteFile(path, w.Dump(dumptest.Full), 0o600); err != nil {
		t.Fatal(err)
	}
	d := open(t, path)
	if err := os.Truncate(path, 0x2000); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 16)
	if _, err := d.ReadMemory(w.processes[0], b); err == nil || !bytes.Equal(b, make([]byte, 16)) {
		t.Errorf("%x, %v", b, err)
	}
}

// A source that fails is an error, not absent memory.
func TestSourceFails(t *testing.T) {
	data := newWorld(dumptest.XP).Dump(dumptest.Full)
	broken := errors.New("input/output error")
	src := &flaky{r: bytes.NewReader(data), err: broken}
	d, err := New(src, int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	src.on = true
	var absent *Absent
	if _, err := d.ReadMemory(d.Header().Modules, make([]byte, 4)); !errors.Is(err, broken) || errors.As(err, &absent) {
		t.Errorf("got %v", err)
	}
	if _, err := d.Modules(); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
	var e *bin.Error
	if _, err := New(src, int64(len(data))); !errors.As(err, &e) || !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
}

type flaky struct {
	r   io.ReaderAt
	err error
	on  bool
}

func (f *flaky) ReadAt(p []byte, off int64) (int, error) {
	if f.on {
		return 0, f.err
	}
	return f.r.ReadAt(p, off)
}
