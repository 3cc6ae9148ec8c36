package stackcheck

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/seed-eedd8485/lpc/internal/golden"
	"github.com/seed-eedd8485/lpc/ntdump"
	"github.com/seed-eedd8485/lpc/ntdump/dumptest"
)

// A scene is a thread that was stopped: with which registers, and which address it
// could not use.
type scene struct {
	*dumptest.Machine
	nt, driver    uint64
	base, limit   uint64
	thread, pcr   uint64
	pc, sp, fault uint64
}

// newScene is a machine whose thread runs in a driver.
func newScene(p dumptest.Profile) *scene {
	s := &scene{Machine: dumptest.New(p)}
	s.nt = s.AddModule(dumptest.Module{Name: "ntoskrnl.exe", Size: 0x200000})
	s.driver = s.AddModule(dumptest.Module{Name: "greedy.sys", Size: 0x8000})
	process := s.AddProcess(dumptest.Process{ID: 4, Image: "System"})
	s.thread = s.AddThread(process, dumptest.Thread{ID: 0x10c, State: 2})
	s.base = s.GetPtr(s.thread + s.Offset("_KTHREAD.InitialStack"))
	s.limit = s.base - uint64(map[int]int{32: 0x3000, 64: 0x6000}[p.Bits])
	if p.Machine == dumptest.ARM64.Machine {
		s.limit = s.base - 0x8000
	}
	s.saved(s.base - 0x800)
	s.pcr = s.AddProcessor(s.thread)
	s.pc = s.driver + 0x1000
	return s
}

// saved sets the stack pointer that the thread's record saves.
func (s *scene) saved(sp uint64) { s.Ptr(s.thread+s.Offset("_KTHREAD.KernelStack"), sp) }

// frames lays frames from an address up to the base, each with the next of the return
// addresses, and returns where the first stands.
func (s *scene) frames(at uint64, size uint64, returns ...uint64) uint64 {
	ptr := uint64(s.Pointer())
	first := at
	for i := 0; at+size+0x100 < s.base; i++ {
		s.Ptr(at, at+size)
		s.Ptr(at+ptr, returns[i%len(returns)])
		at += size
	}
	s.Ptr(at, 0)
	s.Ptr(at+ptr, 0)
	return first
}

// registers are those of the scene by a record's names.
func (s *scene) registers(trap bool) dumptest.Registers {
	fp := s.sp + 8
	switch {
	case s.Bits == 32 && trap:
		return dumptest.Registers{"Eip": s.pc, "Ebp": fp, "SegCs": 8, "EFlags": 0x10246}
	case s.Bits == 32:
		return dumptest.Registers{"Eip": s.pc, "Esp": s.sp, "Ebp": fp}
	case s.Machine.Profile.Machine == dumptest.ARM64.Machine:
		return dumptest.Registers{"Pc": s.pc, "Sp": s.sp, "Fp": fp}
	case trap:
		return dumptest.Registers{"Rip": s.pc, "Rsp": s.sp, "Rbp": fp, "SegCs": 0x10, "EFlags": 0x10246}
	}
	return dumptest.Registers{"Rip": s.pc, "Rsp": s.sp, "Rbp": fp}
}

// trapFrame lays a trap frame: on x86 the interrupted stack pointer is its end.
func (s *scene) trapFrame() uint64 {
	at := s.sp - 0x74
	if s.Bits == 64 {
		at = s.Alloc(s.Size("_KTRAP_FRAME"))
	}
	s.Fill(at, "_KTRAP_FRAME", s.registers(true))
	return at
}

// exception is an EXCEPTION_RECORD of the scene, a write.
func (s *scene) exception() []byte {
	ptr := uint64(s.Pointer())
	at := s.Alloc(0x98)
	s.Number(at, 0xc0000005, 4)
	s.Ptr(at+8+ptr, s.pc)
	s.Number(at+8+2*ptr, 2, 4)
	s.Ptr(at+8+3*ptr, 1)
	s.Ptr(at+8+4*ptr, s.fault)
	return s.Get(at, map[int]int{32: 0x50, 64: 0x98}[s.Bits])
}

