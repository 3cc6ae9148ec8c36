package memimage

import (
	"bytes"
	"context"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/seed-eedd8485/lpc/internal/needs"
	"github.com/seed-eedd8485/lpc/internal/proctest"
	nt "github.com/seed-eedd8485/lpc/ntdump"
	"github.com/seed-eedd8485/lpc/ntdump/dumptest"
	"github.com/seed-eedd8485/lpc/target"
	"github.com/seed-eedd8485/lpc/target/disk"
	"github.com/seed-eedd8485/lpc/target/elfcore"
	"github.com/seed-eedd8485/lpc/target/elffile"
	"github.com/seed-eedd8485/lpc/target/ntdump"
	"github.com/seed-eedd8485/lpc/target/snapshot"
)

// formats are in the order in which lpc kd asks them.
var formats = target.Formats{snapshot.Format, ELF, elfcore.Format, ntdump.Format, disk.Format, Raw}

// labs are the builds' texts by profile.
var labs = map[string]string{
	dumptest.XP.Name: "2600.xpsp_sp3_gdr.101209-1647", dumptest.XPPAE.Name: "2600.xpsp_sp2_gdr.100216-1441",
	dumptest.Server2003.Name: "3790.srv03_sp2_gdr.101019-0340", dumptest.X64.Name: "3790.srv03_sp2_rtm.070216-1710",
	dumptest.Win10.Name: "19041.1.amd64fre.vb_release.191206-1406",
}

// A world is a machine with two processes and a thread.
type world struct {
	*dumptest.Machine
	system, server uint64
	space          *dumptest.Space
	user           *dumptest.Space
	thread         uint64
}

func newWorld(p dumptest.Profile) *world {
	w := &world{Machine: dumptest.New(p)}
	w.AddModule(dumptest.Module{Name: "ntoskrnl.exe", Size: 0x200000})
	w.AddModule(dumptest.Module{Name: "hal.dll", Size: 0x20000})
	w.system, w.space = w.AddProcessSpace(dumptest.Process{ID: 4, Image: "System"})
	w.server, w.user = w.AddProcessSpace(dumptest.Process{ID: 0x1dc, Parent: 4, Image: "server.exe"})
	w.PutIn(w.user, 0x10000, []byte("server"))
	w.thread = w.AddThread(w.system, dumptest.Thread{ID: 8, State: 2})
	w.AddProcessor(w.thread)
	w.LabelBuild(labs[p.Name])
	return w
}

// cpu is a processor that runs in a process.
func (w *world) cpu(s *dumptest.Space) dumptest.CPU {
	return dumptest.CPU{"rax": 0x1111, "rip": 0xfffff80001234567, "rsp": 0xfffffadf90001000, "rbp": 0x5555, "r15": 0xf15, "rflags": 0x246,
		"cs": 0x10, "ss": 0x18, "cr0": 0x80050033, "cr3": s.DTB | 0x18, "cr4": 0x6f8, "efer": 0xd01}
}

// write puts an image into a file.
func write(t testing.TB, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func open2(t testing.TB, path string) *ntdump.Target {
	t.Helper()
	tg, err := formats.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tg.Close() })
	w, ok := tg.(*ntdump.Target)
	if !ok {
		t.Fatalf("%s was opened as %s", path, tg.Describe())
	}
	return w
}

// images are the forms of a machine's memory.
func (w *world) images() map[string][]byte {
	small := w.Raw()
	raw := make([]byte, max(len(small), minRaw)) // a machine has more memory than a test writes
	copy(raw, small)
	return map[string][]byte{
		"raw": raw, "qemu": w.QEMU(w.cpu(w.user), w.cpu(w.space)), "qemu without notes": w.QEMU(), "virtualbox": w.VirtualBox(w.cpu(w.user)),
	}
}

