package kd_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-eedd8485/lpc/internal/golden"
	"github.com/seed-eedd8485/lpc/internal/pdbtest"
	"github.com/seed-eedd8485/lpc/isf"
	"github.com/seed-eedd8485/lpc/ntdump/dumptest"
)

// Addresses of the document that the project implements (its walk from a blocked
// stack).
const (
	seedProcess   = 0x810ddda0
	seedThread    = 0x810de2a8
	seedPort      = 0xe1084108
	seedSemaphore = 0x81131188
	seedTable     = 0xe1a13278
	seedStack     = 0xf8e28000

	seedKernel      = 0x804d7000
	seedKernelSize  = 0x1f8580
	seedKernelStamp = 0x41107b0d

	seedNtdll      = 0x7c900000
	seedNtdllSize  = 0xb0000
	seedNtdllStamp = 0x411096b4
)

// seedMachine is that walk's machine: Windows XP with rpclpcs.exe, one of whose
// threads waits to receive on the port rpclpc.
func seedMachine() (*dumptest.Machine, *dumptest.Objects) {
	m := dumptest.New(dumptest.XP)
	o := m.NewObjects(dumptest.ObjectOptions{Lists: true, At: map[string]uint64{"Port": 0x812b5c80, `\RPC Control`: 0xe14c72c8}})
	m.AddModule(dumptest.Module{Name: "ntoskrnl.exe", Base: seedKernel, Size: seedKernelSize, Stamp: seedKernelStamp})
	system := m.AddProcess(dumptest.Process{ID: 4, Image: "System"})
	m.AddProcessor(m.AddThread(system, dumptest.Thread{ID: 0x10c, State: 2}))
	m.SetVariable("KeTimeIncrement", 100144)
	m.Header.Uptime = (64666666 + 402) * 100144
	server, space := m.AddProcessSpace(dumptest.Process{At: seedProcess, ID: 0x1dc, Parent: 0x1b4, Image: "rpclpcs.exe", Peb: 0x7ffd9000, DTB: 0x058cd000})
	m.Set(server, "_EPROCESS.DeviceMap", 0xe196c460)
	m.Set(server, "_EPROCESS.Session", m.Alloc(m.Size("_MM_SESSION_SPACE"))) // of session 0
	thread := m.AddThread(server, dumptest.Thread{At: seedThread, ID: 0x1f4, Teb: 0x7ffde000, StackBase: seedStack, Kernel: 0xf8e27c4c})
	for member, v := range map[string]uint64{"_KTHREAD.WaitTime": 64666666, "_KTHREAD.ContextSwitches": 2, "_KTHREAD.Priority": 8, "_KTHREAD.BasePriority": 8,
		"_ETHREAD.Win32StartAddress": 0x77e76bf0, "_ETHREAD.StartAddress": 0x7c810856} {
		m.Set(thread, member, v)
	}
	// Three handles on the port and its thread keep references beside the name.
	o.AddPort(dumptest.Port{At: seedPort, Flags: dumptest.ConnectionPort, Name: "rpclpc", Process: server, Creator: [2]uint64{0x1dc, 0x1f4}, Semaphore: seedSemaphore, Handles: 1, Pointers: 4})
	timer := uint64(seedThread + 0xf0)
	m.Set(timer, "_DISPATCHER_HEADER.Type", 8)
	m.Empty(timer + m.Offset("_KSEMAPHORE.Header.WaitListHead"))
	m.Wait(thread, dumptest.WrLpcReceive, seedThread+0x70, seedSemaphore, timer)
	h := m.AddHandles(server, dumptest.HandleTable{At: seedTable, Top: 0xe107d000})
	for i := range uint64(17) {
		h.Set(4+4*i, o.Add(dumptest.Object{Type: o.Type("Semaphore"), Tag: "Sema", Size: m.Size("_KSEMAPHORE"), Handles: 1, Pointers: 1, NonPaged: true}), 0x1f0003, 0)
	}
	h.Set(0x7c4, seedPort, 0x1f0001, 0)
	seedFrames(m, space)
	l := m.AddLoader(server, space)
	l.Add(dumptest.Module{Name: "rpclpcs.exe", Base: 0x400000, Size: 0x9000, Stamp: 0x41b7c2d1})
	l.Add(dumptest.Module{Name: "ntdll.dll", Base: seedNtdll, Size: seedNtdllSize, Stamp: seedNtdllStamp})
	l.Add(dumptest.Module{Name: "kernel32.dll", Base: 0x7c800000, Size: 0xf4000, Stamp: 0x411096b3})
	l.Stack(0x7ffde000, 0x2be000, 0x2c0000)
	m.PutIn(space, seedNtdll, pdbtest.Header(seedNtdllStamp, seedNtdllSize, "ntdll.pdb"))
	m.PutIn(space, 0x7c90eb94, []byte{0xc3}) // ret
	return m, o
}

