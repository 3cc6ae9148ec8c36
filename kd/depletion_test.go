package kd_test

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/seed-eedd8485/lpc/internal/golden"
	"github.com/seed-eedd8485/lpc/ntdump/dumptest"
)

// A depletion is the server of the document's case: nonpaged pool is used up by blocks
// whose tag names nobody.
type depletion struct {
	*dumptest.Machine
	pools  *dumptest.Pools
	greedy uint64 // base of the driver that made them
	images map[string]dumptest.Image
}

// Figures of the case (seed, "Nonpaged pool").
const (
	caseBlocks, caseBytes   = 246479, 50827424 // None
	caseSmallPages          = 31369 - 4507     // of nonpaged pool, beside those of large allocations
	contiguous, contigPages = 1198, 4507       // MmCm: 1197 of whole pages and one of 1840 bytes
)

// newDepletion makes the machine. The pools hold what the kernel's counters say, page
// by page and block by block; only the second and later pages of large allocations are
// not in the dump.
func newDepletion(tables int) *depletion {
	d := &depletion{Machine: dumptest.New(dumptest.Server2003), images: map[string]dumptest.Image{}}
	d.Header.CPUs = uint32(tables)
	d.modules()
	d.pools = d.AddPools(dumptest.PoolOptions{Tables: tables})
	d.fill()
	d.pools.Finish()
	d.counters()
	return d
}

// modules loads the kernel and five drivers. The import names of those that run are
// gone, but for the one that was loaded last.
func (d *depletion) modules() {
	kernel := dumptest.Image{Name: "ntoskrnl.exe", Code: make([]byte, 0x4000), Exports: map[string]uint32{
		"ExAllocatePool": 0x100, "ExAllocatePoolWithTag": 0x200, "ExFreePool": 0x300, "ExAllocatePoolWithQuota": 0x400, "MmAllocateContiguousMemory": 0x500, "IoCreateDevice": 0x600,
	}}
	base := d.AddImage(kernel, 0, nil, true)
	all := dumptest.ExportsOf(kernel, base)
	code := make([]byte, 0x1800)
	copy(code[0x10:], []byte{0x68, 'T', 'C', 'P', 't'}) // push 'tPCT'
	for _, x := range []struct {
		img  dumptest.Image
		init bool
	}{
		{dumptest.Image{Name: "hal.dll", Code: []byte{0xc3}}, false},
		{dumptest.Image{Name: "greedy.sys", Code: make([]byte, 0x1800), Imports: from("ExAllocatePool", "ExFreePool", "IoCreateDevice")}, false},
		{dumptest.Image{Name: "tcpip.sys", Code: code, Imports: from("ExAllocatePoolWithTag", "ExFreePool")}, false},
		{dumptest.Image{Name: "olddisk.sys", Code: make([]byte, 0x1800), Imports: from("ExAllocatePool", "ExAllocatePoolWithQuota")}, false},
		{dumptest.Image{Name: "nic.sys", Code: make([]byte, 0x1800), Imports: from("MmAllocateContiguousMemory", "ExAllocatePoolWithTag")}, false},
		{dumptest.Image{Name: "late.sys", Code: []byte{0xc3}, Imports: from("IoCreateDevice")}, true},
	} {
		at := d.AddImage(x.img, 0, all, x.init)
		d.images[x.img.Name] = x.img
		if x.img.Name == "greedy.sys" {
			d.greedy = at
		}
	}
	system := d.AddProcess(dumptest.Process{ID: 4, Image: "System"})
	service := d.AddProcess(dumptest.Process{ID: 0x4d8, Parent: 4, Image: "service.exe"})
	d.Set(system, "_EPROCESS.CommitCharge", 8)
	d.Set(service, "_EPROCESS.CommitCharge", 2216)
	d.AddProcessor(d.AddThread(system, dumptest.Thread{ID: 8, State: 2}))
}

func from(names ...string) []dumptest.ImportFrom {
	return []dumptest.ImportFrom{{Module: "ntoskrnl.exe", Names: names}}
}

// fill allocates what the case has.
func (d *depletion) fill() {
	p := d.pools
	content := make([]byte, 0x30)
	for i := range caseBlocks {
		size := 208
		if i%(caseBlocks/55026) == 0 && i/(caseBlocks/55026) < 55026 { // 55026 of 200 and 191453 of 208 bytes
			size = 200
		}
		binary.LittleEndian.PutUint32(content[0:], 0x20010006)
		binary.LittleEndian.PutUint32(content[4:], uint32(d.greedy)+0x1234) // a routine of the driver
		binary.LittleEndian.PutUint32(content[8:], uint32(i))
		if copy(content[0x10:], make([]byte, 0x20)); i%8 != 0 {
			copy(content[0x10:], "greedy request")
		}
		p.Alloc(dumptest.PoolBlock{Tag: "None", Size: size, Content: content})
	}
	p.Alloc(dumptest.PoolBlock{Tag: "MmCm", Size: 1840})
	for i := range uint64(contiguous - 1) {
		pages := uint64(3)
		if i < contigPages-3*(contiguous-1) {
			pages = 4
		}
		p.Big("MmCm", false, pages, pages*4096, nil)
	}
	others := []struct {
		tag  string
		size int
	}{{"File", 992}, {"Thre", 624}, {"Irp ", 472}, {"TCPt", 1320}, {"Proc", 640}, {"Even", 320}, {"Ntfx", 448}, {"MmCa", 808}, {"Xyzw", 512}}
	for i := 0; p.Pages(false) < caseSmallPages || p.Left(false) >= 1320; i++ {
		o := others[i%len(others)]
		if p.Left(false) < o.size && p.Pages(false) == caseSmallPages {
			break
		}
		p.Alloc(dumptest.PoolBlock{Tag: o.tag, Size: o.size})
	}
	for i := range 500 {
		p.Alloc(dumptest.PoolBlock{Tag: "CM31", Size: 4080 - 8*(i%5), Paged: true})
		p.Alloc(dumptest.PoolBlock{Tag: "Ntff", Size: 640, Paged: true})
	}
	p.Freed("None", false, 208)
}

