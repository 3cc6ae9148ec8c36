package ntdump

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/seed-eedd8485/lpc/internal/needs"
)

func open(t testing.TB, path string) *Dump {
	t.Helper()
	d, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

func equal[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %#v, want %#v", what, got, want)
	}
}

// A real small dump of Windows 10, in every point that is known of it from
// independent readers (shared/data/README.md).
func TestTriageX64(t *testing.T) {
	d := open(t, needs.File(t, "triage_x64.dmp"))
	h := d.Header()
	equal(t, "type", h.Type, Triage)
	equal(t, "machine", h.Machine, X64)
	equal(t, "build", h.Build, 19041)
	equal(t, "processors", h.CPUs, 16)
	equal(t, "DTB", h.DTB, 0x1ad000)
	equal(t, "PsLoadedModuleList", h.Modules, 0xfffff8047c62a390)
	equal(t, "PsActiveProcessHead", h.Processes, 0xfffff8047c61e200)
	equal(t, "KDBG", h.Debugger, 0xfffff8047c600b20)
	equal(t, "bug check", h.BugCheck, BugCheck{Code: 0x1000007e, OK: true,
		Params: [4]uint64{0xffffffffc0000005, 0xfffff8048b58334c, 0xffff850429891ee8, 0xffff850429891720}})
	equal(t, "time", h.Time.Round(10*time.Millisecond).Format(time.RFC3339Nano), "2021-02-21T01:38:22.99Z")
	equal(t, "uptime", h.Uptime.Truncate(time.Millisecond), 3747*time.Millisecond)
	equal(t, "notes", strings.Join(d.Notes(), "; "), "")
	equal(t, "physical memory", d.HasPhysical(), false)

	k := d.Debugger()
	if k == nil {
		t.Fatal("no debugger data")
	}
	equal(t, "KDBG size", k.Size(), 0x380)
	equal(t, "KDBG address", k.Addr, h.Debugger)
	list, _ := k.Address(PsLoadedModuleList)
	equal(t, "KDBG.PsLoadedModuleList", list, h.Modules)
	page, _ := k.Value(MmPageSize)
	equal(t, "MmPageSize", page, 0x1000)
	for _, c := range []struct {
		f    Field16
		want int
	}{{KThreadTeb, 0xf0}, {KThreadKernelStack, 0x58}, {KThreadInitialStack, 0x28}, {KThreadApcProcess, 0xb8}, {KThreadState, 0x184},
		{SizeEProcess, 0xa40}, {EProcessParentCid, 0x540}, {EProcessDirectoryTableBase, 0x28}, {SizePrcb, 0xaf00}, {PrcbCurrentThread, 8}, {SizeEThread, 0x898}} {
		got, _ := k.Offset(c.f)
		equal(t, "offset "+itoa(uint32(c.f)), got, c.want)
	}

	modules, err := d.Modules()
	if err != nil {
		t.Error(err)
	}
	equal(t, "modules", len(modules), 151)
	lowest := modules[0]
	for _, m := range modules {
		if m.Err != nil || m.Name == "" {
			t.Errorf("module at %#x: %q, %v", m.Base, m.Name, m.Err)
		}
		if m.Base < lowest.Base {
			lowest = m
		}
	}
	equal(t, "lowest module", lowest, Module{Name: "hal.dll", Path: `\SystemRoot\system32\hal.dll`, Base: 0xfffff80479440000, Size: 0x6000, Stamp: 0x1a7be8e9,
		Entry: lowest.Entry, CheckSum: lowest.CheckSum})
	unloaded, err := d.UnloadedModules()
	if err != nil {
		t.Error(err)
	}
	equal(t, "unloaded modules", len(unloaded), 4)
	for _, u := range unloaded {
		if u.Name == "" || u.Start>>47 != 0x1ffff || u.End <= u.Start {
			t.Errorf("unloaded: %+v", u)
		}
	}

	at, ok := d.CurrentThread()
	equal(t, "current thread is known", ok, true)
	thread := d.Thread(at)
	if thread.Err != nil {
		t.Error(thread.Err)
	}
	equal(t, "thread", thread.Addr, 0xffffc08bde9e1640)
	equal(t, "Cid process", thread.PID, 4)
	equal(t, "Cid thread", thread.TID, 0x108)
	equal(t, "stack base", thread.Stack.Base, 0xffff850429893000)
	equal(t, "stack limit", thread.Stack.Limit, 0xffff85042988d000)
	equal(t, "stack size", thread.Stack.Size(), 24<<10)
	equal(t, "state", thread.State, 2)
	pa, ok := d.CurrentProcess()
	equal(t, "current process is known", ok, true)
	p := d.Process(pa)
	if p.Err != nil {
		t.Error(p.Err)
	}
	equal(t, "process", p.Image, "System")
	equal(t, "pid", p.ID, 4)
	equal(t, "process DTB", p.DTB&^0xfff, h.DTB)
	equal(t, "thread's process", thread.Process, pa)

	c, err := d.ProcessorContext(0)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "saved rip", c.PC(), 0xfffff8047bdf5a80)
	equal(t, "saved rsp", c.SP(), 0xffff850429890ee8)
	// The header has the exception's context; bug check 7E names the same one.
	c, err = d.Context(h.Context)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "rip in the header", c.PC(), 0xfffff8048b58334c)
	// Bug check 7E names the exception's record and context in its parameters.
	c, err = d.ContextAt(Space{}, h.BugCheck.Params[3])
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "exception's rip", c.PC(), 0xfffff8048b58334c)
	equal(t, "exception's rsp", c.SP(), 0xffff850429892120)
	e, err := d.ExceptionAt(Space{}, h.BugCheck.Params[2])
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "exception", e.Code, 0xc0000005)
	equal(t, "exception's address", e.Address, 0xfffff8048b58334c)
	for _, m := range modules {
		if m.Contains(e.Address) {
			equal(t, "module of the exception", m.Name, "amdppm.sys")
		}
	}
	equal(t, "call stack", d.CallStack(), Range{0xffff850429890ee8, 0x2118})
	stack := make([]byte, 0x2118)
	if _, err := d.ReadMemory(0xffff850429890ee8, stack); err != nil {
		t.Error(err)
	}
}

