package ntdump

import (
	"errors"
	"strings"
	"testing"

	"github.com/seed-eedd8485/lpc/ntdump/dumptest"
)

// The header's context, trap frames of user and kernel, and a task state segment, as
// the writer put them.
func TestRegistersX86(t *testing.T) {
	m := dumptest.New(dumptest.XP)
	p := m.AddProcess(dumptest.Process{ID: 4, Image: "System"})
	th := m.AddThread(p, dumptest.Thread{ID: 8})
	pcr := m.AddProcessor(th)
	m.SaveContext(0, dumptest.Registers{"Eip": 0x804d9999, "Esp": 0xf8e26ff0, "Ebp": 0xf8e27000})
	m.Header.Context = m.Record("_CONTEXT", dumptest.Registers{"Eip": 0x804d7123, "Esp": 0xf8e27000, "Ebp": 0xf8e27010, "SegCs": 8, "EFlags": 0x10246, "Eax": 0xa, "SegSs": 0x10})
	kernel := m.Alloc(m.Size("_KTRAP_FRAME"))
	m.Fill(kernel, "_KTRAP_FRAME", dumptest.Registers{"Eip": 0x804d8888, "Ebp": 0xf8e27444, "SegCs": 8, "EFlags": 0x246, "HardwareEsp": 0x1111, "ErrCode": 2})
	user := m.Alloc(m.Size("_KTRAP_FRAME"))
	m.Fill(user, "_KTRAP_FRAME", dumptest.Registers{"Eip": 0x7c90eb94, "Ebp": 0x2bff80, "SegCs": 0x1b, "EFlags": 0x246, "HardwareEsp": 0x2bff60, "HardwareSegSs": 0x23})
	tss := m.AddTask(pcr, 0x28, dumptest.Registers{"Eip": 0x804e0000, "Esp": 0xf8e25000, "Ebp": 0xf8e25010, "Cs": 8, "Ss": 0x10, "CR3": 0x39000})
	d := read(t, m.Dump(dumptest.Full))
	for _, c := range []struct {
		name       string
		get        func() (*Registers, error)
		pc, sp, fp uint64
	}{
		{"header", func() (*Registers, error) { return d.Context(d.Header().Context) }, 0x804d7123, 0xf8e27000, 0xf8e27010},
		{"processor", func() (*Registers, error) { return d.ProcessorContext(0) }, 0x804d9999, 0xf8e26ff0, 0xf8e27000},
		{"trap from the kernel", func() (*Registers, error) { return d.TrapFrameAt(Space{}, kernel) }, 0x804d8888, kernel + 0x74, 0xf8e27444},
		{"trap from user code", func() (*Registers, error) { return d.TrapFrameAt(Space{}, user) }, 0x7c90eb94, 0x2bff60, 0x2bff80},
		{"task", func() (*Registers, error) { return d.TaskStateAt(Space{}, tss) }, 0x804e0000, 0xf8e25000, 0xf8e25010},
	} {
		r, err := c.get()
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if r.PC() != c.pc || r.SP() != c.sp || r.FP() != c.fp {
			t.Errorf("%s: pc %#x sp %#x fp %#x", c.name, r.PC(), r.SP(), r.FP())
		}
	}
	r, _ := d.TaskStateAt(Space{}, tss)
	if v, ok := r.Get("cr3"); !ok || v != 0x39000 {
		t.Errorf("cr3 %#x", v)
	}
	if _, ok := r.Get("rip"); ok {
		t.Error("a 32-bit record has a rip")
	}
	if _, err := d.ProcessorContext(1); err == nil || !strings.HasPrefix(err.Error(), "reading the state of processor 1: ") {
		t.Errorf("processor 1: %v", err)
	}
	var absent *Absent
	if _, err := d.TaskStateAt(Space{}, 0x90000000); !errors.As(err, &absent) || err.Error() != "reading KTSS at 0x90000000: no memory at 0x90000000: not mapped" {
		t.Errorf("got %v", err)
	}
}

func TestRegistersX64(t *testing.T) {
	m := dumptest.New(dumptest.X64)
	m.Header.Context = m.Record("_CONTEXT", dumptest.Registers{"Rip": 0xfffff80001001234, "Rsp": 0xfffffadf90001000, "Rbp": 1, "R15": 15, "Rax": 2})
	trap := m.Alloc(m.Size("_KTRAP_FRAME"))
	m.Fill(trap, "_KTRAP_FRAME", dumptest.Registers{"Rip": 0xfffff80001005678, "Rsp": 0xfffffadf90002000, "FaultAddress": 0xdead, "SegCs": 0x10})
	d := read(t, m.Dump(dumptest.Full))
	r, err := d.Context(d.Header().Context)
	if err != nil || r.PC() != 0xfffff80001001234 || r.SP() != 0xfffffadf90001000 || r.FP() != 1 {
		t.Errorf("%+v, %v", r, err)
	}
	if v, _ := r.Get("r15"); v != 15 {
		t.Errorf("r15 %#x", v)
	}
	r, err = d.TrapFrameAt(Space{}, trap)
	if err != nil || r.PC() != 0xfffff80001005678 || r.SP() != 0xfffffadf90002000 {
		t.Errorf("%+v, %v", r, err)
	}
	if v, _ := r.Get("FaultAddress"); v != 0xdead {
		t.Errorf("fault address %#x", v)
	}
	if _, err := d.TaskStateAt(Space{}, trap); err == nil || err.Error() != "reading KTSS: x64 keeps no registers in a task state segment" {
		t.Errorf("got %v", err)
	}
	if _, err := d.Context(nil); err == nil || err.Error() != "reading CONTEXT: the dump holds none here" {
		t.Errorf("got %v", err)
	}
	if _, err := d.Context(make([]byte, 0xff)); err == nil || err.Error() != "reading CONTEXT of x64: 0xff bytes are there, expected 0x100" {
		t.Errorf("got %v", err)
	}
}