// Every form of every machine is found to be what it is: its tables, its debugger
// data, its build, its lists, and the memory of a process.
func TestImages(t *testing.T) {
	for _, p := range dumptest.Profiles {
		w := newWorld(p)
		full, err := nt.New(bytes.NewReader(w.Dump(dumptest.Full)), int64(len(w.Dump(dumptest.Full))))
		if err != nil {
			t.Fatal(err)
		}
		for form, data := range w.images() {
			t.Run(p.Name+" "+form, func(t *testing.T) {
				tg := open2(t, write(t, "image", data))
				d := tg.Dump()
				h := d.Header()
				if h.Type != nt.MemoryImage || h.Bits != p.Bits || uint32(h.Machine) != p.Machine || h.Build != p.Build || (h.PAE.Value == 1) != p.PAE {
					t.Errorf("found %d bits, %s, build %d, PAE %v", h.Bits, h.Machine, h.Build, h.PAE)
				}
				if h.DTB != w.space.DTB {
					t.Errorf("page tables at %#x, want System's at %#x", h.DTB, w.space.DTB)
				}
				if h.Debugger != w.DebuggerData() || h.Modules != full.Header().Modules || h.Processes != full.Header().Processes || h.CPUs != 1 {
					t.Errorf("debugger data %#x, modules %#x, processes %#x, %d processors", h.Debugger, h.Modules, h.Processes, h.CPUs)
				}
				if !h.Time.Equal(full.Header().Time) || h.Uptime != full.Header().Uptime || h.Product.Value != 1 || h.Suite.Value != 0x110 {
					t.Errorf("time %s, up %s, product %v, suite %v", h.Time, h.Uptime, h.Product, h.Suite)
				}
				list, err := d.Modules()
				if err != nil || len(list) != 2 || list[0].Name != "ntoskrnl.exe" {
					t.Errorf("modules %v, %v", list, err)
				}
				// The built-in types belong to the build and its service pack; Windows 10
				// has none for the list of processes.
				if p.Build < 6000 {
					var names []string
					for q := range tg.Processes() {
						names = append(names, q.Image)
					}
					if !slices.Equal(names, []string{"System", "server.exe"}) {
						t.Errorf("processes %q", names)
					}
					if err := tg.Use(w.server); err != nil {
						t.Fatal(err)
					}
					b := make([]byte, 6)
					if _, err := tg.ReadMemory(0x10000, b); err != nil || string(b) != "server" {
						t.Errorf("the process's memory: %q, %v", b, err)
					}
				}
				for _, c := range []target.Capability{target.Modules, target.PageTables, target.Physical, target.Stacks} {
					if why := tg.Lacks(c); why != "" {
						t.Errorf("lacks %d: %s", c, why)
					}
				}
			})
		}
	}
}

// The registers that a hypervisor noted are those of the processor, in the machine's
// width.
func TestRegisters(t *testing.T) {
	for _, p := range []dumptest.Profile{dumptest.XPPAE, dumptest.X64} {
		w := newWorld(p)
		c := w.cpu(w.user)
		prefix, mask := "r", ^uint64(0)
		if p.Bits == 32 {
			prefix, mask = "e", 0xffffffff
			delete(c, "efer")
		}
		for form, data := range map[string][]byte{"qemu": w.QEMU(c, w.cpu(w.space)), "virtualbox": w.VirtualBox(c)} {
			d := open2(t, write(t, "image", data)).Dump()
			r, err := d.ProcessorContext(0)
			if err != nil {
				t.Fatal(err)
			}
			for name, want := range map[string]uint64{prefix + "ax": 0x1111, prefix + "ip": c["rip"] & mask, prefix + "sp": c["rsp"] & mask, prefix + "bp": 0x5555, "efl": 0x246, "cs": 0x10, "ss": 0x18} {
				if v, ok := r.Get(name); v != want || !ok {
					t.Errorf("%s %s: %s is %#x, %v; want %#x", p.Name, form, name, v, ok, want)
				}
			}
			if v, ok := r.Get("r15"); ok != (p.Bits == 64) || ok && v != 0xf15 {
				t.Errorf("%s %s: r15 is %#x, %v", p.Name, form, v, ok)
			}
		}
	}
}

// A note of a version that is not known, and one that ends early, give no registers;
// the memory is read all the same.
func TestOddNotes(t *testing.T) {
	w := newWorld(dumptest.XP)
	q, v := w.QEMU(w.cpu(w.user)), w.VirtualBox(w.cpu(w.user))
	version := bytes.Index(q, []byte("QEMU\x00"))
	q[version+8] = 2
	box := bytes.Index(v, []byte("\xde\xc0\x1a\xc0"))
	v[box+4] = 3
	magic := bytes.Clone(v)
	magic[box] = 0
	for name, data := range map[string][]byte{"qemu": q, "virtualbox": v, "no magic": magic} {
		d := open2(t, write(t, "image", data)).Dump()
		if r, err := d.ProcessorContext(0); err == nil && strings.Contains(r.From, "saved") {
			t.Errorf("%s: %+v", name, r)
		}
	}
}

