package kd_test

import (
	"strings"
	"testing"

	"github.com/seed-eedd8485/lpc/internal/golden"
	"github.com/seed-eedd8485/lpc/internal/pool"
	"github.com/seed-eedd8485/lpc/ntdump/dumptest"
)

// Counters that the debugger data names, and the two sides of the limit at which use
// is marked.
func TestVM(t *testing.T) {
	for _, p := range []dumptest.Profile{dumptest.XP, dumptest.X64} {
		for _, used := range []uint64{28786, 28787} { // 90 per cent of 31986 is 28787
			m := dumptest.New(p)
			m.AddModule(dumptest.Module{Name: "ntoskrnl.exe", Size: 0x200000})
			for i, image := range []string{"small.exe", "large.exe"} {
				at := m.AddProcess(dumptest.Process{ID: uint64(0x100 + 4*i), Image: image})
				m.Set(at, "_EPROCESS.CommitCharge", uint64(1000*(i+1)))
			}
			for name, v := range map[string]uint64{
				"MmNumberOfPhysicalPages": 851420, "MmAvailablePages": 573277, "MmResidentAvailablePages": 800628,
				"MmMaximumNonPagedPoolInBytes": 31986 * 4096, "MmSizeOfPagedPoolInBytes": 38912 * 4096, "ExpNumberOfPagedPools": 1,
				"MmModifiedPageListHead": 22, "MmTotalCommitLimit": 1700000,
			} {
				m.SetVariable(name, v)
			}
			pages := func(at, small, big uint64) { // _POOL_DESCRIPTOR.TotalPages and TotalBigPages
				m.Number(at+0x10, small, 4)
				m.Number(at+0x14, big, 4)
			}
			pages(m.Variable("NonPagedPoolDescriptor"), used-1000, 1000)
			array := m.Variable("ExpPagedPoolDescriptor")
			for i, n := range []uint64{19071, 735} {
				at := m.Alloc(0x1048)
				pages(at, n-10, 10)
				m.Ptr(array+uint64(i*m.Pointer()), at)
			}
			text, _, err := run(t, openDump(t, m.Dump(dumptest.Full)), "!vm")
			if err != nil {
				t.Fatal(err)
			}
			if marked := strings.Contains(text, "\t********** Excessive NonPaged Pool Usage *****\n"); marked != (used == 28787) {
				t.Errorf("%s: %d of 31986 pages, marked: %v", p.Name, used, marked)
			}
			if used == 28787 && p.Name == dumptest.XP.Name {
				golden.Text(t, "windows/vm.txt", text)
			}
			if short, _, err := run(t, openDump(t, m.Dump(dumptest.Full)), "!vm 1"); err != nil || strings.Contains(short, "Private") {
				t.Errorf("!vm 1: %v\n%s", err, short)
			}
		}
	}
}

// Blocks by tag, of processes of ours.
func TestPoolused(t *testing.T) {
	p := newFakePool(1000, pool.TypeDescription())
	for range 3 {
		p.port(`\RPC Control\x`, 1)
	}
	tg := newFakeTarget(p)
	text, _, err := run(t, tg, "!poolused 4 Por?")
	if err != nil {
		t.Fatal(err)
	}
	var count, size uint64 // as the target gives them
	for b := range tg.Blocks("Port") {
		count, size = count+1, size+b.Size
	}
	lines := strings.Split(text, "\n")
	if len(lines) < 6 || !strings.HasPrefix(lines[0], "   Sorting by Paged Pool Consumed") || lines[4] != f(" Port        0         0  %7d  %8d\tport objects and their names", count, size) || !strings.HasPrefix(lines[5], " TOTAL ") {
		t.Errorf("%s", text)
	}
	if text, _, err := run(t, tg, "!poolused /t1"); err != nil || strings.Count(text, "\n") != 7 {
		t.Errorf("%v\n%s", err, text)
	}
	for _, bad := range []string{"!poolused 20", "!poolused x", "!poolused /t0", "!poolused 0 a b"} {
		if text, _, err := run(t, tg, bad); err == nil || text != "" {
			t.Errorf("%s: %v, %q", bad, err, text)
		}
	}
}
