package kd_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode"

	"github.com/seed-eedd8485/lpc/internal/golden"
	"github.com/seed-eedd8485/lpc/internal/needs"
	"github.com/seed-eedd8485/lpc/kd"
	nt "github.com/seed-eedd8485/lpc/ntdump"
	"github.com/seed-eedd8485/lpc/ntdump/dumptest"
	"github.com/seed-eedd8485/lpc/target"
	"github.com/seed-eedd8485/lpc/target/ntdump"
)

// openDump opens a written dump.
func openDump(t testing.TB, data []byte) target.Target {
	t.Helper()
	d, err := nt.New(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	return ntdump.New(d)
}

// transcript carries out lines in one session and gives all that it prints.
func transcript(t testing.TB, tg target.Target, lines ...string) string {
	t.Helper()
	s := kd.NewSession(tg)
	var b strings.Builder
	for _, line := range lines {
		fmt.Fprintf(&b, "kd> %s\n", line)
		if err := s.Run(context.Background(), &b, line); err != nil {
			fmt.Fprintf(&b, "error: %s\n", err)
		}
		fmt.Fprintln(&b)
	}
	return b.String()
}

// A real small dump of Windows 10: all that its folder's README knows of it.
func TestTriageDump(t *testing.T) {
	path := needs.File(t, "triage_x64.dmp")
	tg, err := ntdump.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer tg.Close()
	golden.Text(t, "windows/triage_x64.txt", transcript(t, tg,
		"vertarget", ".bugcheck", "lmtn m hal", "lm a @rip", "r", "r rip,rsp", "k 5", "kf 5", "!thread", "!process 0 0", "!process 4 0", ".thread", ".process",
		".cxr @r9-7c8", "k", "kvn 3", "r @rip", ".cxr", "r rip", "!stackcheck", "!analyze", "!stacks", "dps @rsp L3", "u @rip L3", "da nt", ".formats 1c", ".isf",
		"!lpc", "!lpc port", "!handle", "!vm", "!poolused", "!pte nt", ".tss 28", ".trap 1000", "db 0 L1"))
	text, _, err := run(t, tg, "lm")
	if err != nil {
		t.Fatal(err)
	}
	loaded, unloaded, ok := strings.Cut(text, "\nUnloaded modules:\n")
	if n := strings.Count(loaded, "\n") - 1; !ok || n != 151 {
		t.Errorf("%d modules, want 151", n)
	}
	if n := strings.Count(unloaded, "ImageSize:"); n != 4 {
		t.Errorf("%d unloaded modules, want 4", n)
	}
	if first := strings.Split(loaded, "\n")[1]; first != "fffff804`79440000 fffff804`79446000   hal        (no symbols)" {
		t.Errorf("the first module is %q", first)
	}
}

// An ntScene is a machine with two processes, three threads and an interrupted driver.
type ntScene struct {
	*dumptest.Machine
	nt, driver            uint64 // bases
	system, server        uint64 // processes
	ran, waiter, handling uint64 // threads
	record                uint64 // context record of the exception
	trap                  uint64 // x86: trap frame from user mode on the waiter's stack
	user                  uint64 // user address with text, in the server's space
}

// Offsets of code in the modules.
const (
	atSwap    = 0x2e + 0x1000
	atWait    = 0x1c2 + 0x3000
	atReceive = 0x3dc + 0x9000
	atEntry   = 0xf8 + 0x4000
	atFault   = 0x1010
)

func newNtScene(p dumptest.Profile) *ntScene {
	s := &ntScene{Machine: dumptest.New(p)}
	s.nt = s.AddModule(dumptest.Module{Name: "ntoskrnl.exe", Size: 0x200000, Stamp: 0x48025c31, CheckSum: 0x1f8580})
	s.driver = s.AddModule(dumptest.Module{Name: "greedy.sys", Size: 0x8000, Stamp: 0x4a5bc0de})
	s.AddUnloaded(dumptest.Unloaded{Name: "gone.sys", Start: s.driver + 0x10000, End: s.driver + 0x14000, Time: 0x1c9f3a500000000})
	s.Put(s.driver+atFault, []byte{0x8b, 0x00, 0xc3}) // mov eax,[eax]; ret
	var space *dumptest.Space
	s.system = s.AddProcess(dumptest.Process{ID: 4, Image: "System"})
	s.server, space = s.AddProcessSpace(dumptest.Process{ID: 0x1dc, Parent: 0x1b4, Image: "rpclpcs.exe", Peb: 0x7ffd9000})
	s.user = 0x12f000
	if p.Bits == 32 { // the user part of the waiter's stack
		frame := []byte{0xa0, 0xff, 0x2b, 0, 0x56, 0x08, 0x81, 0x7c, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0}
		s.PutIn(space, 0x2bff80, append(frame, make([]byte, 0x40)...))
	}
	s.PutIn(space, s.user, []byte("rpclpc\x00\x00r\x00p\x00c\x00\x00\x00"))
	s.ran = s.AddThread(s.system, dumptest.Thread{ID: 0x10c, State: 2, Kernel: 0x11111110})
	s.waiter = s.AddThread(s.server, dumptest.Thread{ID: 0x1f4, State: 5, WaitReason: 0x10, Teb: 0x7ffde000})
	s.handling = s.AddThread(s.server, dumptest.Thread{ID: 0x1f8, State: 1, Kernel: 0x1000})
	pcr := s.AddProcessor(s.ran)
	s.SetVariable("KeTimeIncrement", 100144)
	s.Header.Uptime = 64667068 * 100144
	for member, v := range map[string]uint64{"WaitMode": 1, "WaitTime": 64666666, "ContextSwitches": 2, "Priority": 8, "BasePriority": 8, "KernelTime": 3} {
		s.Set(s.waiter, "_KTHREAD."+member, v)
	}
	s.Set(s.waiter, "_ETHREAD.Win32StartAddress", 0x77e76bf0)
	s.Set(s.waiter, "_ETHREAD.StartAddress", 0x7c810856)
	s.Set(s.server, "_EPROCESS.DeviceMap", s.Alloc(0x40))
	s.Set(s.server, "_EPROCESS.CommitCharge", 0x123)
	s.switchedOut()
	s.fault(pcr)
	return s
}

// switchedOut lays down the stack of the thread that waits: what the switch saved,
// then frames, on x86 down to a trap frame from user mode.
func (s *ntScene) switchedOut() {
	base := s.GetPtr(s.waiter + s.Offset("_KTHREAD.StackBase"))
	if s.Bits == 64 {
		at := base - 0x400
		s.Ptr(s.waiter+s.Offset("_KTHREAD.KernelStack"), at)
		for _, off := range []uint64{atSwap, atWait, atReceive} {
			s.Put(s.nt+off-5, []byte{0xe8, 0, 0, 0, 0})
			s.Ptr(at+0x38, s.nt+off)
			at += 0x80
		}
		return
	}
	s.trap = base - 0x29c
	kernel := s.trap - 0x118
	s.Set(s.waiter, "_KTHREAD.KernelStack", kernel)
	frame := kernel + 0x4c
	s.Ptr(kernel+8, s.nt+atSwap)
	s.Ptr(kernel+0xc, frame)
	s.Ptr(frame, frame+0xb0)
	s.Ptr(frame+4, s.nt+atReceive)
	for i, v := range []uint64{1, 0x10, 1} {
		s.Ptr(frame+8+4*uint64(i), v)
	}
	last := frame + 0xb0 // below the trap frame, which the chain leads to
	s.Ptr(last, s.trap)
	s.Ptr(last+4, s.nt+atEntry)
	for i, v := range []uint64{0x7c4, 0x2bff70, 0} {
		s.Ptr(last+8+4*uint64(i), v)
	}
	s.Fill(s.trap, "_KTRAP_FRAME", dumptest.Registers{"Eip": 0x7c90eb94, "Ebp": 0x2bff80, "SegCs": 0x1b, "EFlags": 0x246, "HardwareEsp": 0x2bff40, "HardwareSegSs": 0x23, "Eax": 0xc3})
}

// fault makes the bug check: 7E with a context record, of the driver.
func (s *ntScene) fault(pcr uint64) {
	base := s.GetPtr(s.ran + s.Offset("_KTHREAD.StackBase"))
	sp := base - 0x700
	s.record = s.Alloc(s.Size("_CONTEXT"))
	exception := s.Alloc(0x98)
	s.Number(exception, 0xc0000005, 4)
	pc := s.driver + atFault
	ptr := uint64(s.Pointer())
	s.Ptr(exception+8+ptr, pc)        // Code, Flags, Record, Address
	s.Number(exception+8+2*ptr, 2, 4) // NumberParameters
	info := exception + 8 + 3*ptr     // the number is padded to a pointer
	s.Ptr(info, 0)                    // a read
	s.Ptr(info+ptr, 0x10)             // of this address
	call := []byte{0xe8, 0, 0, 0, 0}
	for _, at := range []uint64{s.driver + 0x2000, s.nt + 0x5000} {
		s.Put(at-5, call)
	}
	if s.Bits == 64 {
		s.Fill(s.record, "_CONTEXT", dumptest.Registers{"Rip": pc, "Rsp": sp, "Rax": 0x10, "EFlags": 0x10246})
		s.Ptr(sp+0x40, s.driver+0x2000)
		s.Ptr(sp+0x4c0, s.nt+0x5000)
		s.SaveContext(0, dumptest.Registers{"Rip": s.nt + 0x8000, "Rsp": sp - 0x300})
	} else {
		s.Fill(s.record, "_CONTEXT", dumptest.Registers{"Eip": pc, "Esp": sp, "Ebp": sp + 0x40, "Eax": 0x10, "EFlags": 0x10246, "SegCs": 8, "SegSs": 0x10})
		s.Ptr(sp+0x40, sp+0x4c0)
		s.Ptr(sp+0x44, s.driver+0x2000)
		s.Ptr(sp+0x4c0, 0)
		s.Ptr(sp+0x4c4, s.nt+0x5000)
		s.SaveContext(0, dumptest.Registers{"Eip": s.nt + 0x8000, "Esp": sp - 0x300, "Ebp": sp + 0x40})
		s.AddTask(pcr, 0x28, dumptest.Registers{"Eip": pc, "Esp": sp, "Ebp": sp + 0x40, "Cs": 8, "Ss": 0x10, "Ds": 0x23, "Es": 0x23, "Fs": 0x30, "EFlags": 0x10246})
	}
	s.Header.Code = 0x1000007e
	s.Header.Params = [4]uint64{0xc0000005, pc, exception, s.record}
}

// lines are the commands that are tried on a scene.
func (s *ntScene) lines() []string {
	l := []string{
		"vertarget", ".bugcheck", "lmtn", "lm", "!process 0 0", "!process 1dc", "!process 0 7", "!thread", f("!thread %x", s.waiter), f("!thread %x 2", s.handling),
		"r", "k", f(".cxr %x", s.record), "r", "kv", "kf", "kn 1", f("u %x L2", s.driver+atFault), ".cxr",
		f(".thread %x", s.waiter), "r", "kb", "!stacks", "!stacks 1", "!stacks 2 NT+0x93dc", "!stackcheck", "!analyze",
		f("da %x", s.user), ".process 1dc", f("da %x", s.user), f("du %x", s.user+8), f("dds %x L2", s.record), f("!pte %x", s.nt), f("!pte %x", s.user), "!pte 5000",
		"!handle", "!lpc port", ".isf", "dt _CLIENT_ID", f("dt _KTHREAD %x", s.waiter), ".process 0",
		f("db %x L8", s.driver+atFault), f("dd %x L2", s.driver+atFault), f("dq %x L1", s.driver+atFault), "dps @esp L1", "dps @rsp L1", ".formats 804d7000", f("u %x L1", s.driver+0x2000-5),
	}
	if s.Bits == 32 {
		l = append(l, ".tss 28", "k", ".tss 8", f(".trap %x", s.trap), "r ds,eip", "dds @esp L1", ".trap")
	}
	return l
}

func f(format string, args ...any) string { return fmt.Sprintf(format, args...) }

// The same scene on each machine, in dumps of two kinds, whose texts must be equal.
func TestWindowsDumps(t *testing.T) {
	for name, p := range map[string]dumptest.Profile{"xp": dumptest.XP, "xp_pae": dumptest.XPPAE, "2003": dumptest.Server2003, "2003_x64": dumptest.X64} {
		t.Run(name, func(t *testing.T) {
			s := newNtScene(p)
			text := transcript(t, openDump(t, s.Dump(dumptest.Full)), s.lines()...)
			golden.Text(t, "windows/"+name+".txt", text)
			bitmap := transcript(t, openDump(t, s.Dump(dumptest.BitmapKernel)), s.lines()...)
			drop := func(text string) string {
				var l []string
				for _, line := range strings.Split(text, "\n") {
					if !strings.HasPrefix(line, "Dump: ") {
						l = append(l, line)
					}
				}
				return strings.Join(l, "\n")
			}
			if drop(bitmap) != drop(text) {
				t.Errorf("a bitmap dump shows something else: %s", golden.Differ(drop(bitmap), drop(text)))
			}
		})
	}
}

// A header alone: each command says so.
func TestWindowsHeader(t *testing.T) {
	s := newNtScene(dumptest.XP)
	tg := openDump(t, s.Dump(dumptest.HeaderOnly))
	for _, c := range []string{"k", "!thread", "!process 0 0", "lm", "!pte 80000000", "!handle", "!lpc", "!stackcheck", "!analyze", ".tss 28", "r"} {
		if text, _, err := run(t, tg, c); err == nil || text != "" {
			t.Errorf("%s: %v, %q", c, err, text)
		}
	}
	if text, _, err := run(t, tg, ".bugcheck; vertarget"); err != nil || !strings.Contains(text, "Bugcheck code 1000007E") || !strings.Contains(text, "a header alone") {
		t.Errorf("%v: %s", err, text)
	}
}

// What a dump holds cannot steer a terminal, whatever command shows it.
func TestHostileDump(t *testing.T) {
	const evil = "\x1b]0;x\x07\nkd> \u202e"
	s := newNtScene(dumptest.XP)
	s.AddModule(dumptest.Module{Name: evil + ".sys", Base: s.driver + 0x20000, Size: 0x4000})
	s.AddUnloaded(dumptest.Unloaded{Name: evil, Start: s.driver + 0x30000, End: s.driver + 0x34000})
	s.Put(s.system+s.Offset("_EPROCESS.ImageFileName"), append([]byte(evil), 0, 0)[:16])
	s.Header.Comment = evil
	base := s.GetPtr(s.ran + s.Offset("_KTHREAD.StackBase"))
	s.Ptr(s.ran+s.Offset("_KTHREAD.KernelStack"), base-0xa00) // from here on a small dump has the stack
	s.Ptr(base-0x700+0x44, s.driver+0x21000)                  // a frame in it
	s.Ptr(base-0x700+0x4c4, s.driver+0x31000)
	for _, kind := range []dumptest.Kind{dumptest.Full, dumptest.Triage} {
		tg := openDump(t, s.Dump(kind))
		for _, c := range kd.Commands() {
			for _, args := range []string{"", f(" %x", s.ran), f(" %x", s.driver+0x21000), " 0 7", f(" a %x", s.driver+0x21000), " " + f(`"%s"`, evil), " -v"} {
				text, _, err := run(t, tg, c.Name+args)
				if err != nil {
					text += err.Error()
				}
				for _, r := range strings.NewReplacer("\n", "", "\t", "").Replace(text) {
					if !unicode.IsPrint(r) {
						t.Fatalf("%s%s: %U in %q", c.Name, args, r, text)
					}
				}
				s := kd.NewSession(tg)
				s.JSON = true
				var b bytes.Buffer
				if s.Run(context.Background(), &b, c.Name+args) == nil && b.Len() > 0 && !json.Valid(b.Bytes()) {
					t.Errorf("%s%s: not JSON: %s", c.Name, args, b.String())
				}
				if strings.Contains(text, "\nkd> ") {
					t.Fatalf("%s%s: a name began a line of its own: %q", c.Name, args, text)
				}
			}
		}
	}
}

// On Vista and later !lpc is refused on every dump, with the build.
func TestEmulated(t *testing.T) {
	m := dumptest.New(dumptest.Win10)
	p := m.AddProcess(dumptest.Process{ID: 4, Image: "System"})
	m.AddProcessor(m.AddThread(p, dumptest.Thread{ID: 0x108, State: 2}))
	tg := openDump(t, m.Dump(dumptest.BitmapKernel))
	for _, c := range []string{"!lpc", "!lpc port", "!lpc message 1", "!lpc thread", "!lpc scan 1", "!lpc PoolSearch"} {
		if text, _, err := run(t, tg, c); err == nil || !strings.Contains(err.Error(), "LPC is emulated over ALPC since Windows Vista, and this is build 19041") || text != "" {
			t.Errorf("%s: %v, %q", c, err, text)
		}
	}
}

// Windows commands on other targets say what they are for.
func TestNoWindows(t *testing.T) {
	tg := newFakeTarget()
	for _, c := range []string{".bugcheck", "lm", "r", "k", "!stacks", "!stackcheck", "!analyze", ".cxr 1", ".trap 1", ".tss 28", "!pte 1", ".isf x"} {
		if text, _, err := run(t, tg, c); err == nil || text != "" {
			t.Errorf("%s: %v, %q", c, err, text)
		}
	}
}