// seedFrames lays down the stack of the thread, from what the switch saved to the
// user's part.
func seedFrames(m *dumptest.Machine, space *dumptest.Space) {
	for _, w := range []struct {
		at    uint64
		words []uint64
	}{
		{0xf8e27c54, []uint64{0x804dbb2e, 0xf8e27c98, 0, 0, 0}}, // return, ebp, edi, esi, ebx
		{0xf8e27c68, []uint64{0x804dc6a6, 0x810de318, 0x810de2a8, 0x804dc6f2, 0xe1084108, 0x8055a540, 0xe1084108}},
		{0xf8e27c98, []uint64{0xf8e27d48, 0x8056a50a, 1, 0x10, 1}},
		{0xf8e27d48, []uint64{0xf8e27d64, 0x804df06b, 0x7c4, 0x2bff70, 0}},
	} {
		for i, v := range w.words {
			m.Ptr(w.at+4*uint64(i), v)
		}
	}
	m.Fill(0xf8e27d64, "_KTRAP_FRAME", dumptest.Registers{"Eip": 0x7c90eb94, "Ebp": 0x2bff80, "SegCs": 0x1b, "EFlags": 0x246, "HardwareEsp": 0x2bff40, "HardwareSegSs": 0x23})
	m.PutIn(space, 0x2bff40, make([]byte, 0xc0))
}

// seedFunctions are the kernel's functions of the walk, as linked. What
// KeWaitForSingleObject does after a switch was moved behind KiSwapThread later, as in
// the kernels of XP, which were rearranged by what runs often.
var (
	seedMove      = pdbtest.Move{From: 0x804de6d0 - seedKernel, To: 0x804dc6d0 - seedKernel, Size: 0x60}
	seedFunctions = []pdbtest.Function{
		{Name: "KiSwapContext", RVA: 0x804dbb00, Size: 0x40, Frame: isf.Frame{Registers: 16, UsesBP: true}},
		{Name: "KiSwapThread", RVA: 0x804dc660, Size: 0x60},
		{Name: "KeWaitForSingleObject", RVA: 0x804de530, Size: 0x200, Frame: isf.Frame{Kind: isf.FrameNonFPO}},
		{Name: "NtReplyWaitReceivePortEx", RVA: 0x8056a12e, Size: 0x400, Frame: isf.Frame{Kind: isf.FrameNonFPO}},
		{Name: "KiFastCallEntry", RVA: 0x804def73, Size: 0x100, Frame: isf.Frame{Kind: isf.FrameTrap}},
	}
)

// seedNtdllFunctions are those of ntdll.
var seedNtdllFunctions = []pdbtest.Function{
	{Name: "KiFastSystemCall", RVA: 0x7c90eb8b - seedNtdll, Size: 4},
	{Name: "KiFastSystemCallRet", RVA: 0x7c90eb94 - seedNtdll, Size: 1},
}

// seedSymbols writes the kernel's image and its program database as a symbol server
// files them, and the database of ntdll, whose image is in the dump. It returns the
// directory.
func seedSymbols(t *testing.T) string {
	t.Helper()
	list := slices.Clone(seedFunctions)
	for i := range list {
		list[i].RVA -= seedKernel
	}
	dir := t.TempDir()
	put(t, filepath.Join(dir, "ntoskrnl.exe", f("%08X%x", seedKernelStamp, seedKernelSize), "ntoskrnl.exe"), pdbtest.Header(seedKernelStamp, seedKernelSize, "ntoskrnl.pdb"))
	put(t, filepath.Join(dir, "ntoskrnl.pdb", pdbtest.Key(), "ntoskrnl.pdb"), pdbtest.Database(seedKernelSize, list, seedMove))
	put(t, filepath.Join(dir, "ntdll.pdb", pdbtest.Key(), "ntdll.pdb"), pdbtest.Database(seedNtdllSize, seedNtdllFunctions))
	return dir
}

// The walk of the document, over a written dump: its values to the letter.
func TestSeedWalk(t *testing.T) {
	m, _ := seedMachine()
	tg := openDump(t, m.Dump(dumptest.Full))
	dir := seedSymbols(t)
	text := transcript(t, tg, ".sympath "+dir, "dt nt!_LPCP_PORT_OBJECT", "!thread 810de2a8", "!handle 7c4 3 810ddda0", "!lpc port e1084108", "!lpc port", "!object e1084108", `!object \RPC Control`,
		".process 810ddda0", "lm", "ln 7c90eb94", "u ntdll!KiFastSystemCallRet L1", "lmvm ntdll")
	golden.Text(t, "windows/seed.txt", strings.ReplaceAll(text, dir, "SYMBOLS"))
	for _, want := range seedValues {
		if !strings.Contains(text, want) {
			t.Errorf("the transcript has no %q", want)
		}
	}
}

