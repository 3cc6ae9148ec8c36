package stackcheck

import (
	"bytes"
	"strings"
	"testing"

	"github.com/seed-eedd8485/lpc/internal/golden"
	"github.com/seed-eedd8485/lpc/internal/needs"
	"github.com/seed-eedd8485/lpc/ntdump"
	"github.com/seed-eedd8485/lpc/ntdump/dumptest"
)

// Addresses of the written machines.
const (
	stackBase  = 0xf8e28000
	stackLimit = 0xf8e25000
	kernelBase = 0x804d7000
	driverBase = 0xf8a00000
)

// machine is an XP machine whose thread runs in a driver.
type machine struct {
	*dumptest.Machine
	thread, pcr, handler uint64
}

func newMachine() *machine {
	m := &machine{Machine: dumptest.New(dumptest.XP)}
	m.AddModule(dumptest.Module{Name: "ntoskrnl.exe", Base: kernelBase, Size: 0x1f8580})
	m.AddModule(dumptest.Module{Name: "greedy.sys", Base: driverBase, Size: 0x8000})
	p := m.AddProcess(dumptest.Process{ID: 4, Image: "System"})
	m.thread = m.AddThread(p, dumptest.Thread{ID: 0x10c, StackBase: stackBase, State: 2, Kernel: 0x11111110}) // KernelStack is stale
	m.pcr = m.AddProcessor(m.thread)
	return m
}

// chain writes frames from low to high, of the given sizes, with the given return
// addresses, and returns the frame pointer of the innermost.
func (m *machine) chain(fp uint64, frames ...[2]uint64) uint64 {
	first := fp
	for _, f := range frames {
		m.Ptr(fp, fp+f[0])
		m.Ptr(fp+4, f[1])
		fp += f[0]
	}
	m.Ptr(fp, 0)
	m.Ptr(fp+4, 0)
	return first
}

// deep is a chain of a driver that calls itself, up to a frame of the kernel.
func (m *machine) deep(from uint64) uint64 {
	var frames [][2]uint64
	for at := from; at+0x200 < stackBase-0x800; at += 0x200 {
		frames = append(frames, [2]uint64{0x100, driverBase + 0x1234}, [2]uint64{0x100, driverBase + 0x2345})
	}
	return m.chain(from, append(frames, [2]uint64{0x500, kernelBase + 0x5000}, [2]uint64{0x40, kernelBase + 0x6000})...)
}

// doubleFault enters the interrupted state as the processor leaves it.
func (m *machine) doubleFault(esp, ebp, eip uint64) {
	m.AddTask(m.pcr, 0x28, dumptest.Registers{"Eip": eip, "Esp": esp, "Ebp": ebp, "Cs": 8, "Ss": 0x10})
	m.handler = m.AddTask(m.pcr, 0x50, dumptest.Registers{"Eip": kernelBase + 0x9000, "Backlink": 0x28})
	m.Header.Code, m.Header.Params = 0x7f, [4]uint64{8, m.handler, 0, 0}
}

func check(t *testing.T, m *machine, kind dumptest.Kind) *Result {
	t.Helper()
	return checkData(t, m.Dump(kind))
}

