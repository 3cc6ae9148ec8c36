package kd_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/bits"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-eedd8485/lpc/internal/llvmtest"
	"github.com/seed-eedd8485/lpc/internal/needs"
	"github.com/seed-eedd8485/lpc/isf"
	"github.com/seed-eedd8485/lpc/isf/pdb"
	"github.com/seed-eedd8485/lpc/ntdump/dumptest"
)

// A symScene is a machine whose kernel and driver are images that LLVM's linker made.
type symScene struct {
	*dumptest.Machine
	kernel, greedy *llvmtest.Image
	nt, driver     uint64 // bases
	thread         uint64
	symbols        string // a directory of the symbol server's shape
}

// llvmArch is the architecture of a profile by LLVM's name.
func llvmArch(p dumptest.Profile) string {
	if p.Bits == 64 {
		return "x86_64"
	}
	return "i686"
}

func newSymScene(t *testing.T, p dumptest.Profile) *symScene {
	s := &symScene{Machine: dumptest.New(p), nt: 0x80800000, driver: 0xf8a00000, symbols: t.TempDir()}
	if p.Bits == 64 {
		s.nt, s.driver = 0xfffff80001800000, 0xfffff98001200000
	}
	arch := llvmArch(p)
	s.kernel = llvmtest.Link(t, arch, "testdata/symbols/kernel.c", "ntoskrnl.exe", s.nt)
	s.greedy = llvmtest.Link(t, arch, "testdata/symbols/greedy.c", "greedy.sys", s.driver)
	for base, im := range map[uint64]*llvmtest.Image{s.nt: s.kernel, s.driver: s.greedy} {
		s.Put(base, im.Memory)
		fileDatabase(t, s.symbols, im)
	}
	s.AddModule(dumptest.Module{Name: "ntoskrnl.exe", Base: s.nt, Size: s.kernel.Size, Stamp: s.kernel.Stamp})
	s.AddModule(dumptest.Module{Name: "greedy.sys", Base: s.driver, Size: s.greedy.Size, Stamp: s.greedy.Stamp})
	s.AddModule(dumptest.Module{Name: "bare.sys", Size: 0x4000})
	process := s.AddProcess(dumptest.Process{ID: 4, Image: "System"})
	s.thread = s.AddThread(process, dumptest.Thread{ID: 0x10c, State: 5})
	s.AddProcessor(s.thread)
	return s
}