// What readelf and file say of the written images.
func TestAgainstTools(t *testing.T) {
	w := newWorld(dumptest.X64)
	x86 := newWorld(dumptest.XP)
	for _, c := range []struct {
		name       string
		data       []byte
		file, says string
	}{
		{"qemu", w.QEMU(w.cpu(w.user)), "ELF 64-bit LSB core file, x86-64", "QEMU"},
		{"qemu32", x86.QEMU(x86.cpu(x86.user)), "ELF 32-bit LSB core file, Intel 80386", "QEMU"},
		{"virtualbox", w.VirtualBox(w.cpu(w.user)), "ELF 64-bit LSB core file, x86-64", "VBCORE"},
	} {
		path := write(t, c.name, c.data)
		if text := tool(t, "file", "file", "-b", path); !strings.Contains(text, c.file) {
			t.Errorf("%s: file says %s", c.name, text)
		}
		text := tool(t, "readelf", "binutils", "-W", "-h", "-l", "-n", path)
		if !strings.Contains(text, c.says) || !strings.Contains(text, "LOAD") || strings.Contains(text, "Warning") || strings.Contains(text, "Error") {
			t.Errorf("%s: readelf says\n%s", c.name, text)
		}
		im, err := readELF(path)
		if err != nil {
			t.Fatal(err)
		}
		loads := 0
		for _, line := range strings.Split(text, "\n") {
			if f := strings.Fields(line); len(f) > 4 && f[0] == "LOAD" && f[4] != "0x000000" {
				loads++
			}
		}
		if loads != len(im.Extents) {
			t.Errorf("%s: %d extents, readelf has %d\n%s", c.name, len(im.Extents), loads, text)
		}
	}
}