// classes are the bug checks that a stack can cause: how each tells what it
// interrupted.
var classes = []struct {
	name string
	code uint32
	stop func(s *scene)
}{
	{"7f", 0x7f, func(s *scene) {
		if s.Bits == 64 { // the header has what was interrupted, the fourth parameter the instruction
			s.Header.Context = s.Record("_CONTEXT", s.registers(false))
			s.Header.Params = [4]uint64{8, 0x80050031, 0x6f8, s.pc}
			return
		}
		s.AddTask(s.pcr, 0x28, dumptest.Registers{"Eip": s.pc, "Esp": s.sp, "Ebp": s.sp + 8, "Cs": 8, "Ss": 0x10})
		handler := s.AddTask(s.pcr, 0x50, dumptest.Registers{"Eip": s.nt + 0x9000, "Backlink": 0x28})
		s.Header.Params = [4]uint64{8, handler, 0, 0}
	}},
	{"1e", 0x1e, func(s *scene) {
		s.Header.Context = s.Record("_CONTEXT", s.registers(false))
		s.Header.Params = [4]uint64{0xc0000005, s.pc, 1, s.fault}
	}},
	{"7e", 0x7e, func(s *scene) {
		record, exception := s.Alloc(s.Size("_CONTEXT")), s.Alloc(0x98)
		s.Fill(record, "_CONTEXT", s.registers(false))
		s.Put(exception, s.exception())
		s.Header.Params = [4]uint64{0xc0000005, s.pc, exception, record}
	}},
	{"8e", 0x8e, func(s *scene) {
		s.Header.Exception = s.exception()
		s.Header.Params = [4]uint64{0xc0000005, s.pc, s.trapFrame(), 0}
	}},
	{"2b", 0x2b, func(s *scene) { s.Header.Params = [4]uint64{s.trapFrame(), 0, 0, 0} }},
}

// stops are what can have happened to the stack, with the verdict.
var stops = []struct {
	name string
	make func(s *scene, code uint32)
	want Verdict
}{
	// The stack is used up by ever other functions. A trap needs room for its frame, so
	// where one tells, it was a probe of the guard page.
	{"overflow", func(s *scene, code uint32) {
		s.end(code)
		var returns []uint64
		for i := range uint64(64) {
			returns = append(returns, s.driver+0x1100+0x20*i, s.nt+0x5000+0x100*i)
		}
		s.frames(s.sp+8, 0x180, returns...)
	}, Overflow},
	{"recursion", func(s *scene, code uint32) {
		s.end(code)
		s.frames(s.sp+8, 0x90, s.driver+0x1234, s.driver+0x2344, s.nt+0x5000)
	}, Overflow},
	{"other", func(s *scene, _ uint32) {
		s.sp, s.fault = s.base-0x700, 0x10
		s.frames(s.sp+8, 0x200, s.driver+0x1234, s.nt+0x5000)
	}, Other},
	// What the record of a running thread saves may look like an overflow.
	{"stale", func(s *scene, _ uint32) {
		s.saved(s.limit - 0x20)
		s.sp, s.fault = s.base-0x900, 0x10
		s.frames(s.sp+8, 0x200, s.driver+0x1234, s.nt+0x5000)
	}, Other},
	{"corrupt", func(s *scene, _ uint32) {
		s.sp, s.fault = s.Alloc(0x400)+0x200, 0x10
		if s.Bits == 64 {
			s.sp = 0x12345678
		}
	}, Corrupt},
}

