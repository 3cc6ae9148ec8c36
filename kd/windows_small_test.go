package kd_test

import (
	"path/filepath"
	"testing"

	"github.com/seed-eedd8485/lpc/internal/golden"
	"github.com/seed-eedd8485/lpc/internal/needs"
	"github.com/seed-eedd8485/lpc/ntdump/dumptest"
	"github.com/seed-eedd8485/lpc/target/ntdump"
)

// smallLines are the commands that are tried on a small dump: all that show
// something, and those that are refused with the reason.
func smallLines(thread, other, record uint64) []string {
	return []string{
		"vertarget", ".bugcheck", "lmtn", "!process 0 0", "!process 0 7", "!thread", f("!thread %x", other), ".thread", f(".thread %x", thread), ".process",
		"r", "k", "kb 3", "kv 3", "kf 3", "kn 3", "!stacks", "!stacks 2", "!stackcheck", "!analyze", f("u %x L1", record), f("db %x L10", thread), f("dps %x L2", thread),
		"dt _CLIENT_ID", ".formats 1c", f(".cxr %x", record), f(".trap %x", record), ".tss 28", "!pte 1000",
		"!lpc", "!lpc message", "!vm", "!poolused", "!handle", "!object",
	}
}

// A small dump of XP, Server 2003 on both machines, and Windows 10: what it holds is
// shown, the rest refused with the reason.
func TestWindowsSmall(t *testing.T) {
	for name, p := range map[string]dumptest.Profile{"xp": dumptest.XP, "2003": dumptest.Server2003, "2003_x64": dumptest.X64} {
		t.Run(name, func(t *testing.T) {
			s := newNtScene(p)
			s.Ptr(s.ran+s.Offset("_KTHREAD.KernelStack"), s.GetPtr(s.ran+s.Offset("_KTHREAD.StackBase"))-0xa00)
			golden.Text(t, "windows/"+name+"_triage.txt", transcript(t, openDump(t, s.Dump(dumptest.Triage)), smallLines(s.ran, s.waiter, s.record)...))
		})
	}
}

// Small dumps of ARM64 and Itanium, with frame records on the one's stack.
func TestWindowsSmallOther(t *testing.T) {
	for name, p := range map[string]dumptest.Profile{"arm64": dumptest.ARM64, "ia64": dumptest.IA64} {
		t.Run(name, func(t *testing.T) {
			m := dumptest.New(p)
			nt := m.AddModule(dumptest.Module{Name: "ntoskrnl.exe", Size: 0x400000, Stamp: 0xdf291b09})
			driver := m.AddModule(dumptest.Module{Name: "greedy.sys", Size: 0x8000, Stamp: 0x4a5bc0de})
			system := m.AddProcess(dumptest.Process{ID: 4, Image: "System"})
			m.AddProcess(dumptest.Process{ID: 0x1dc, Parent: 4, Image: "server.exe"})
			th := m.AddThread(system, dumptest.Thread{ID: 0x20, State: 2})
			other := m.AddThread(system, dumptest.Thread{ID: 0x24, State: 5})
			if m.Has("_ETHREAD.IrpList") {
				m.Set(th, "_ETHREAD.IrpList", th+m.Offset("_ETHREAD.IrpList"))
			}
			m.AddProcessor(th)
			sp := m.GetPtr(th+m.Offset("_KTHREAD.InitialStack")) - 0x900
			m.Ptr(th+m.Offset("_KTHREAD.KernelStack"), sp-0x100)
			regs := dumptest.Registers{"Pc": driver + 0x1010, "Sp": sp, "Fp": sp + 0x40, "X19": 0x19}
			if name == "ia64" {
				regs = dumptest.Registers{"StIIP": driver + 0x1010, "IntSp": sp, "RsBSP": m.GetPtr(th+m.Offset("_KTHREAD.BStore")) + 0x600}
			}
			for _, f := range [][3]uint64{{0x40, 0x80, driver + 0x2000}, {0x80, 0x240, nt + 0x5000}, {0x240, 0, nt + 0x6000}} {
				m.Ptr(sp+f[0]+8, f[2])
				if f[1] != 0 {
					m.Ptr(sp+f[0], sp+f[1])
				}
			}
			m.Header.Context = m.Record("_CONTEXT", regs)
			m.SaveContext(0, regs)
			m.Header.Code, m.Header.Params = 0x1000001e, [4]uint64{0xc0000005, driver + 0x1010, 0, 0x10}
			golden.Text(t, "windows/"+name+"_triage.txt", transcript(t, openDump(t, m.Dump(dumptest.Triage)), smallLines(th, other, sp)...))
		})
	}
}

// Further real small dumps, where they stand beside the known one: every command
// answers. The public one of ARM64 has its text.
func TestOtherTriageDumps(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(filepath.Dir(needs.File(t, "triage_x64.dmp")), "*.dmp"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		tg, err := ntdump.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		text := transcript(t, tg, "vertarget", ".bugcheck", "!thread", "!process 0 7", "r", "kvnf", "!stackcheck", "!analyze", "!stacks 2", "lm")
		if filepath.Base(file) == "triage_arm64.dmp" {
			golden.Text(t, "windows/real_arm64.txt", transcript(t, tg, "vertarget", ".bugcheck", "!thread", "k", "kf", "!stackcheck", "!analyze", "!lpc", "!vm", "!poolused", "!handle"))
		}
		if text == "" || tg.Close() != nil {
			t.Error(file)
		}
	}
}
