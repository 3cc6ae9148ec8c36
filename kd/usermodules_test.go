package kd_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/seed-eedd8485/lpc/internal/golden"
	"github.com/seed-eedd8485/lpc/internal/pdbtest"
	"github.com/seed-eedd8485/lpc/kd"
	"github.com/seed-eedd8485/lpc/ntdump/dumptest"
)

// A userScene is a machine with processes whose modules are read: alpha.exe, of which a
// thread waits in a call of the system, beta.exe, and others of which something is
// missing.
type userScene struct {
	*dumptest.Machine
	nt                          uint64
	system, alpha, beta, out    uint64 // processes; of out the PEB is paged out
	thread                      uint64 // of alpha
	space                       *dumptest.Space
	loader                      *dumptest.Loader
	entered, called, start, top uint64 // user code: the system call's stub, its caller, the first function; the stack
	trap                        uint64 // of the system call
}

const (
	userNtdll = 0x7c900000
	userTeb   = 0x7ffde000
)

func newUserScene(p dumptest.Profile) *userScene {
	s := &userScene{Machine: dumptest.New(p), top: 0x2c0000}
	s.nt = s.AddModule(dumptest.Module{Name: "ntoskrnl.exe", Size: 0x200000})
	s.system = s.AddProcess(dumptest.Process{ID: 4, Image: "System"})
	s.AddProcessor(s.AddThread(s.system, dumptest.Thread{ID: 8, State: 2}))
	s.SaveContext(0, dumptest.Registers{map[int]string{32: "Eip", 64: "Rip"}[p.Bits]: s.nt + 0x1010})
	process := func(id uint64, image string) (uint64, *dumptest.Loader) {
		at, space := s.AddProcessSpace(dumptest.Process{ID: id, Parent: 4, Image: image, Peb: 0x7ffd9000})
		l := s.AddLoader(at, space)
		l.Add(dumptest.Module{Name: image, Base: 0x400000, Size: 0x9000, Stamp: 0x41b7c2d1})
		s.PutIn(space, 0x401000, []byte{0x90, 0xc3})
		return at, l
	}
	s.alpha, s.loader = process(0x1dc, "alpha.exe")
	s.space = s.loader.Space
	for _, m := range []dumptest.Module{
		{Name: "ntdll.dll", Base: userNtdll, Size: 0xb0000, Stamp: 0x411096b4}, {Name: "ntoskrnl.exe", Base: 0x10000000, Size: 0x1000},
		{Name: "nt.dll", Base: 0x11000000, Size: 0x1000}, {Name: "\x1b]0;x\x07.dll", Base: 0x12000000, Size: 0x1000}, {Name: "NTDLL.DLL", Base: 0x13000000, Size: 0x1000},
	} {
		s.loader.Add(m)
	}
	var beta *dumptest.Loader
	s.beta, beta = process(0x1e0, "beta.exe")
	s.PutIn(beta.Space, 0x401000, []byte{0xcc})
	links := beta.Add(dumptest.Module{Name: "cycle.dll", Base: 0x20000000, Size: 0x2000})
	beta.Set(links, "_LIST_ENTRY.Flink", links)
	var out *dumptest.Loader
	s.out, out = process(0x1e4, "out.exe")
	s.Entry(out.Space, 0x7ffd9000, s.PageFile(3))
	s.thread = s.AddThread(s.alpha, dumptest.Thread{ID: 0x1f4, State: 5, WaitReason: 0x10, Teb: userTeb})
	s.loader.Stack(userTeb, s.top-0x2000, s.top)
	if p.Bits == 64 {
		s.stack64()
	} else {
		s.stack32()
	}
	return s
}