// end leaves the stack pointer where each bug check finds it at the end of a stack.
func (s *scene) end(code uint32) {
	switch code {
	case 0x7f:
		s.sp = s.limit
	case 0x7e:
		s.sp = s.limit - 8
	case 0x2b:
		s.sp = s.limit + 0x80
	default:
		s.sp = s.limit + 0x240
	}
	s.fault = s.limit - 0x20
}

// Each class, on x86 and x64, with and without an overflow, with recursion, with a
// stale saved stack pointer and with a corrupt one, as golden text; the _M variant of
// each says the same.
func TestMatrix(t *testing.T) {
	for machine, p := range map[string]dumptest.Profile{"x86": dumptest.XP, "x64": dumptest.X64} {
		for _, class := range classes {
			for _, stop := range stops {
				t.Run(machine+"/"+class.name+"-"+stop.name, func(t *testing.T) {
					var texts [2]string
					for i, code := range []uint32{class.code, class.code | 0x10000000} {
						s := newScene(p)
						stop.make(s, class.code)
						class.stop(s)
						s.Header.Code = code
						r := checkData(t, s.Dump(dumptest.BitmapKernel))
						if r.Verdict != stop.want {
							t.Errorf("%x: verdict %s, want %s", code, r.Verdict, stop.want)
						}
						if (stop.name == "recursion") != (r.Recursion != nil && r.Recursion.Rounds > 5) {
							t.Errorf("%x: recursion %+v", code, r.Recursion)
						}
						var b bytes.Buffer
						if err := r.WriteText(&b); err != nil {
							t.Fatal(err)
						}
						texts[i] = b.String()
					}
					golden.Text(t, machine+"/"+class.name+"-"+stop.name+".txt", texts[0])
					if texts[1] != texts[0] {
						t.Errorf("the _M variant says something else:\n%s", texts[1])
					}
				})
			}
		}
	}
}

// On x64 a double fault whose header has the handler's registers: the trap frame on
// its stack has the interrupted ones.
func TestDoubleFaultTrap(t *testing.T) {
	s := newScene(dumptest.X64)
	s.sp = s.limit - 8
	handler := s.Alloc(0x2000) + 0x1000
	s.Header.Context = s.Record("_CONTEXT", dumptest.Registers{"Rip": s.nt + 0x8000, "Rsp": handler})
	s.Fill(handler+0x200, "_KTRAP_FRAME", s.registers(true))
	s.Header.Code, s.Header.Params = 0x7f, [4]uint64{8, 0x80050031, 0x6f8, s.pc}
	r := checkData(t, s.Dump(dumptest.BitmapKernel))
	if r.Verdict != Overflow || r.SP != s.sp || !strings.HasPrefix(r.State, "trap frame at ") {
		t.Errorf("%+v", r)
	}
	s.Put(handler+0x200, make([]byte, 0x190))
	if r := checkData(t, s.Dump(dumptest.BitmapKernel)); r.Verdict != Undecided || r.State != "" {
		t.Errorf("%+v", r)
	}
}

// On ARM64 a small dump: 32 KB, frame records, recursion.
func TestARM64(t *testing.T) {
	for _, stop := range stops {
		s := newScene(dumptest.ARM64)
		s.Set(s.thread, "_ETHREAD.IrpList", s.thread+s.Offset("_ETHREAD.IrpList"))
		stop.make(s, 0x7e)
		s.saved(s.limit) // from where a small dump holds the stack
		// The record that 7E names is not in a small dump of the writer, but in its header.
		s.Header.Context = s.Record("_CONTEXT", s.registers(false))
		s.Header.Code, s.Header.Params = 0x1000007e, [4]uint64{0xc0000005, s.pc, 0, 0x1234}
		r := checkData(t, s.Dump(dumptest.Triage))
		if want := stop.want; r.Verdict != want || r.State != "context in the header" {
			t.Errorf("%s in the header alone: %s", stop.name, r.Verdict)
		}
		s.Header.Code, s.Header.Params = 0x1e, [4]uint64{0xc0000005, s.pc, 1, s.fault}
		r = checkData(t, s.Dump(dumptest.Triage))
		if r.Verdict != stop.want || r.Base-r.Limit != 0x8000 {
			t.Errorf("%s: %s", stop.name, r.Verdict)
		}
		var b bytes.Buffer
		if err := r.WriteText(&b); err != nil {
			t.Fatal(err)
		}
		golden.Text(t, "arm64/"+stop.name+".txt", b.String())
	}
}