func checkData(t *testing.T, data []byte) *Result {
	t.Helper()
	d, err := ntdump.New(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	r, err := Check(d)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// What is special about one class, as golden text; matrix_test.go has what all share.
func TestCheck(t *testing.T) {
	trap := func(m *machine, esp uint64, ebp, eip uint64) uint64 {
		// The kernel's trap frame has no stack pointer: it stands at the frame's end.
		at := esp - 0x74
		m.Fill(at, "_KTRAP_FRAME", dumptest.Registers{"Eip": eip, "Ebp": ebp, "SegCs": 8, "EFlags": 0x246})
		return at
	}
	for _, c := range []struct {
		name string
		make func(m *machine)
		want Verdict
	}{
		{"7f-limit", func(m *machine) { m.doubleFault(stackLimit, m.deep(stackLimit+8), driverBase+0x1000) }, Overflow},
		{"7f-guard", func(m *machine) { m.doubleFault(stackLimit-0x48, m.deep(stackLimit+8), driverBase+0x1000) }, Overflow},
		{"7f-cr2", func(m *machine) {
			m.doubleFault(stackLimit+0x400, m.deep(stackLimit+0x408), driverBase+0x1000)
			prcb := m.pcr + m.Offset("_KPCR.PrcbData")
			m.Set(prcb+m.Offset("_KPRCB.ProcessorState.SpecialRegisters"), "_KSPECIAL_REGISTERS.Cr2", stackLimit-0x10)
		}, Overflow},
		{"7f-bit", func(m *machine) { m.doubleFault(stackBase-0x700^1<<20, 0, driverBase+0x1000) }, Hardware},
		{"7f-divide", func(m *machine) { m.Header.Code, m.Header.Params = 0x7f, [4]uint64{0, 0, 0, 0} }, NotACase},
		{"7f-dpc", func(m *machine) {
			top := m.Alloc(0x4000)&^0xfff + 0x4000
			m.Set(m.pcr+m.Offset("_KPCR.PrcbData"), "_KPRCB.DpcStack", top)
			m.doubleFault(top-0x500, 0, driverBase+0x1000)
		}, Other},
		{"8e-off-stack", func(m *machine) {
			m.Header.Code, m.Header.Params = 0x1000008e, [4]uint64{0xc0000005, driverBase + 0x1000, 0, 0}
			at := m.Alloc(0x100)
			m.Header.Params[2] = at
			m.Fill(at, "_KTRAP_FRAME", dumptest.Registers{"Eip": driverBase + 0x1000, "Ebp": m.deep(stackLimit + 8), "SegCs": 8, "EFlags": 0x246})
		}, Corrupt}, // the frame stands off the stack, and so does the stack pointer
		{"8e-breakpoint", func(m *machine) { m.Header.Code, m.Header.Params = 0x8e, [4]uint64{0x80000003, 0, 0, 0} }, NotACase},
		{"1e-trap", func(m *machine) {
			m.Header.Code, m.Header.Params = 0x1000001e, [4]uint64{0xc0000005, driverBase + 0x1000, 0, 0}
			m.Header.Context = m.Record("_CONTEXT", dumptest.Registers{"Eip": kernelBase + 0x100, "Esp": stackLimit + 0x20})
			trap(m, stackLimit+0x100, m.deep(stackLimit+0x108), driverBase+0x1000)
		}, Undecided}, // close to the limit, and no double fault
		{"1e-none", func(m *machine) {
			m.Header.Code, m.Header.Params = 0x1e, [4]uint64{0xc0000005, driverBase + 0x1000, 0, 0}
		}, Undecided},
		{"7e-unreadable", func(m *machine) {
			m.Header.Code, m.Header.Params = 0x7e, [4]uint64{0xc0000005, 0, 0, 0x90000000}
		}, Undecided},
		{"7f-dpc-overflow", func(m *machine) {
			top := m.Alloc(0x6000)&^0xfff + 0x5000
			m.Set(m.pcr+m.Offset("_KPCR.PrcbData"), "_KPRCB.DpcStack", top)
			m.doubleFault(top-0x3000, 0, driverBase+0x1000)
		}, Overflow}, // the page below is mapped here: less sure
		{"7f-large", func(m *machine) {
			m.Set(m.thread, "_KTHREAD.StackLimit", stackBase-0x7000)
			m.Set(m.thread, "_KTHREAD.LargeStack", 1)
			m.doubleFault(stackBase-0x7000, 0, driverBase+0x1000)
		}, Overflow},
		{"7f-size", func(m *machine) {
			m.Set(m.thread, "_KTHREAD.StackLimit", stackBase-0x7000)
			m.doubleFault(stackBase-0x7000, 0, driverBase+0x1000)
		}, Overflow},
		{"7f-second-processor", func(m *machine) {
			m.Header.CPUs = 2
			p := m.GetPtr(m.thread + m.Offset("_KTHREAD.ApcState.Process"))
			th := m.AddThread(p, dumptest.Thread{ID: 0x200, StackBase: stackBase + 0x10000, State: 2})
			m.doubleFault(stackBase-0x700, 0, driverBase+0x2000) // the first processor's tasks
			m.pcr = m.AddProcessor(th)
			m.doubleFault(stackBase+0x10000-0x3000, 0, driverBase+0x1000)
		}, Overflow},
		{"7e-names", func(m *machine) { // what the dump names cannot steer a terminal
			m.AddModule(dumptest.Module{Name: "\x1b]0;x\x07\u202e.sys", Base: driverBase + 0x10000, Size: 0x4000})
			record := m.Alloc(m.Size("_CONTEXT"))
			m.Fill(record, "_CONTEXT", dumptest.Registers{"Eip": driverBase + 0x11000, "Esp": stackBase - 0x700, "Ebp": m.chain(stackBase-0x6f0, [2]uint64{0x500, driverBase + 0x11234})})
			m.Header.Code, m.Header.Params = 0x7e, [4]uint64{0xc0000005, driverBase + 0x11000, 0, record}
		}, Other},
		{"e2", func(m *machine) { m.Header.Code = 0xe2 }, NotACase},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := newMachine()
			c.make(m)
			r := check(t, m, dumptest.Full)
			if r.Verdict != c.want {
				t.Errorf("verdict %s, want %s", r.Verdict, c.want)
			}
			var b bytes.Buffer
			if err := r.WriteText(&b); err != nil {
				t.Fatal(err)
			}
			golden.Text(t, c.name+".txt", b.String())
		})
	}
}