// stack32 lays down a wait in the kernel, the entry of a system call, and frames of the
// user part.
func (s *userScene) stack32() {
	base := s.GetPtr(s.thread + s.Offset("_KTHREAD.StackBase"))
	kernel, trap, user := base-0x300, base-0x9c, s.top-0x80
	s.trap = trap
	s.entered, s.called, s.start = userNtdll+0xeb94, userNtdll+0xe300, 0x401234
	s.Ptr(s.thread+s.Offset("_KTHREAD.KernelStack"), kernel)
	s.Ptr(kernel+8, s.nt+0x1050)
	s.Ptr(kernel+0xc, base-0x100)
	s.Ptr(base-0x100, trap)
	s.Ptr(base-0x100+4, s.nt+0x2050)
	s.Fill(trap, "_KTRAP_FRAME", dumptest.Registers{"Eip": s.entered, "Ebp": user, "SegCs": 0x1b, "EFlags": 0x246, "HardwareEsp": user - 0x20, "HardwareSegSs": 0x23})
	words := []uint32{uint32(user + 0x20), uint32(s.called), 1, 2, 3, 0, 0, 0, 0, uint32(s.start), 4, 5, 6}
	var b []byte
	for _, w := range words {
		b = binary.LittleEndian.AppendUint32(b, w)
	}
	s.PutIn(s.space, user, append(b, make([]byte, 0x20)...))
}

// stack64 is stack32 for a machine whose stacks are unwound: kernel and ntdll have
// headers and function tables in memory.
func (s *userScene) stack64() {
	base := s.GetPtr(s.thread + s.Offset("_KTHREAD.StackBase"))
	kernel, user := base-0x400, s.top-0x80
	s.entered, s.called, s.start = userNtdll+0x100a, userNtdll+0x1150, userNtdll+0x11f0
	const allocate28, machineFrame = 4<<4 | 2, 10 // an allocation of 28h bytes; the processor's frame (x64 exception handling, learn.microsoft.com)
	s.unwindImage(s.Kernel(), s.nt, []byte{1, 0, 1, 0, 0, machineFrame}, []byte{1, 4, 1, 0, 4, allocate28})
	s.unwindImage(s.space, userNtdll, nil, []byte{1, 4, 1, 0, 4, allocate28})
	s.Put(s.nt+0x1150-5, []byte{0xe8, 0, 0, 0, 0})
	s.Ptr(s.thread+s.Offset("_KTHREAD.KernelStack"), kernel)
	s.Ptr(kernel+0x38, s.nt+0x1150)
	s.Ptr(kernel+0x40+0x28, s.nt+0x1050)
	for i, v := range []uint64{s.entered, 0x33, 0x246, user, 0x2b} {
		s.Ptr(kernel+0x70+8*uint64(i), v)
	}
	put := func(va, v uint64) { s.PutIn(s.space, va, binary.LittleEndian.AppendUint64(nil, v)) }
	s.PutIn(s.space, user, make([]byte, 0x80))
	put(user, s.called)
	put(user+8+0x28, s.start)
}

// unwindImage writes the headers and the function table of an image, of whose functions
// each has 100h bytes, from 1000h on; nil is one that the table does not have.
func (s *userScene) unwindImage(space *dumptest.Space, base uint64, unwind ...[]byte) {
	const pe, directory, functions, info = 0x80, 0x80 + 0x18 + 0x70, 0x3000, 0x4000
	le, b := binary.LittleEndian, make([]byte, 0x5000)
	copy(b, "MZ")
	le.PutUint32(b[0x3c:], pe)
	copy(b[pe:], "PE\x00\x00\x64\x86")
	le.PutUint16(b[pe+0x14:], 0xf0) // bytes of the optional header
	le.PutUint16(b[pe+0x18:], 0x20b)
	le.PutUint32(b[pe+0x18+0x38:], 0x5000) // SizeOfImage
	le.PutUint32(b[pe+0x18+0x6c:], 16)
	n := uint32(0)
	for i, u := range unwind {
		if u == nil {
			continue
		}
		entry := b[functions+12*n:]
		le.PutUint32(entry, 0x1000+0x100*uint32(i))
		le.PutUint32(entry[4:], 0x1100+0x100*uint32(i))
		le.PutUint32(entry[8:], info+0x40*uint32(i))
		copy(b[info+0x40*i:], u)
		n++
	}
	le.PutUint32(b[directory+24:], functions)
	le.PutUint32(b[directory+28:], 12*n)
	s.PutIn(space, base, b)
}

func userProfiles() map[string]dumptest.Profile {
	pae := dumptest.XPPAE
	pae.Pack = 3
	return map[string]dumptest.Profile{"xp": dumptest.XP, "xp_pae": pae, "2003": dumptest.Server2003, "2003_x64": dumptest.X64}
}

