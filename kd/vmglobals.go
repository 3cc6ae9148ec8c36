package kd

import (
	"fmt"

	"github.com/seed-eedd8485/lpc/internal/escape"
	"github.com/seed-eedd8485/lpc/isf"
	"github.com/seed-eedd8485/lpc/ntdump"
)

// Lines of !vm whose variables the debugger data does not name (reference 5.3a). The names
// are public symbols of the kernel. ReactOS uses MmSystemLockPagesCount, ExPoolFailures,
// MmTotalFreeSystemPtes and the limits of special pool under the same names; that a line
// shows one of them, and that what special pool may still take is its limit less what it
// has, is inferred from the names: no document says it.

// needsSymbols is what a line says whose variable has no known address.
const needsSymbols = "needs symbols"

// symbol reads a global of the kernel: size bytes at an offset from it, a pointer's for
// size 0.
func (v *vmReport) symbol(name string, off uint64, size int) (uint64, string) {
	at, ok := v.d.Symbol(name)
	if !ok {
		return 0, needsSymbols
	}
	if size == 0 {
		size = v.d.PointerSize()
	}
	n, err := v.d.Number(ntdump.Space{}, at+off, size)
	if err != nil {
		return 0, err.Error()
	}
	return n, ""
}

// global prints a counter that is a global.
func (v *vmReport) global(line, name string) { v.value(line, name, 0, 0) }

func (v *vmReport) value(line, name string, off uint64, size int) {
	if n, why := v.symbol(name, off, size); why != "" {
		v.missing(line, why)
	} else {
		v.line(line, n)
	}
}

// freePTEs prints the two counts of MmTotalFreeSystemPtes: of system entries, and of
// those by which nonpaged pool grows.
func (v *vmReport) freePTEs() {
	v.value("Free System PTEs", "MmTotalFreeSystemPtes", 0, 4)
	v.value("Free NP PTEs", "MmTotalFreeSystemPtes", 4, 4)
}

// freeSpecial prints how many pages special pool may still take for nonpaged blocks.
func (v *vmReport) freeSpecial() {
	const line = "Free Special NP"
	most, why := v.symbol("MiSpecialPagesNonPagedMaximum", 0, 0)
	used, why2 := v.symbol("MiSpecialPagesNonPaged", 0, 0)
	switch {
	case why != "":
		v.missing(line, why)
	case why2 != "":
		v.missing(line, why2)
	default:
		v.line(line, most-min(used, most))
	}
}

// failedAllocations marks those that the kernel counted; none is nothing to print.
func (v *vmReport) failedAllocations() {
	switch n, why := v.symbol("ExPoolFailures", 0, 4); {
	case why != "":
		v.missing("Failed allocations", why)
	case n > 0:
		v.o.Printf("\t********** %d pool allocations have failed **********\n", n)
	}
}

// maxPagingFiles is what Windows allows.
const maxPagingFiles = 16

// pageFiles prints the paging files: an array of pointers to _MMPAGING_FILE, whose
// sizes are pages.
func (v *vmReport) pageFiles() {
	array, ok := v.d.Symbol("MmPagingFile")
	count, why := v.number(ntdump.MmNumberOfPagingFiles)
	types := v.d.Types()
	switch {
	case !ok || types == nil || types.Layout("_MMPAGING_FILE") == nil:
		why = needsSymbols
	case why == "" && count&0xffffffff > maxPagingFiles:
		why = fmt.Sprintf("the kernel counts %d of them, expected at most %d", count&0xffffffff, maxPagingFiles)
	}
	if why != "" {
		v.missing("Page File", why)
		return
	}
	if count &= 0xffffffff; count == 0 {
		v.o.Printf("\tNo Page File\n")
	}
	for i := range count {
		at, err := v.d.Pointer(ntdump.Space{}, array+i*uint64(v.d.PointerSize()))
		if err == nil {
			err = v.pageFile(at)
		}
		if err != nil {
			v.missing("Page File", err.Error())
		}
	}
}

func (v *vmReport) pageFile(at uint64) error {
	var kb [4]uint64
	for i, m := range []string{"Size", "FreeSpace", "MinimumSize", "MaximumSize"} {
		n, err := v.d.Member(at, "_MMPAGING_FILE", m)
		if err != nil {
			return err
		}
		kb[i] = n * 4
	}
	f, err := isf.Find(v.d.Types(), v.d.Types().Layout("_MMPAGING_FILE"), "PageFileName")
	if err != nil {
		return err
	}
	name, err := v.d.UnicodeString(ntdump.Space{}, at+uint64(f.Offset))
	if err != nil {
		name = "(its name cannot be read: " + err.Error() + ")"
	}
	v.o.Printf("\tPage File: %s\n", escape.Text(name))
	v.o.Printf("\t  Current: %9d Kb  Free Space: %9d Kb\n", kb[0], kb[1])
	v.o.Printf("\t  Minimum: %9d Kb  Maximum:    %9d Kb\n", kb[2], kb[3])
	return nil
}