// tool runs a program and returns what it prints.
func tool(t testing.TB, name, pkg string, args ...string) string {
	t.Helper()
	out, err := exec.Command(needs.Tool(t, name, pkg), args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
	return string(out)
}

// A file of a terabyte with nothing in it but holes is searched at once, and one whose
// kernel stands behind a hole is found. Were the holes read, the watchdog would end
// this.
func TestSparse(t *testing.T) {
	proctest.Watchdog(t, 2*time.Minute)
	path := write(t, "sparse", nil)
	if err := os.Truncate(path, 1<<40); err != nil {
		needs.Missing(t, "the file system has no sparse files of a terabyte: %v", err)
	}
	if _, err := formats.Open(path); err == nil || !strings.Contains(err.Error(), "of 268435456 pages, 0 can be the root") {
		t.Errorf("%v", err)
	}
	// The machine's memory from address 0 on, the tables and lists of which are named
	// by the image of a second file only: behind a hole.
	w := newWorld(dumptest.X64)
	raw := w.Raw()
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	const far = 512 << 30
	if _, err := f.WriteAt(raw, far); err != nil {
		t.Fatal(err)
	}
	d, err := nt.OpenImage(context.Background(), path, nt.Image{Kind: "test", Extents: []nt.Extent{{Addr: 1 << 40, Size: far - 1<<20, Offset: 0}, {Addr: 0, Size: uint64(len(raw)), Offset: far}}})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if d.Header().Build != 3790 {
		t.Errorf("build %d", d.Header().Build)
	}
}

// A block that is linked into no list is found by its place in the kernel's image, and
// one that lies in the first bytes of a page too; one that no table maps is not.
func TestUnlinkedBlock(t *testing.T) {
	for _, p := range dumptest.Profiles {
		w := newWorld(p)
		raw := w.images()["raw"]
		tag := bytes.Index(raw, []byte("KDBG"))
		clear(raw[tag-0x10 : tag])
		d := open2(t, write(t, "image", raw)).Dump()
		if d.Header().Debugger != w.DebuggerData() {
			t.Errorf("%s: %#x, want %#x", p.Name, d.Header().Debugger, w.DebuggerData())
		}
		base := bytes.Index(raw[tag:], raw[tag+8:tag+16]) + tag // the kernel's base
		copy(raw[base:], []byte{0, 0, 0, 0x90})
		if _, err := formats.Open(write(t, "image", raw)); err == nil || !strings.Contains(err.Error(), "none of the blocks is reached through any of the tables") {
			t.Errorf("%s: %v", p.Name, err)
		}
	}
}

// Ctrl-C ends the search.
func TestInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	raw := make([]byte, 1<<20)
	if _, err := nt.NewImage(ctx, bytes.NewReader(raw), int64(len(raw)), nt.Image{Extents: []nt.Extent{{Size: uint64(len(raw))}}}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// What is no Windows machine is said to be none, with what was found.
func TestRefused(t *testing.T) {
	w := newWorld(dumptest.X64)
	raw := w.images()["raw"]
	encoded := bytes.Replace(raw, []byte("KDBG"), []byte("\x11\x22\x33\x44"), 1)
	zero := make([]byte, 2<<20)
	other := w.QEMU(w.cpu(w.user))
	other[18] = 183 // EM_AARCH64
	foreign := bytes.Replace(w.QEMU(w.cpu(w.user)), []byte("QEMU\x00"), []byte("Xen\x00\x00"), -1)
	twice := pages(t, w.QEMU()) // a header for notes, then one for each page
	copy(twice[64+56*2+8:][:8], twice[64+56*1+8:])
	moved := append(make([]byte, 0x80000), raw...) // no table names itself any more
	for _, c := range []struct {
		name string
		data []byte
		want string
	}{
		{"zeros", zero, "0 can be the root of page tables and 0 hold the tag of a debugger data block: this is not the memory"},
		{"encoded", encoded, "and 0 hold the tag of a debugger data block: Windows 8 and later for x64 keep that block encoded"},
		{"moved", moved, "0 can be the root of page tables and 1 hold the tag of a debugger data block, and none of the blocks is reached"},
		{"other machine", other, "it is of a machine of type EM_AARCH64, expected x86 or x86-64"},
		{"xen", foreign, "it is a dump by Xen, whose memory stands in sections that are not read"},
		{"one page at two addresses", twice, "are said to be the memory at 0x"},
		{"small", raw[:minRaw-1], "disk image or sector 0; and "},
		{"nothing but a header", w.QEMU(w.cpu(w.user))[:0x200], "no Windows kernel was found in the memory"},
	} {
		_, err := formats.Open(write(t, "image", c.data))
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v\nwant %s", c.name, err, c.want)
		}
	}
	if _, err := OpenRaw(write(t, "image", zero)); !errors.Is(err, nt.ErrNoKernel) {
		t.Errorf("%v is no ErrNoKernel", err)
	}
	if _, err := OpenELF(filepath.Join(t.TempDir(), "none")); err == nil || !strings.Contains(err.Error(), "no such file") {
		t.Error(err)
	}
}

// pages is an image of 64 bits with two program headers for each page of its memory, as
// QEMU writes one by virtual addresses: more than the first bytes hold.
func pages(t *testing.T, image []byte) []byte {
	t.Helper()
	f, err := elffile.Read(bytes.NewReader(image), int64(len(image)))
	if err != nil {
		t.Fatal(err)
	}
	var loads []elffile.Segment
	for _, s := range f.Loads {
		for at := uint64(0); at < s.Size; at += 0x1000 {
			loads = append(loads, elffile.Segment{Phys: s.Phys + at, Size: 0x1000, Filed: 0x1000, Off: s.Off + at})
		}
	}
	le := binary.LittleEndian
	shift := uint64(64 + 56*(len(f.Notes)+2*len(loads))) // the image stands behind the new headers
	out := bytes.Clone(image[:64])
	le.PutUint16(out[56:], uint16(len(f.Notes)+2*len(loads)))
	add := func(typ elf.ProgType, list []elffile.Segment) {
		for _, s := range list {
			out = le.AppendUint64(out, uint64(typ))
			for _, v := range []uint64{s.Off + shift, s.Addr, s.Phys, s.Filed, s.Size, 1} {
				out = le.AppendUint64(out, v)
			}
		}
	}
	add(elf.PT_NOTE, f.Notes)
	add(elf.PT_LOAD, loads)
	add(elf.PT_LOAD, loads)
	if len(out) <= target.HeadSize {
		t.Fatalf("the headers have %d bytes, which the first %d hold", len(out), target.HeadSize)
	}
	return append(out, image...)
}

// A core of a Linux process is none of a machine, whatever notes it has; an image with
// so many processors that their notes are behind the first bytes is still one.
func TestMatch(t *testing.T) {
	w := newWorld(dumptest.X64)
	head := func(b []byte) []byte { return b[:min(len(b), target.HeadSize)] }
	cpus := slices.Repeat([]dumptest.CPU{w.cpu(w.user)}, 64)
	for name, b := range map[string][]byte{"qemu": w.QEMU(), "one processor": w.QEMU(w.cpu(w.user)), "many": w.QEMU(cpus...), "virtualbox": w.VirtualBox(cpus...)} {
		if !ELF.Match(head(b)) {
			t.Errorf("%s is not matched", name)
		}
		if name == "many" {
			if d := open2(t, write(t, "image", b)).Dump(); d.Header().CPUs != 1 {
				t.Errorf("%d processors", d.Header().CPUs)
			}
		}
	}
	for name, b := range map[string][]byte{"no processor": pages(t, w.QEMU()), "one": pages(t, w.QEMU(cpus[0]))} {
		if !ELF.Match(head(b)) {
			t.Errorf("%s, a header for each page: not matched", name)
		}
		if d := open2(t, write(t, "image", b)).Dump(); d.Header().Build != 3790 {
			t.Errorf("%s, a header for each page: build %d", name, d.Header().Build)
		}
	}
	for _, b := range [][]byte{nil, []byte("\x7fELF"), make([]byte, 4096), w.Dump(dumptest.Full)[:4096]} {
		if ELF.Match(b) {
			t.Errorf("% x is matched", b[:min(len(b), 8)])
		}
	}
	// A real core, of a process that sleeps, with all its mappings.
	gcore := needs.Tool(t, "gcore", "gdb")
	sleep := exec.Command("sleep", "600")
	if err := sleep.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = sleep.Process.Kill(); _ = sleep.Wait() }()
	prefix := filepath.Join(t.TempDir(), "core")
	if out, err := exec.Command(gcore, "-o", prefix, strconv.Itoa(sleep.Process.Pid)).CombinedOutput(); err != nil {
		t.Fatalf("gcore: %v\n%s", err, out)
	}
	core := fmt.Sprintf("%s.%d", prefix, sleep.Process.Pid)
	b, err := os.ReadFile(core)
	if err != nil || ELF.Match(head(b)) {
		t.Errorf("a process's core is matched, %v", err)
	}
	if _, err := formats.Open(core); err == nil || !strings.Contains(err.Error(), "(sleep) has no pool in it") {
		t.Errorf("a process's core: %v", err)
	}
	own, err := os.ReadFile("/proc/self/exe")
	if err == nil && ELF.Match(head(own)) {
		t.Error("a program is matched")
	}
}