// Names of user code in everything that names addresses, by the process that user
// addresses belong to, and in stacks by the thread's own.
func TestUserModules(t *testing.T) {
	for name, p := range userProfiles() {
		t.Run(name, func(t *testing.T) {
			s := newUserScene(p)
			lines := []string{
				"lmu", "lm", f("u 401000 L1"), f("!thread %x", s.thread), "!stacks 2", "!process 1dc 6",
				f(".process %x", s.alpha), "lm", "lmu", "lmk", "lm t u m ntdll*", "lma 401000", "lmvm nt_11000000", "lm m nt", "u 401000 L2", "u alpha+1000 L1", "u ntoskrnl L1", "ln 401000", f("dps %x L3", s.top-0x80),
				".process /p /r 1e0", "lmu", "u 401000 L1", f("!thread %x", s.thread), ".process 1e4", "lm", "lmu", "u 401000 L1",
				f(".thread %x", s.thread), "kv", "lmu", f(".thread /p %x", s.thread), "lmu", "kn", f("k = %x %x %x 3", s.top-0x80, s.top-0x80, s.entered), ".process 4", "lm u", "lmq", "lmux",
			}
			if s.trap != 0 {
				lines = append(lines, f(".process %x", s.alpha), f(".trap %x", s.trap), "k", f(".process %x", s.beta), f(".trap %x", s.trap), "k")
			}
			text := transcript(t, openDump(t, s.Dump(dumptest.Full)), lines...)
			golden.Text(t, "windows/user_"+name+".txt", text)
			if strings.ContainsAny(text, "\x1b\x07") {
				t.Error("a module's name steers the terminal")
			}
		})
	}
}

// The same as values.
func TestUserModulesJSON(t *testing.T) {
	s := newUserScene(dumptest.XP)
	session := kd.NewSession(openDump(t, s.Dump(dumptest.Full)))
	session.JSON = true
	for _, c := range []struct {
		line, process, trouble string
		names                  []string
	}{
		{"lmu", "alpha", "", []string{"alpha", "ntoskrnl", "nt_11000000", `\u{1b}]0;x\u{7}`, "NTDLL_13000000", "ntdll"}},
		{"lm", "alpha", "", []string{"alpha", "ntoskrnl", "nt_11000000", `\u{1b}]0;x\u{7}`, "NTDLL_13000000", "ntdll", "nt"}},
		{"lmk", "alpha", "", []string{"nt"}},
		{"lm", "beta", "comes again", []string{"beta", "cycle", "nt"}},
		{"lm", "out", "paged out", []string{"nt"}},
		{"lm", "system", "", []string{"nt"}},
		{"lmu", "system", "it has no user part", []string{}},
	} {
		at := map[string]uint64{"alpha": s.alpha, "beta": s.beta, "out": s.out, "system": s.system}[c.process]
		var b bytes.Buffer
		if err := session.Run(context.Background(), &b, f(".process %x", at)); err != nil {
			t.Fatal(err)
		}
		b.Reset()
		if err := session.Run(context.Background(), &b, c.line); err != nil {
			t.Fatal(err)
		}
		var v struct {
			Result struct {
				Loaded     []struct{ Name, Process string }
				Unreadable []string
			}
		}
		if err := json.Unmarshal(b.Bytes(), &v); err != nil {
			t.Fatalf("%v: %s", err, b.String())
		}
		names := []string{}
		for _, m := range v.Result.Loaded {
			names = append(names, m.Name)
			if want := map[bool]string{false: f("%08x", at)}[m.Name == "nt"]; m.Process != want {
				t.Errorf("%s of %s: %s is of process %q, want %q", c.line, c.process, m.Name, m.Process, want)
			}
		}
		if !slices.Equal(names, c.names) {
			t.Errorf("%s of %s: %q, want %q", c.line, c.process, names, c.names)
		}
		if trouble := strings.Join(v.Result.Unreadable, "\n"); (c.trouble == "") != (trouble == "") || !strings.Contains(trouble, c.trouble) {
			t.Errorf("%s of %s: unreadable %q, want %q", c.line, c.process, trouble, c.trouble)
		}
	}
}