// What a small dump does not hold is said, and never zero.
func TestTriageAbsent(t *testing.T) {
	d := open(t, needs.File(t, "triage_x64.dmp"))
	dst := []byte{0xaa, 0xaa, 0xaa, 0xaa}
	n, err := d.ReadMemory(0xfffff80000000000, dst)
	var absent *Absent
	if n != 0 || !errors.As(err, &absent) || absent.Reason != NotInDump || dst[0] != 0xaa {
		t.Errorf("%d bytes %x, %v", n, dst, err)
	}
	equal(t, "text", err.Error(), "no memory at 0xfffff80000000000: not in the dump")
	// The end of the call stack is the stack's base; memory ends there.
	n, err = d.ReadMemory(0xffff850429893000-2, dst)
	if n != 2 || !errors.As(err, &absent) || absent.Addr != 0xffff850429893000 {
		t.Errorf("over the end: %d bytes, %v", n, err)
	}
	ok, why := d.HasPageTables()
	equal(t, "page tables", ok, false)
	equal(t, "why", why, "a triage dump holds no page tables")
	tr, err := d.Translate(Space{}, 0xfffff8047c62a390)
	if err != nil || tr.Absent == nil || tr.Absent.Reason != NoTables {
		t.Errorf("translation: %+v, %v", tr, err)
	}
	if n, err := d.ReadPhysical(0x1000, dst); n != 0 || err == nil {
		t.Errorf("physical memory: %d bytes", n)
	}
	for p := range d.Processes() {
		if p.Err == nil || p.Err.Error() != "listing processes: a triage dump holds one process, no list" {
			t.Errorf("%+v", p)
		}
	}
}