// The numbers of the overflow: all of the stack, recursion of two functions, the
// large frame.
func TestAccount(t *testing.T) {
	m := newMachine()
	m.doubleFault(stackLimit, m.deep(stackLimit+8), driverBase+0x1000)
	r := check(t, m, dumptest.BitmapKernel)
	if r.Used != 0x3000 || r.Percent() != 100 {
		t.Errorf("used %#x, %d %%", r.Used, r.Percent())
	}
	if r.Recursion == nil || len(r.Recursion.Places) != 2 || r.Recursion.Rounds < 10 || !strings.HasPrefix(r.Recursion.Places[0], "greedy+0x") {
		t.Errorf("recursion %+v", r.Recursion)
	}
	if len(r.Large) != 1 || r.Large[0].Bytes != 0x500 || len(r.Largest) != topFrames || r.Largest[0] != r.Large[0] {
		t.Errorf("large %+v, largest %+v", r.Large, r.Largest)
	}
	if len(r.Modules) != 2 || r.Modules[0].Name != "greedy" || r.Modules[1].Name != "nt" {
		t.Errorf("modules %+v", r.Modules)
	}
}

// On x64 the header's context is the interrupted one, and stacks have 24 KB.
func TestX64(t *testing.T) {
	for _, c := range []struct {
		below uint64 // the stack pointer, in bytes below the limit
		want  Verdict
	}{{1, Overflow}, {0x1000, Overflow}, {0x1001, Hardware}, {0, Overflow}, {^uint64(0x1ff) + 1, Overflow}, {^uint64(0x200) + 1, Other}} {
		m := dumptest.New(dumptest.X64)
		nt := m.AddModule(dumptest.Module{Name: "ntoskrnl.exe", Size: 0x400000})
		p := m.AddProcess(dumptest.Process{ID: 4, Image: "System"})
		const base = 0xfffffadf9123c000
		m.AddProcessor(m.AddThread(p, dumptest.Thread{ID: 8, StackBase: base}))
		m.Header.Code, m.Header.Params = 0x1000007f, [4]uint64{8, 0x80050031, 0x6f8, nt + 0x1000}
		m.Header.Context = m.Record("_CONTEXT", dumptest.Registers{"Rip": nt + 0x1000, "Rsp": base - 0x6000 - c.below})
		data := m.Dump(dumptest.BitmapKernel)
		d, err := ntdump.New(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			t.Fatal(err)
		}
		r, err := Check(d)
		if err != nil || r.Verdict != c.want || r.Code != 0x7f || r.Base-r.Limit != 0x6000 {
			t.Errorf("%#x below the limit: %+v, %v, want %s", c.below, r, err, c.want)
		}
	}
}

// The real small dump is a 7E with an access violation whose stack pointer is far
// from the limit.
func TestTriage(t *testing.T) {
	d, err := ntdump.Open(needs.File(t, "triage_x64.dmp"))
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	r, err := Check(d)
	if err != nil {
		t.Fatal(err)
	}
	if r.Verdict != Other || r.Confidence != High || r.Used != 0xffff850429893000-0xffff850429892120 || r.Base-r.Limit != 0x6000 {
		t.Errorf("%s, %s, used %#x", r.Verdict, r.Confidence, r.Used)
	}
}