// Where nothing says which process user addresses belong to, none is taken.
func TestUserModulesNoProcess(t *testing.T) {
	s := newUserScene(dumptest.XP)
	text := transcript(t, openDump(t, s.Dump(dumptest.Full)), "lmu")
	if !strings.Contains(text, "No user modules are known: the page tables that the dump names are of no process") {
		t.Error(text)
	}
	text = transcript(t, openDump(t, s.Dump(dumptest.Triage)), "lmu", "lm")
	if !strings.Contains(text, "No user modules are known: a triage dump holds nothing of any process's own memory\n") || strings.Count(text, "No user") != 1 {
		t.Error(text)
	}
}

// Both parts of a Wow64 process are listed, and the symbols of the 32-bit one are those
// of a 32-bit image.
func TestUserModulesWow64(t *testing.T) {
	s := newUserScene(dumptest.X64)
	l := s.AddWow64Loader(s.alpha, s.space, 0x7efde000)
	l.Add(dumptest.Module{Name: "alpha.exe", Base: 0x400000, Size: 0x9000})
	l.Add(dumptest.Module{Name: "ntdll.dll", Base: 0x7d600000, Size: seedNtdllSize})
	s.PutIn(s.space, 0x7d600000, pdbtest.Header(seedNtdllStamp, seedNtdllSize, "ntdll.pdb"))
	text := transcript(t, openDump(t, s.Dump(dumptest.Full)), ".sympath "+seedSymbols(t), f(".process %x", s.alpha), "lmu t", "ln 7d60eb94", "lmvm ntdll")
	for _, want := range []string{
		"00000000`7d600000 00000000`7d6b0000   ntdll_7d600000 ntdll.dll", "(00000000`7d60eb94)   ntdll_7d600000!KiFastSystemCallRet\n",
		"00000000`7c900000 00000000`7c9b0000   ntdll    ntdll.dll",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}

// A thread's user code is that of the process that it belongs to, also while it works in
// another one's address space.
func TestUserModulesAttached(t *testing.T) {
	for name, p := range userProfiles() {
		s := newUserScene(p)
		stack := func() string {
			_, text, _ := strings.Cut(transcript(t, openDump(t, s.Dump(dumptest.Full)), f(".thread %x", s.thread), "k"), "Call stack")
			return text
		}
		own := stack()
		s.Set(s.thread, "_KTHREAD.ApcState.Process", s.beta)
		if got := stack(); got != own || !strings.Contains(got, " ntdll+0x") {
			t.Errorf("%s: attached to another process\n%s\nwant\n%s", name, got, own)
		}
	}
}

// The user part of a stack ends where the thread's TEB says that its stack does.
func TestUserStackBounds(t *testing.T) {
	for _, inside := range []bool{true, false} {
		s := newUserScene(dumptest.XP)
		const beyond = 0x2c0100
		s.PutIn(s.space, s.top-0x60, []byte{0x00, 0x01, 0x2c, 0x00})                  // the frame pointer that the second frame saved
		s.PutIn(s.space, beyond, []byte{0, 0, 0, 0, 0x78, 0x16, 0x40, 0, 0, 0, 0, 0}) // a frame there
		if inside {
			s.loader.Stack(userTeb, s.top-0x2000, s.top+0x1000)
		}
		text := transcript(t, openDump(t, s.Dump(dumptest.Full)), f(".thread %x", s.thread), "k")
		if strings.Contains(text, "alpha+0x1678") != inside {
			t.Errorf("within the bounds: %v\n%s", inside, text)
		}
	}
}

// A module of a process that is named as the kernel has none of the kernel's symbols.
func TestUserModuleNamedNt(t *testing.T) {
	s := newUserScene(dumptest.XP)
	path := withSymbols(t, "xp-x86.json", map[string]uint64{"KiSwapContext": 0x100})
	text := transcript(t, openDump(t, s.Dump(dumptest.Full)), ".isf "+path, f(".process %x", s.alpha), "ln 11000110", "ln 10000110", "u nt!KiSwapContext L1", f("ln %x", s.nt+0x110))
	for _, want := range []string{
		"ln: 11000110 is in nt_11000000, which has no symbols", "ln: 10000110 is in ntoskrnl, which has no symbols", f("nt!KiSwapContext+0x10"),
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}