// fileDatabase puts an image's database into a directory as a symbol server does, by what
// llvm-pdbutil says of it.
func fileDatabase(t *testing.T, dir string, im *llvmtest.Image) {
	t.Helper()
	data, err := os.ReadFile(im.PDB)
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Base(im.PDB)
	at := filepath.Join(dir, name, identity(t, im.PDB), name)
	if err := os.MkdirAll(filepath.Dir(at), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(at, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// identity is GUID and age of a database as they stand in a path.
func identity(t *testing.T, path string) string {
	t.Helper()
	text := llvmtest.Run(t, "", needs.Tool(t, "llvm-pdbutil", "llvm"), "dump", "--summary", path)
	guid, age := "", 0
	for _, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if g, ok := strings.CutPrefix(line, "GUID: {"); ok {
			guid = strings.ReplaceAll(strings.TrimSuffix(g, "}"), "-", "")
		}
		if a, ok := strings.CutPrefix(line, "Age: "); ok && age == 0 {
			if _, err := fmt.Sscan(a, &age); err != nil {
				t.Fatal(err)
			}
		}
	}
	if len(guid) != 32 || age == 0 {
		t.Fatalf("llvm-pdbutil names no GUID and age:\n%s", text)
	}
	return fmt.Sprintf("%s%X", strings.ToUpper(guid), age)
}

// rva is where a C function or variable stands, by the linker's map.
func (s *symScene) rva(t *testing.T, im *llvmtest.Image, name string) uint64 {
	t.Helper()
	if s.Bits == 32 {
		name = "_" + name
	}
	at, ok := im.Symbols[name]
	if !ok {
		t.Fatalf("the linker's map does not name %s", name)
	}
	return at
}

// behindCall is the address behind the first call in a function, and how far into it.
func (s *symScene) behindCall(t *testing.T, function string) (rva, off uint64) {
	t.Helper()
	start := s.rva(t, s.kernel, function)
	i := bytes.IndexByte(s.kernel.Memory[start:start+0x40], 0xe8)
	if i < 0 {
		t.Fatalf("%s calls nothing", function)
	}
	return start + uint64(i) + 5, uint64(i) + 5
}

// Names of code and globals, structures and the instructions' targets come from the
// PDB files that belong to the modules, found by what the dump itself says of them.
func TestSympath(t *testing.T) {
	for _, p := range []dumptest.Profile{dumptest.XP, dumptest.XPPAE, dumptest.X64, dumptest.Win10} {
		t.Run(p.Name, func(t *testing.T) {
			s := newSymScene(t, p)
			swap, wait := s.rva(t, s.kernel, "KiSwapThread"), s.rva(t, s.kernel, "KeWaitForSingleObject")
			inWait, offWait := s.behindCall(t, "KeWaitForSingleObject")
			marker, taken := s.rva(t, s.kernel, "Marker"), s.rva(t, s.greedy, "Taken")
			allocate := s.rva(t, s.greedy, "GreedyAllocate")
			at := func(v uint64) string { // as Session.long writes it
				if s.Bits == 32 {
					return f("%08x", v)
				}
				return f("%08x`%08x", v>>32, uint32(v))
			}
			ptr, link, state := "Ptr32", "+0x004", "+0x00c"
			if s.Bits == 64 {
				ptr, link, state = "Ptr64", "+0x008", "+0x018"
			}
			stack := s.GetPtr(s.thread+s.Offset("_KTHREAD.StackBase")) - 0x400
			s.Ptr(stack, s.nt+inWait)
			s.Ptr(stack+uint64(s.Pointer()), s.driver+allocate+2)
			s.Ptr(stack+2*uint64(s.Pointer()), s.nt+marker)
			text := transcript(t, openDump(t, s.Dump(dumptest.Full)),
				"lm", f("ln %x", s.nt+inWait), // before
				f(".sympath %s", s.symbols), "lm", "lm m greedy", "lm m bare",
				f("ln %x", s.nt+inWait), "ln nt!KiSwapThread", "ln greedy!Taken", "ln bare+10",
				f("dps %x L3", stack), "u nt!KeWaitForSingleObject L6", f("k = 0 %x nt!KiSwapThread 1", stack),
				"dt nt!_MARKER", "dt nt!_MARKER nt!Marker", "dt greedy!_GREEDY_EXTENSION greedy!Extension", "dt bare!_X",
				"dd nt!MmTotalFreeSystemPtes L1", ".isf", ".sympath -", f("ln %x", s.nt+inWait))
			for _, want := range []string{
				f("ln: %s is in nt, which has no symbols: no symbol directory is set; .sympath DIR sets it", strings.ReplaceAll(at(s.nt+inWait), "`", "")),
				f("Symbol search path is: %s\nnt: %s", s.symbols, filepath.Join(s.symbols, "ntoskrnl.pdb")),
				f("%s %s   greedy     (deferred)", at(s.driver), at(s.driver+s.greedy.Size)),
				f("greedy     (symbols: %s", filepath.Join(s.symbols, "greedy.pdb")),
				"bare       (no symbols)",
				f("(%s)   nt!KeWaitForSingleObject+0x%x   |  (", at(s.nt+wait), offWait),
				f("(%s)   nt!KiSwapThread   |  (", at(s.nt+swap)), "Exact matches:\n    nt!KiSwapThread\n",
				f("(%s)   greedy!Taken", at(s.driver+taken)),
				"is in bare, which has no symbols: which symbol file it has is not known: reading the image's DOS header: no memory at",
				f("%s nt!KeWaitForSingleObject+0x%x\n", unitTextOf(s, s.nt+inWait), offWait),
				f("%s greedy!GreedyAllocate+0x2\n", unitTextOf(s, s.driver+allocate+2)),
				f("%s nt!Marker", unitTextOf(s, s.nt+marker)),
				"nt!KeWaitForSingleObject:\n" + at(s.nt+wait) + " ",
				f("call    nt!KiSwapThread (%s)\n", at(s.nt+swap)),
				" nt!KiSwapThread [context]\n", f("[nt!Sink (%s)]", at(s.nt+s.rva(t, s.kernel, "Sink"))),
				f("   +0x000 Magic                : Uint4B\n   %s Links                : _LIST_ENTRY\n", link),
				": Pos 0, 3 Bits\n", ": " + ptr + "     void \n",
				"   +0x000 Magic            : 0x4b4d5244\n", "   " + state + " State            : 0y0\n",
				": 0x3c2cf\n", `: [8] UChar "greedy"`,
				"dt: there are no types for bare: which symbol file",
				"000004d2\n", // 1234
				"Types: " + filepath.Join(s.symbols, "ntoskrnl.pdb"),
				"Symbol search path is: (empty)\n",
			} {
				if !strings.Contains(text, want) {
					t.Errorf("no %q", want)
				}
			}
			if strings.Contains(text, "KiSwapThread (nearest)") || strings.Contains(text, "(nearest)   |") {
				t.Errorf("a function whose end is known is called the nearest")
			}
			if t.Failed() {
				t.Logf("%s", text)
			}
		})
	}
}

// unitTextOf is a pointer as dps shows it.
func unitTextOf(s *symScene, v uint64) string {
	if s.Bits == 32 {
		return f("%08x", v)
	}
	return f("%08x`%08x", v>>32, uint32(v))
}

// A database of another build is refused by name; an ISF file of the very build
// serves as well; a module whose pages are not in the dump is found by its image.
func TestSympathIdentity(t *testing.T) {
	s := newSymScene(t, dumptest.XP)
	tg := openDump(t, s.Dump(dumptest.Full))
	id := identity(t, s.kernel.PDB)

	wrong := t.TempDir()
	other := llvmtest.Link(t, "i686", "testdata/symbols/greedy.c", "ntoskrnl.exe", s.nt)
	path := filepath.Join(wrong, "ntoskrnl.pdb", id, "ntoskrnl.pdb")
	move(t, other.PDB, path)
	text := transcript(t, tg, ".sympath "+wrong, "ln nt")
	if want := f("nt: no symbols: %s belongs to another build: it is %s, expected %s", path, identity(t, path), id); !strings.Contains(text, want) {
		t.Errorf("no %q in\n%s", want, text)
	}

	// Saved as ISF, under the names of volatility3.
	file, err := pdb.Open(s.kernel.PDB)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := isf.Write(&b, file.Types()); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	json := filepath.Join(dir, "windows", "ntoskrnl.pdb", id[:32]+"-1.json")
	put(t, json, b.Bytes())
	text = transcript(t, tg, ".sympath "+wrong+" "+dir, "ln nt!KiSwapThread", "dt nt!_MARKER")
	for _, want := range []string{"nt: " + json, "nt!KiSwapThread", "Magic"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	put(t, json, bytes.Replace(b.Bytes(), []byte(id[:32]), bytes.Repeat([]byte("A"), 32), 1))
	if text = transcript(t, tg, ".sympath "+dir); !strings.Contains(text, json+" belongs to another build: it says AAAA") {
		t.Errorf("an ISF file of another build:\n%s", text)
	}
	put(t, json, b.Bytes())
	if text = transcript(t, tg, ".sympath "+dir, ".reload", ".sympath - x", ".sympath + "+wrong, ".sympath none", ".sympath srv*c:*http://x", ".sympath "+json); strings.Count(text, "nt: "+json) != 3 ||
		!strings.Contains(text, "error: x is too much") || !strings.Contains(text, "none: no such file") || !strings.Contains(text, "names a server, and none is asked") ||
		!strings.Contains(text, "is a file, expected a directory of symbol files") {
		t.Errorf("%s", text)
	}

	// A small dump holds no page of an image: the image's file tells the rest.
	small := openDump(t, s.Dump(dumptest.Triage))
	if text = transcript(t, small, ".sympath "+s.symbols); !strings.Contains(text, "nt: no symbols: which symbol file it has is not known: reading the image's DOS header: no memory at 0x80800000") {
		t.Errorf("%s", text)
	}
	stored := filepath.Join(s.symbols, "ntoskrnl.exe", f("%08X%x", s.kernel.Stamp, s.kernel.Size), "ntoskrnl.exe")
	move(t, s.kernel.Path, stored)
	if text = transcript(t, small, ".sympath "+s.symbols, "ln nt!KiSwapThread"); !strings.Contains(text, "Exact matches:\n    nt!KiSwapThread\n") {
		t.Errorf("%s", text)
	}
	data, err := os.ReadFile(s.kernel.Path)
	if err != nil {
		t.Fatal(err)
	}
	data[binary.LittleEndian.Uint32(data[0x3c:])+8] ^= 1 // of the time stamp
	put(t, stored, data)
	if text = transcript(t, small, ".sympath "+s.symbols); !strings.Contains(text, stored+" is another build") {
		t.Errorf("%s", text)
	}
}

// encodeBlock is what Windows 8 and later do with the debugger data block, word by word.
func encodeBlock(b []byte, never, always, flag uint64) []byte {
	out := make([]byte, len(b))
	for i := 0; i < len(b); i += 8 {
		v := bits.ReverseBytes64(binary.LittleEndian.Uint64(b[i:])^always) ^ flag
		binary.LittleEndian.PutUint64(out[i:], bits.RotateLeft64(v, -int(never&0xff))^never)
	}
	return out
}

// A memory image whose debugger data block is encoded is opened by the kernel's image;
// the kernel's symbols decode the block, and then all is there.
func TestEncodedBlock(t *testing.T) {
	const base, never, always = 0xfffff80001800000, 0x8badf00d12345615, 0xfeedfacecafebeef
	m := dumptest.New(dumptest.Win10)
	kernel := llvmtest.Link(t, "x86_64", "testdata/symbols/encoded.c", "ntkrnlmp.exe", base)
	m.Put(base, kernel.Memory)
	m.AddModule(dumptest.Module{Name: "ntoskrnl.exe", Base: base, Size: kernel.Size, Stamp: kernel.Stamp})
	m.AddModule(dumptest.Module{Name: "hal.dll", Size: 0x20000})
	system := m.AddProcess(dumptest.Process{ID: 4, Image: "System"})
	m.AddProcessor(m.AddThread(system, dumptest.Thread{ID: 0x10c, State: 2}))
	m.Header.Code = 0
	m.LabelBuild("19041.1.amd64fre.vb_release.191206-1406")
	m.Raw() // finishes the block
	at := func(name string) uint64 { return base + kernel.Symbols[name] }
	plain := m.Get(m.DebuggerData(), 0x380)
	m.Put(at("KdDebuggerDataBlock"), encodeBlock(plain, never, always, at("KdpDataBlockEncoded")))
	m.Number(at("KiWaitNever"), never, 8)
	m.Number(at("KiWaitAlways"), always, 8)
	raw := m.Raw()
	if n := bytes.Count(raw, []byte("KDBG")); n != 1 {
		t.Fatalf("the memory has %d tags, expected the plain block's alone", n)
	}
	raw = bytes.Replace(raw, []byte("KDBG"), make([]byte, 4), 1)

	dir := t.TempDir()
	fileDatabase(t, dir, kernel)
	tg := openImage(t, raw)
	text := transcript(t, tg, "vertarget", "lm", "!process 0 0", ".sympath "+t.TempDir(), ".sympath "+dir, "vertarget", "lm", "!process 0 0", "ln nt!ExAllocate", "r")
	before, after, _ := strings.Cut(text, "kd> .sympath "+dir)
	for _, want := range []string{
		"Windows 10 Kernel Version 19041 x64", "No debugger data block was found", "Note: the debugger data block is encoded, as Windows 8 and later for x64 keep it",
		"   nt         (no symbols)", "where their list is, the kernel's symbol file tells alone", "nt: no symbols: ntkrnlmp.pdb/",
	} {
		if !strings.Contains(before, want) {
			t.Errorf("no %q before", want)
		}
	}
	for _, want := range []string{
		"nt: " + dir, "Windows 10 Kernel Version 19041 UP x64", "debugger data found by its symbol, and decoded", "Kernel base = 0xfffff800`01800000", "Built by: 19041.1.amd64fre",
		"   hal        (deferred)", "    Image: System", "Exact matches:\n    nt!ExAllocate\n", "the machine ran when its memory was taken",
	} {
		if !strings.Contains(after, want) {
			t.Errorf("no %q after", want)
		}
	}
	if t.Failed() {
		t.Logf("%s", text)
	}

	// Other random numbers decode to nothing that a block can be.
	i := bytes.Index(raw, binary.LittleEndian.AppendUint64(nil, never))
	raw[i] ^= 1
	text = transcript(t, openImage(t, raw), ".sympath "+dir, "ln nt!ExAllocate")
	if !strings.Contains(text, "error: .sympath: finding the debugger data block by symbols: decoded, it is none: tag") || !strings.Contains(text, "nt!ExAllocate\n") {
		t.Errorf("%s", text)
	}
}

// move copies a file to a place whose directories are made.
func move(t *testing.T, from, to string) {
	t.Helper()
	data, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	put(t, to, data)
}

func put(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}