// On Itanium both stacks are held against their bounds; nothing is unwound.
func TestItanium(t *testing.T) {
	for _, c := range []struct {
		name    string
		sp, bsp int64 // from the stack's limit, from the backing store's limit
		want    Verdict
	}{
		{"overflow", -0x10, -0x2000, Overflow},
		{"backing-store", 0x4000, 0x10, Overflow},
		{"backing-store-end", 0x4000, -0x18, Overflow},
		{"other", 0x4000, -0x3000, Other},
		{"corrupt", 0x4000, -0x1234567, Corrupt},
		{"wild", 0x1234567, -0x3000, Corrupt},
	} {
		m := dumptest.New(dumptest.IA64)
		nt := m.AddModule(dumptest.Module{Name: "ntoskrnl.exe", Size: 0x400000})
		p := m.AddProcess(dumptest.Process{ID: 4, Image: "System"})
		at := m.AddThread(p, dumptest.Thread{ID: 8, State: 2})
		m.AddProcessor(at)
		limit := m.GetPtr(at+m.Offset("_KTHREAD.InitialStack")) - 0x8000
		store := m.GetPtr(at + m.Offset("_KTHREAD.BStoreLimit"))
		m.Header.Code, m.Header.Params = 0x7f, [4]uint64{8, 0, 0, 0}
		m.Header.Context = m.Record("_CONTEXT", dumptest.Registers{"StIIP": nt + 0x1230, "IntSp": limit + uint64(c.sp), "RsBSP": store + uint64(c.bsp)})
		r := checkData(t, m.Dump(dumptest.Triage))
		if r.Verdict != c.want || r.BStore == nil || len(r.Walk.Frames) > 0 {
			t.Errorf("%s: %s", c.name, r.Verdict)
		}
		var b bytes.Buffer
		if err := r.WriteText(&b); err != nil {
			t.Fatal(err)
		}
		golden.Text(t, "ia64/"+c.name+".txt", b.String())
	}
}

// FuzzCheck puts bytes into dumps of each class.
func FuzzCheck(f *testing.F) {
	var all [][]byte
	for _, p := range []dumptest.Profile{dumptest.XP, dumptest.X64, dumptest.ARM64} {
		for i, class := range classes {
			if p.Machine == dumptest.ARM64.Machine && class.name != "1e" {
				continue
			}
			s := newScene(p)
			stops[i%len(stops)].make(s, class.code)
			s.Header.Code = class.code
			kind := dumptest.Full
			if p.Machine == dumptest.ARM64.Machine {
				s.saved(s.limit)
				kind = dumptest.Triage
			}
			class.stop(s)
			all = append(all, s.Dump(kind))
		}
	}
	f.Add(uint8(0), uint32(0x2c), []byte{8, 0, 0, 0}, uint32(0x3000), []byte{1})
	f.Fuzz(func(t *testing.T, which uint8, at uint32, b []byte, at2 uint32, b2 []byte) {
		data := bytes.Clone(all[int(which)%len(all)])
		copy(data[int(at)%len(data):], b)
		copy(data[int(at2)%len(data):], b2)
		d, err := ntdump.New(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			return
		}
		if r, err := Check(d); err == nil {
			var out bytes.Buffer
			if err := r.WriteText(&out); err != nil || strings.ContainsAny(out.String(), "\x1b\x07") {
				t.Fatal(fmt.Sprintf("%q", out.String()), err)
			}
		}
	})
}
