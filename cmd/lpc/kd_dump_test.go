package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/seed-eedd8485/lpc/ntdump/dumptest"
)

// TestDumpScript runs testdata/dump: kd over Windows dumps, in files that are written
// here. needs and status are TestScript's.
func TestDumpScript(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/dump",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(e *testscript.Env) error {
			withTest(e)
			m := xpMachine()
			for name, kind := range map[string]dumptest.Kind{"full.dmp": dumptest.Full, "kernel.dmp": dumptest.Summary, "small.dmp": dumptest.Triage, "header.dmp": dumptest.HeaderOnly} {
				if err := os.WriteFile(filepath.Join(e.WorkDir, name), m.Dump(kind), 0o600); err != nil {
					return err
				}
			}
			for name, image := range map[string][]byte{"memory.raw": append(m.Raw(), make([]byte, 1<<20)...), "memory.elf": m.QEMU()} {
				if err := os.WriteFile(filepath.Join(e.WorkDir, name), image, 0o600); err != nil {
					return err
				}
			}
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"needs": cmdNeeds,
			"status": func(ts *testscript.TestScript, neg bool, args []string) {
				need(ts, neg, len(args) > 1)
				checkStatus(ts, args[0], ts.Exec(args[1], args[2:]...), ts.ReadFile("stderr"))
			},
		},
	})
}

// xpMachine is a machine of Windows XP that a driver stopped.
func xpMachine() *dumptest.Machine {
	m := dumptest.New(dumptest.XP)
	m.AddModule(dumptest.Module{Name: "ntoskrnl.exe", Size: 0x200000, Stamp: 0x48025c31})
	driver := m.AddModule(dumptest.Module{Name: "greedy.sys", Size: 0x8000})
	const base = 0xf8e28000
	p := m.AddProcess(dumptest.Process{ID: 4, Image: "System"})
	m.AddProcessor(m.AddThread(p, dumptest.Thread{ID: 0x10c, StackBase: base, State: 2, Kernel: base - 0x800}))
	m.Ptr(base-0x700, 0)
	m.Ptr(base-0x6fc, driver+0x2000)
	m.SaveContext(0, dumptest.Registers{"Eip": driver + 0x1000, "Esp": base - 0x780, "Ebp": base - 0x700})
	m.Header.Code, m.Header.Params = 0xd1, [4]uint64{8, 2, 1, driver + 0x1000}
	m.LabelBuild("2600.xpsp_sp3_gdr.101209-1647")
	return m
}