// counters are what !vm shows.
func (d *depletion) counters() {
	for name, v := range map[string]uint64{
		"MmNumberOfPhysicalPages": 851420, "MmAvailablePages": 573277, "MmResidentAvailablePages": 800628, "MmSystemLockPagesCount": 1067,
		"MmModifiedPageListHead": 22, "MmTotalPagesForPagingFile": 22, "MiSpecialPagesNonPaged": 0, "MiSpecialPagesNonPagedMaximum": 0,
		"MmMaximumNonPagedPoolInBytes": 31986 * 4096, "MmSizeOfPagedPoolInBytes": 38912 * 4096, "ExPoolFailures": 3,
		"MmSharedCommit": 3928, "MmSpecialPagesInUse": 0, "MmProcessCommit": 3641, "MmPagedPoolCommit": 22019, "MmDriverCommit": 887,
		"MmTotalCommittedPages": 251400, "MmTotalCommitLimit": 1700000,
	} {
		d.SetVariable(name, v)
	}
	at := d.Variable("MmTotalFreeSystemPtes")
	d.Number(at, 25102, 4)
	d.Number(at+4, 335, 4)
	d.pools.PagedPages([2]uint64{19000, 71}, [2]uint64{735, 0}, [2]uint64{747, 0}, [2]uint64{720, 0}, [2]uint64{746, 0})
	d.AddPageFiles(dumptest.PageFile{Name: `\??\C:\pagefile.sys`, Current: 896000, Free: 892138, Minimum: 896000, Most: 896000})
}

// symbols writes the machine's symbol file and returns the command that takes it.
func (d *depletion) symbols(t testing.TB) string {
	t.Helper()
	types, err := os.ReadFile("../ntdump/types/2003sp1-x86.json")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "nt.json")
	if err := os.WriteFile(path, d.ISF(types, "_MMPAGING_FILE"), 0o600); err != nil {
		t.Fatal(err)
	}
	return `.isf "` + path + `"; `
}

// theCase is the machine and its dump, made once.
var theCase = sync.OnceValues(func() (*depletion, []byte) {
	d := newDepletion(4)
	return d, d.Dump(dumptest.BitmapKernel)
})

func caseText(t *testing.T, line string) string {
	t.Helper()
	d, data := theCase()
	text, _, err := run(t, openDump(t, data), d.symbols(t)+line)
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ = strings.Cut(text, "\n") // what .isf says
	return text
}

// seedVM is !vm of the document, to the letter.
const seedVM = `*** Virtual Memory Usage ***
	Physical Memory:      851420 (   3405680 Kb)
	Page File: \??\C:\pagefile.sys
	  Current:   3584000 Kb  Free Space:   3568552 Kb
	  Minimum:   3584000 Kb  Maximum:      3584000 Kb
	Available Pages:      573277 (   2293108 Kb)
	ResAvail Pages:       800628 (   3202512 Kb)
	Locked IO Pages:        1067 (      4268 Kb)
	Free System PTEs:      25102 (    100408 Kb)
	Free NP PTEs:            335 (      1340 Kb)
	Free Special NP:           0 (         0 Kb)
	Modified Pages:           22 (        88 Kb)
	Modified PF Pages:        22 (        88 Kb)
	NonPagedPool Usage:    31369 (    125476 Kb)
	NonPagedPool Max:      31986 (    127944 Kb)
	********** Excessive NonPaged Pool Usage *****
	PagedPool 0 Usage:     19071 (     76284 Kb)
	PagedPool 1 Usage:       735 (      2940 Kb)
	PagedPool 2 Usage:       747 (      2988 Kb)
	PagedPool 3 Usage:       720 (      2880 Kb)
	PagedPool 4 Usage:       746 (      2984 Kb)
	PagedPool Usage:       22019 (     88076 Kb)
	PagedPool Maximum:     38912 (    155648 Kb)
	********** 3 pool allocations have failed **********
`

func TestSeedVM(t *testing.T) {
	text := caseText(t, "!vm")
	if !strings.HasPrefix(text, seedVM) {
		t.Errorf("%s", golden.Differ(text, seedVM))
	}
	golden.Text(t, "windows/seed_vm.txt", text)
}

// The first two rows of !poolused /t2 2, to the letter.
const seedUsed = `   Sorting by NonPaged Pool Consumed
  Pool Used:
            NonPaged            Paged
 Tag    Allocs     Used    Allocs     Used
 None   246479  50827424        0         0	call to ExAllocatePool
 MmCm     1198  18462512        0         0	Calls made to MmAllocateContiguousMemory , Binary: nt!mm
`

func TestSeedPoolused(t *testing.T) {
	text := caseText(t, "!poolused /t2 2")
	if !strings.HasPrefix(text, seedUsed) {
		t.Errorf("%s", golden.Differ(text, seedUsed))
	}
	golden.Text(t, "windows/seed_poolused.txt", text+caseText(t, "!poolused 3 *m*")+caseText(t, "!poolused 4"))
}

// The case ranked, with those that can have made the blocks; then the blocks.
func TestSeedPoolleak(t *testing.T) {
	golden.Text(t, "windows/seed_poolleak.txt", caseText(t, "!poolleak")+"\n"+caseText(t, "!poolleak None")+"\n"+caseText(t, "!poolleak MmCm")+"\n"+caseText(t, "!poolleak TCPt")+"\n"+caseText(t, "!poolleak Xyzw"))
}
