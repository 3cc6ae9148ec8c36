package kd_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/seed-eedd8485/lpc/internal/golden"
	"github.com/seed-eedd8485/lpc/kd"
	"github.com/seed-eedd8485/lpc/ntdump/dumptest"
)

// A stopped is an XP machine whose thread runs in a driver, and how it stopped.
type stopped struct {
	*dumptest.Machine
	nt, driver  uint64
	base, limit uint64 // of the thread's stack
	pcr         uint64
}

func newStopped() *stopped {
	m := &stopped{Machine: dumptest.New(dumptest.XP)}
	m.nt = m.AddModule(dumptest.Module{Name: "ntoskrnl.exe", Base: 0x804d7000, Size: 0x1f8580})
	m.driver = m.AddModule(dumptest.Module{Name: "greedy.sys", Base: 0xf8a00000, Size: 0x8000})
	m.base, m.limit = 0xf8e28000, 0xf8e25000
	p := m.AddProcess(dumptest.Process{ID: 4, Image: "System"})
	// The thread runs: its saved stack pointer is stale, here far below any stack.
	th := m.AddThread(p, dumptest.Thread{ID: 0x10c, StackBase: m.base, State: 2, Kernel: 0x11111110})
	m.pcr = m.AddProcessor(th)
	return m
}

// deep lays frames of a driver that calls itself from fp up to the kernel's.
func (m *stopped) deep(fp uint64) uint64 {
	first := fp
	frame := func(size, ret uint64) {
		m.Ptr(fp, fp+size)
		m.Ptr(fp+4, ret)
		fp += size
	}
	for fp+0x200 < m.base-0x800 {
		frame(0x100, m.driver+0x1234)
		frame(0x100, m.driver+0x2345)
	}
	frame(0x500, m.nt+0x5000)
	frame(0x40, m.nt+0x6000)
	m.Ptr(fp, 0)
	m.Ptr(fp+4, 0)
	return first
}

// interrupted lays a kernel's trap frame at an address: the stack pointer of what it
// interrupted is its end.
func (m *stopped) interrupted(at, ebp uint64) uint64 {
	m.Fill(at, "_KTRAP_FRAME", dumptest.Registers{"Eip": m.driver + 0x1000, "Ebp": ebp, "SegCs": 8, "EFlags": 0x246, "ErrCode": 2})
	return at
}

// Each class of bug check that a stack can cause, and what else it can be.
func TestStackcheckCommand(t *testing.T) {
	for name, stop := range map[string]func(m *stopped) []string{
		"7f_limit": func(m *stopped) []string { // the double fault of a push at the limit
			m.AddTask(m.pcr, 0x28, dumptest.Registers{"Eip": m.driver + 0x1000, "Esp": m.limit, "Ebp": m.deep(m.limit + 8), "Cs": 8, "Ss": 0x10})
			handler := m.AddTask(m.pcr, 0x50, dumptest.Registers{"Eip": m.nt + 0x9000, "Backlink": 0x28})
			m.Header.Code, m.Header.Params = 0x7f, [4]uint64{8, handler, 0, 0}
			return []string{".tss 28", "kf", ".tss 50", f(".tss %x", handler)}
		},
		"7f_dpc": func(m *stopped) []string { // on the processor's stack for deferred calls
			top := m.Alloc(0x4000)&^0xfff + 0x4000
			m.Set(m.pcr+m.Offset("_KPCR.PrcbData"), "_KPRCB.DpcStack", top)
			fp := top - 0x400
			m.Ptr(fp, top-0x80)
			m.Ptr(fp+4, m.driver+0x1234)
			m.Ptr(top-0x80, 0)
			m.Ptr(top-0x7c, m.nt+0x5000)
			m.AddTask(m.pcr, 0x28, dumptest.Registers{"Eip": m.driver + 0x1000, "Esp": top - 0x500, "Ebp": fp, "Cs": 8, "Ss": 0x10})
			m.Header.Code, m.Header.Params = 0x7f, [4]uint64{8, m.AddTask(m.pcr, 0x50, dumptest.Registers{"Backlink": 0x28}), 0, 0}
			return []string{".tss 28", "kf"}
		},
		"7f_divide": func(m *stopped) []string {
			m.Header.Code, m.Header.Params = 0x7f, [4]uint64{}
			return nil
		},
		"8e_guard": func(m *stopped) []string {
			trap := m.interrupted(m.limit+0x80, m.deep(m.limit+0x108))
			m.Header.Code, m.Header.Params = 0x1000008e, [4]uint64{0xc0000005, m.driver + 0x1000, trap, 0}
			return []string{f(".trap %x", trap), "kvf 5"}
		},
		"8e_breakpoint": func(m *stopped) []string {
			m.Header.Code, m.Header.Params = 0x8e, [4]uint64{0x80000003, m.driver + 0x1000, 0, 0}
			return nil
		},
		"7e_guard": func(m *stopped) []string {
			record := m.Alloc(m.Size("_CONTEXT"))
			m.Fill(record, "_CONTEXT", dumptest.Registers{"Eip": m.driver + 0x1000, "Esp": m.limit - 4, "Ebp": m.deep(m.limit + 8)})
			m.Header.Code, m.Header.Params = 0x7e, [4]uint64{0xc0000005, m.driver + 0x1000, 0, record}
			return []string{f(".cxr %x", record), "k 3"}
		},
		"1e_other": func(m *stopped) []string {
			m.Header.Code, m.Header.Params = 0x1e, [4]uint64{0xc0000005, m.driver + 0x1000, 0, 0x10}
			m.Header.Context = m.Record("_CONTEXT", dumptest.Registers{"Eip": m.driver + 0x1000, "Esp": m.base - 0x900, "Ebp": m.deep(m.base - 0x880)})
			return []string{"r"}
		},
		"2b": func(m *stopped) []string {
			m.Header.Code, m.Header.Params = 0x2b, [4]uint64{m.interrupted(m.limit+0x80, m.deep(m.limit+0x100)), 0, 0, 0}
			return nil
		},
		"e2_stale": func(m *stopped) []string { // no stack case, whatever KernelStack says
			m.Header.Code = 0xe2
			m.SaveContext(0, dumptest.Registers{"Eip": m.nt + 0x100, "Esp": m.base - 0x700, "Ebp": m.deep(m.base - 0x6f0)})
			return []string{"!thread", "k = @ebp @esp @eip 2", "k =1 2"}
		},
		"unreadable": func(m *stopped) []string { // the record that the bug check names is not there
			m.Header.Code, m.Header.Params = 0x7e, [4]uint64{0xc0000005, 0, 0, 0x90000000}
			return []string{"k", ".cxr 90000000", ".trap 90000000", ".tss 90000000"}
		},
	} {
		t.Run(name, func(t *testing.T) {
			m := newStopped()
			lines := append([]string{".bugcheck", "!stackcheck", "!analyze"}, stop(m)...)
			text := transcript(t, openDump(t, m.Dump(dumptest.Full)), lines...)
			golden.Text(t, "windows/stack_"+name+".txt", text)
			if bitmap := transcript(t, openDump(t, m.Dump(dumptest.Summary)), lines...); bitmap != text {
				t.Errorf("a kernel dump shows something else: %s", golden.Differ(bitmap, text))
			}
		})
	}
}