// Whatever bytes stand in an image, it is opened or refused, with bounded work.
func FuzzELF(f *testing.F) {
	w := newWorld(dumptest.XP)
	f.Add(w.QEMU(w.cpu(w.user)))
	f.Add(w.VirtualBox(w.cpu(w.user)))
	f.Fuzz(func(t *testing.T, data []byte) {
		ELF.Match(data[:min(len(data), target.HeadSize)])
		path := filepath.Join(t.TempDir(), "image")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		tg, err := OpenELF(path)
		if err != nil {
			return
		}
		defer tg.Close()
		use(tg)
	})
}

// FuzzRaw changes words of a machine's memory: tables, lists, the debugger data.
func FuzzRaw(f *testing.F) {
	w := newWorld(dumptest.XPPAE)
	raw := w.Raw()
	f.Add(uint32(0x10000), []byte{1, 2, 3, 4}, uint32(0), []byte{0xff})
	f.Fuzz(func(t *testing.T, at uint32, b []byte, at2 uint32, b2 []byte) {
		data := bytes.Clone(raw)
		copy(data[int(at)%len(data):], b)
		copy(data[int(at2)%len(data):], b2)
		d, err := nt.NewImage(context.Background(), bytes.NewReader(data), int64(len(data)), nt.Image{Kind: "raw", Extents: []nt.Extent{{Size: uint64(len(data))}}})
		if err != nil {
			return
		}
		use(ntdump.New(d))
	})
}

// use asks what commands ask.
func use(tg *ntdump.Target) {
	_, _ = tg.Dump().Modules()
	for range tg.Threads(0) {
	}
	_, _ = tg.Dump().ProcessorContext(0)
	_, _ = tg.ReadMemory(tg.Dump().Header().Modules, make([]byte, 64))
	_ = tg.Describe()
	tg.Ticks()
}