// seedValues are the values of the document, as they stand there.
var seedValues = []string{
	"THREAD 810de2a8  Cid 01dc.01f4  Teb: 7ffde000  Win32Thread: 00000000 WAIT: (WrLpcReceive) UserMode Non-Alertable\n",
	"    81131188  Semaphore Limit 0x7fffffff\n    810de398  NotificationTimer\n", "Not impersonating\n", "DeviceMap e196c460\n",
	"Owning Process 810ddda0       Image:         rpclpcs.exe\n", "Wait Start TickCount      64666666       Ticks: 402 (0:00:00:04.025)\n", "Context Switch Count      2\n",
	"UserTime                  00:00:00.000\n", "KernelTime                00:00:00.000\n", "Win32 Start Address 0x77e76bf0\n", "Start Address 0x7c810856\n",
	"Stack Init f8e28000 Current f8e27c4c Base f8e28000 Limit f8e25000 Call 0\n", "Priority 8 BasePriority 8 PriorityDecrement 0 DecrementCount 0\n",
	"f8e27c64 804dc6a6 810de318 810de2a8 804dc6f2 nt!KiSwapContext+0x2e (FPO: [Uses EBP] [0,0,4])",
	"f8e27c70 804dc6f2 e1084108 8055a540 e1084108 nt!KiSwapThread+0x46 (FPO: [0,0,0])",
	"f8e27c98 8056a50a 00000001 00000010 00000001 nt!KeWaitForSingleObject+0x1c2 (FPO: [Non-Fpo])",
	"f8e27d48 804df06b 000007c4 002bff70 00000000 nt!NtReplyWaitReceivePortEx+0x3dc (FPO: [Non-Fpo])",
	"f8e27d48 7c90eb94 000007c4 002bff70 00000000 nt!KiFastCallEntry+0xf8 (FPO: [0,0] TrapFrame @ f8e27d64)",
	"002bff80 00000000 00000000 00000000 00000000 ntdll!KiFastSystemCallRet (FPO: [0,0,0])",
	"processor number 0, process 810ddda0\n", "PROCESS 810ddda0  SessionId: 0  Cid: 01dc    Peb: 7ffd9000  ParentCid: 01b4\n",
	"    DirBase: 058cd000  ObjectTable: e1a13278  HandleCount: 18.\n", "Handle table at e107d000 with 18 Entries in use\n",
	"07c4: Object: e1084108  GrantedAccess: 001f0001 Entry: e107df88\n", "Object: e1084108  Type: (812b5c80) Port\n", "    ObjectHeader: e10840f0 (old version)\n",
	"        HandleCount: 1  PointerCount: 4\n", "        Directory Object: e14c72c8  Name: rpclpc\n",
	"Server connection port e1084108  Name: rpclpc\n Handles: 1   References: 4\n    Server process  : 810ddda0 (rpclpcs.exe)\n    Queue semaphore : 81131188\n Semaphore state 0 (0x0)\n    The message queue is empty\n    The LpcDataInfoChainHead queue is empty\n",
	portListing(),
}

// portListing is dt of a port object as the document has it.
func portListing() string {
	var b strings.Builder
	for _, l := range [][3]string{
		{"000", "ConnectionPort", "Ptr32 _LPCP_PORT_OBJECT"}, {"004", "ConnectedPort", "Ptr32 _LPCP_PORT_OBJECT"}, {"008", "MsgQueue", "_LPCP_PORT_QUEUE"},
		{"018", "Creator", "_CLIENT_ID"}, {"020", "ClientSectionBase", "Ptr32 Void"}, {"024", "ServerSectionBase", "Ptr32 Void"}, {"028", "PortContext", "Ptr32 Void"},
		{"02c", "ClientThread", "Ptr32 _ETHREAD"}, {"030", "SecurityQos", "_SECURITY_QUALITY_OF_SERVICE"}, {"03c", "StaticSecurity", "_SECURITY_CLIENT_CONTEXT"},
		{"078", "LpcReplyChainHead", "_LIST_ENTRY"}, {"080", "LpcDataInfoChainHead", "_LIST_ENTRY"}, {"088", "ServerProcess", "Ptr32 _EPROCESS"}, {"088", "MappingProcess", "Ptr32 _EPROCESS"},
		{"08c", "MaxMessageLength", "Uint2B"}, {"08e", "MaxConnectionInfoLength", "Uint2B"}, {"090", "Flags", "Uint4B"}, {"094", "WaitEvent", "_KEVENT"},
	} {
		fmt.Fprintf(&b, "   +0x%s %-20s : %s\n", l[0], l[1], l[2])
	}
	return b.String()
}
