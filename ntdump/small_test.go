package ntdump

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/seed-eedd8485/lpc/internal/needs"
	"github.com/seed-eedd8485/lpc/ntdump/dumptest"
)

// smallWorld is a machine of which only small dumps are written.
func smallWorld(p dumptest.Profile) (m *dumptest.Machine, thread uint64) {
	m = dumptest.New(p)
	m.AddModule(dumptest.Module{Name: "ntoskrnl.exe", Size: 0x400000, Stamp: 0x41107b0d})
	m.AddUnloaded(dumptest.Unloaded{Name: "gone.sys", Start: m.DebuggerData() + 0x1000000, End: m.DebuggerData() + 0x1004000})
	system := m.AddProcess(dumptest.Process{ID: 4, Image: "System"})
	m.AddProcess(dumptest.Process{ID: 0x1dc, Parent: 4, Image: "server.exe"})
	thread = m.AddThread(system, dumptest.Thread{ID: 0x20, State: 2})
	if m.Has("_ETHREAD.IrpList") {
		m.Set(thread, "_ETHREAD.IrpList", thread+m.Offset("_ETHREAD.IrpList"))
	}
	m.AddProcessor(thread)
	return m, thread
}

// Small dumps of ARM64 and Itanium: header, modules, thread, process, stack,
// registers, as far as the debugger data tells where they stand.
func TestSmall(t *testing.T) {
	for _, c := range []struct {
		p       dumptest.Profile
		machine Machine
		regs    dumptest.Registers
	}{
		{dumptest.ARM64, ARM64, dumptest.Registers{"Pc": 0xfffff80300012345, "Sp": 0x1111, "Fp": 0x2222, "Lr": 0x3333, "X19": 0x19}},
		{dumptest.IA64, IA64, dumptest.Registers{"StIIP": 0xe000000083012345, "IntSp": 0x1111, "RsBSP": 0x2222}},
	} {
		m, thread := smallWorld(c.p)
		m.Header.Context = m.Record("_CONTEXT", c.regs)
		m.SaveContext(0, c.regs)
		d := read(t, m.Dump(dumptest.Triage))
		equal(t, "machine", d.Header().Machine, c.machine)
		equal(t, "type", d.Header().Type, Triage)
		if len(d.Notes()) > 0 {
			t.Errorf("%s: %q", c.p.Name, d.Notes())
		}
		at, ok := d.CurrentThread()
		if !ok || at != thread {
			t.Errorf("%s: the thread stands at %#x, want %#x", c.p.Name, at, thread)
		}
		th := d.Thread(at)
		if !th.Stack.OK || th.Stack.Size() != 32<<10 || th.State != 2 || th.Process == 0 {
			t.Errorf("%s: %+v", c.p.Name, th)
		}
		if modules, err := d.Modules(); err != nil || len(modules) != 1 || modules[0].Name != "ntoskrnl.exe" {
			t.Errorf("%s: modules %+v, %v", c.p.Name, modules, err)
		}
		if unloaded, err := d.UnloadedModules(); err != nil || len(unloaded) != 1 {
			t.Errorf("%s: unloaded %+v, %v", c.p.Name, unloaded, err)
		}
		for _, from := range []func() (*Registers, error){
			func() (*Registers, error) { return d.Context(d.Header().Context) },
			func() (*Registers, error) { return d.ProcessorContext(0) },
		} {
			r, err := from()
			if err != nil {
				t.Fatalf("%s: %v", c.p.Name, err)
			}
			if pc := c.regs["Pc"] + c.regs["StIIP"]; r.PC() != pc || r.SP() != 0x1111 {
				t.Errorf("%s: pc %#x, sp %#x", c.p.Name, r.PC(), r.SP())
			}
		}
	}
}

// On ARM64 the ids and names of thread and process are found by their shape, as on
// x64.
func TestShapeARM64(t *testing.T) {
	m, _ := smallWorld(dumptest.ARM64)
	d := read(t, m.Dump(dumptest.Triage))
	at, _ := d.CurrentThread()
	th := d.Thread(at)
	p := d.Process(th.Process)
	if th.Err != nil || th.PID != 4 || th.TID != 0x20 || p.Err != nil || p.Image != "System" || p.ID != 4 {
		t.Errorf("%+v, %+v", th, p)
	}
}

// The bounds of an Itanium's two stacks: from the thread's record, and where that
// does not tell them from the dump's second header.
func TestItanium(t *testing.T) {
	m, thread := smallWorld(dumptest.IA64)
	base := m.GetPtr(thread + m.Offset("_KTHREAD.InitialStack"))
	limit := m.GetPtr(thread + m.Offset("_KTHREAD.BStoreLimit"))
	d := read(t, m.Dump(dumptest.Triage))
	b := d.BackingStore(thread)
	equal(t, "backing store", b, BackingStore{Base: limit - 32<<10, Limit: limit, From: "KTHREAD.BStoreLimit", OK: true})
	equal(t, "stack base", d.Thread(thread).Stack.Base, base)
	equal(t, "stack limit", d.Thread(thread).Stack.Limit, base-32<<10)

	m.Set(thread, "_KTHREAD.BStoreLimit", 0)
	b = read(t, m.Dump(dumptest.Triage)).BackingStore(thread)
	equal(t, "without a record", b, BackingStore{Base: limit - 32<<10, Limit: limit, From: "the triage header", OK: true})

	// A dump of its memory is not read, and says so.
	d = read(t, m.Dump(dumptest.Full))
	if ok, why := d.HasPageTables(); ok || d.HasPhysical() || len(d.Notes()) == 0 || why == "" {
		t.Errorf("%q, %q", d.Notes(), why)
	}
	if b := read(t, newWorld(dumptest.X64).Dump(dumptest.Full)).BackingStore(0); b.OK {
		t.Errorf("x64 has a backing store: %+v", b)
	}
}

// Other real small dumps that stand beside the known one are opened and used as a
// whole: triage_arm64.dmp is one that is public (rizinorg/rizin-testbins, dmp/).
func TestOtherSmallDumps(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(filepath.Dir(needs.File(t, "triage_x64.dmp")), "*.dmp"))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		use(t, data)
		d := read(t, data)
		at, ok := d.CurrentThread()
		th := d.Thread(at)
		if !ok || th.Err != nil || !th.Stack.OK {
			t.Errorf("%s: thread %+v", filepath.Base(file), th)
		}
		if modules, err := d.Modules(); err != nil || len(modules) == 0 {
			t.Errorf("%s: %d modules, %v", filepath.Base(file), len(modules), err)
		}
		if filepath.Base(file) != "triage_arm64.dmp" {
			continue
		}
		equal(t, "machine", d.Header().Machine, ARM64)
		equal(t, "build", d.Header().Build, 22000)
		equal(t, "bug check", d.Header().BugCheck.Code, 0x1c8)
		equal(t, "stack size", th.Stack.Size(), 32<<10)
		equal(t, "process", d.Process(th.Process).Image, "System")
	}
}
