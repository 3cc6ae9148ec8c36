package kd_test

import (
	"bytes"
	"math/rand/v2"
	"testing"
	"unicode"

	nt "github.com/seed-eedd8485/lpc/ntdump"
	"github.com/seed-eedd8485/lpc/ntdump/dumptest"
	"github.com/seed-eedd8485/lpc/target/ntdump"
)

// damaged are dumps of each kind, and what is asked of them.
func damaged() (dumps [][]byte, lines []string) {
	for _, p := range []dumptest.Profile{dumptest.XP, dumptest.XPPAE, dumptest.X64} {
		s := newNtScene(p)
		s.Ptr(s.ran+s.Offset("_KTHREAD.KernelStack"), s.GetPtr(s.ran+s.Offset("_KTHREAD.StackBase"))-0xa00)
		for _, kind := range []dumptest.Kind{dumptest.Full, dumptest.BitmapKernel, dumptest.Triage} {
			dumps = append(dumps, s.Dump(kind))
		}
		if p.Build < 10000 {
			dumps = append(dumps, newUserScene(p).Dump(dumptest.BitmapKernel))
		}
	}
	for _, p := range dumptest.Small {
		m := dumptest.New(p)
		nt := m.AddModule(dumptest.Module{Name: "ntoskrnl.exe", Size: 0x400000})
		th := m.AddThread(m.AddProcess(dumptest.Process{ID: 4, Image: "System"}), dumptest.Thread{ID: 8, State: 2})
		m.AddProcessor(th)
		sp := m.GetPtr(th+m.Offset("_KTHREAD.KernelStack")) + 0x100
		regs := dumptest.Registers{"Pc": nt + 0x1000, "Sp": sp, "Fp": sp}
		if p.Machine == dumptest.IA64.Machine {
			regs = dumptest.Registers{"StIIP": nt + 0x1000, "IntSp": sp, "RsBSP": sp}
		}
		m.SaveContext(0, regs)
		m.Header.Context = m.Record("_CONTEXT", regs)
		m.Header.Code, m.Header.Params = 0x1e, [4]uint64{0xc0000005, nt + 0x1000, 1, sp}
		m.Ptr(sp, sp+0x40)
		m.Ptr(sp+8, nt+0x2000)
		dumps = append(dumps, m.Dump(dumptest.Triage))
	}
	return dumps, []string{"vertarget", ".bugcheck", "lmtn v", ".process 1dc; lmu v", "!process 0 7", "!thread", "r", "kvnf 40", "!stacks 2", "!stackcheck", "!analyze", "!vm", "!pte nt", ".tss 28", ".trap @rsp", ".cxr @esp", "k", "dps @esp"}
}

// ask carries out all lines over a dump and looks at what they print.
func ask(t *testing.T, data []byte, lines []string) {
	t.Helper()
	d, err := nt.New(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return
	}
	tg := ntdump.New(d)
	for _, line := range lines {
		text, _, err := run(t, tg, line)
		if err != nil {
			text += err.Error()
		}
		for _, r := range text {
			if r != '\n' && r != '\t' && !unicode.IsPrint(r) {
				t.Fatalf("%s: %U in the output", line, r)
			}
		}
	}
}

// Random damage: every command ends, without a panic and without steering a terminal.
func TestDamagedDump(t *testing.T) {
	watchdog(t)
	dumps, lines := damaged()
	rounds := 40
	if testing.Short() {
		rounds = 4
	}
	r := rand.New(rand.NewPCG(1, 2))
	for _, whole := range dumps {
		for range rounds {
			data := bytes.Clone(whole)
			for range 1 + r.IntN(64) {
				at := r.IntN(len(data))
				for i := at; i < min(at+1+r.IntN(8), len(data)); i++ {
					data[i] = byte(r.Uint32())
				}
			}
			ask(t, data, lines)
		}
	}
}

// FuzzDump puts bytes at two places of a dump.
func FuzzDump(f *testing.F) {
	dumps, lines := damaged()
	f.Add(uint8(0), uint32(0x28), []byte{0x7f}, uint32(0x2000), []byte{1, 2, 3, 4})
	f.Add(uint8(2), uint32(0x1048), []byte{0xff, 0xff}, uint32(0x60), []byte{0})
	f.Fuzz(func(t *testing.T, which uint8, at uint32, b []byte, at2 uint32, b2 []byte) {
		data := bytes.Clone(dumps[int(which)%len(dumps)])
		copy(data[int(at)%len(data):], b)
		copy(data[int(at2)%len(data):], b2)
		ask(t, data, lines)
	})
}