// The form that scripts read has all that the text has.
func TestStackcheckJSON(t *testing.T) {
	m := newStopped()
	m.AddTask(m.pcr, 0x28, dumptest.Registers{"Eip": m.driver + 0x1000, "Esp": m.limit, "Ebp": m.deep(m.limit + 8), "Cs": 8, "Ss": 0x10})
	m.Header.Code, m.Header.Params = 0x7f, [4]uint64{8, m.AddTask(m.pcr, 0x50, dumptest.Registers{"Backlink": 0x28}), 0, 0}
	s := kd.NewSession(openDump(t, m.Dump(dumptest.Full)))
	s.JSON = true
	var b bytes.Buffer
	if err := s.Run(t.Context(), &b, f("!stackcheck; k = %x %x %x 2", m.limit+8, m.limit, m.driver+0x1000)); err != nil {
		t.Fatal(err)
	}
	golden.Text(t, "windows/stackcheck.json", b.String())

	// Letters typed as one word change nothing of it.
	var forms [2]string
	for i, command := range []string{"kv", "kvn"} {
		var b bytes.Buffer
		if err := s.Run(t.Context(), &b, f("%s = %x %x %x 2", command, m.limit+8, m.limit, m.driver+0x1000)); err != nil {
			t.Fatal(err)
		}
		forms[i] = strings.Replace(b.String(), command, "k", 1)
	}
	if forms[0] != forms[1] || !strings.Contains(forms[0], `"frames":[`) {
		t.Errorf("kv gives %s, kvn %s", forms[0], forms[1])
	}
}

// On x64 a double fault leaves what it interrupted in the header, at the instruction
// that the fourth parameter names; the processor's own record is the bug check's.
func TestDoubleFaultX64(t *testing.T) {
	m := dumptest.New(dumptest.X64)
	nt := m.AddModule(dumptest.Module{Name: "ntoskrnl.exe", Size: 0x400000})
	p := m.AddProcess(dumptest.Process{ID: 4, Image: "System"})
	const base = 0xfffffadf9123c000
	m.AddProcessor(m.AddThread(p, dumptest.Thread{ID: 8, StackBase: base, State: 2}))
	m.SaveContext(0, dumptest.Registers{"Rip": nt + 0x8000, "Rsp": base - 0x100})
	m.Header.Code, m.Header.Params = 0x7f, [4]uint64{8, 0x80050031, 0x6f8, nt + 0x1000}
	m.Header.Context = m.Record("_CONTEXT", dumptest.Registers{"Rip": nt + 0x1000, "Rsp": base - 0x6000 - 8})
	golden.Text(t, "windows/stack_7f_x64.txt", transcript(t, openDump(t, m.Dump(dumptest.BitmapKernel)), "!stackcheck", "!analyze", "r rip", "kf 2"))
}

// Windows 10 without symbols: what the debugger data tells of threads, and no more.
func TestWindows10(t *testing.T) {
	m := dumptest.New(dumptest.Win10)
	nt := m.AddModule(dumptest.Module{Name: "ntoskrnl.exe", Size: 0x400000, Stamp: 0xd8333e6})
	p := m.AddProcess(dumptest.Process{ID: 4, Image: "System"})
	th := m.AddThread(p, dumptest.Thread{ID: 0x108, State: 2})
	other := m.AddThread(p, dumptest.Thread{ID: 0x10c, State: 5, WaitReason: 6})
	m.AddProcessor(th)
	m.Set(th, "_ETHREAD.IrpList", th+m.Offset("_ETHREAD.IrpList"))
	m.SaveContext(0, dumptest.Registers{"Rip": nt + 0x8000, "Rsp": m.GetPtr(th+m.Offset("_KTHREAD.StackBase")) - 0x400})
	golden.Text(t, "windows/win10.txt", transcript(t, openDump(t, m.Dump(dumptest.BitmapKernel)),
		"vertarget", "lmtn", "!process 0 0", "!process 0 7", "!thread", f("!thread %x", other), "!stacks", f(".thread %x", other), "k", "!handle", "!lpc"))
}
