package kd

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/seed-eedd8485/lpc/internal/escape"
	"github.com/seed-eedd8485/lpc/kd/holdings"
	"github.com/seed-eedd8485/lpc/ntdump"
	"github.com/seed-eedd8485/lpc/target"
)

var cmdVM = Command{
	Name: "!vm", Args: "[Flags]",
	Short: "Show how much memory the pools take, of which limits; of a Windows dump, the machine's memory too.",
	Long: `Pages, and in parentheses KB. Flag 1 leaves the processes out. The counters are those that the kernel's
debugger data names; what it does not name needs symbols (.isf), and a line says so. Nonpaged pool that is
used to 90 per cent or more is marked: WinDbg's own limit is not published. So are allocations that failed.

Of processes of ours: the pools, which are nonpaged where they are locked in memory; the sections that they
allocate in, granted and in use; what failed, and the quota that caused it. A pool, and the section memory
that a port has granted to one user, is marked from 90 per cent of its limit on.`,
}

func init() { cmdVM.Run = runVM }

func runVM(ctx context.Context, s *Session, o *Out, args []string) error {
	if err := atMost(args, 1, "!vm [Flags]"); err != nil {
		return err
	}
	flags, err := uint64(0), error(nil)
	if len(args) > 0 {
		if flags, err = number(args[0]); err != nil {
			return err
		}
	}
	if s.Target.System() != nil {
		if _, ours := holdings.Ours(s.reader); ours {
			return s.processPools(ctx, o, flags)
		}
	}
	if why := s.Target.Lacks(target.Physical); why != "" {
		return fmt.Errorf("!vm: %s", escape.Text(why))
	}
	d, err := s.windowsDump("!vm")
	if err != nil {
		return err
	}
	v := &vmReport{o: o, d: d}
	o.Printf("*** Virtual Memory Usage ***\n")
	v.counter("Physical Memory", ntdump.MmNumberOfPhysicalPages)
	v.pageFiles()
	v.counter("Available Pages", ntdump.MmAvailablePages)
	v.counter("ResAvail Pages", ntdump.MmResidentAvailablePages)
	v.global("Locked IO Pages", "MmSystemLockPagesCount")
	v.freePTEs()
	v.freeSpecial()
	v.counter("Modified Pages", ntdump.MmModifiedPageListHead) // MMPFNLIST.Total is its first word
	v.global("Modified PF Pages", "MmTotalPagesForPagingFile")
	v.nonPaged()
	v.paged()
	v.failedAllocations()
	v.counter("Shared Commit", ntdump.MmSharedCommit)
	v.global("Special Pool", "MmSpecialPagesInUse")
	for _, c := range []struct {
		name  string
		field ntdump.Field
	}{
		{"Shared Process", ntdump.MmProcessCommit}, {"PagedPool Commit", ntdump.MmPagedPoolCommit},
		{"Driver Commit", ntdump.MmDriverCommit}, {"Committed pages", ntdump.MmTotalCommittedPages}, {"Commit limit", ntdump.MmTotalCommitLimit},
	} {
		v.counter(c.name, c.field)
	}
	if flags&1 != 0 {
		return nil
	}
	return s.privatePages(ctx, v)
}

// A vmReport prints the lines of !vm.
type vmReport struct {
	o *Out
	d *ntdump.Dump
}

func (v *vmReport) line(name string, pages uint64) {
	v.o.Printf("\t%-20s%8d (%10d Kb)\n", name+":", pages, pages*4)
}

// process prints the line of a process.
func (v *vmReport) process(id, image string, pages uint64) {
	v.o.Printf("         %s %-15s%8d (%10d Kb)\n", id, escape.Text(image), pages, pages*4)
}

// missing prints a line without a value.
func (v *vmReport) missing(name, why string) {
	v.o.Printf("\t%-20s (%s)\n", name+":", escape.Text(why))
}

// number reads a variable that the debugger data names.
func (v *vmReport) number(f ntdump.Field) (uint64, string) {
	at, ok := v.d.Debugger().Address(f)
	if !ok {
		return 0, "the debugger data does not say where its counter is"
	}
	n, err := v.d.Pointer(ntdump.Space{}, at)
	if err != nil {
		return 0, err.Error()
	}
	return n, ""
}

func (v *vmReport) counter(name string, f ntdump.Field) {
	if n, why := v.number(f); why != "" {
		v.missing(name, why)
	} else {
		v.line(name, n)
	}
}

// pool is how many pages a pool's descriptor says are in use.
func (v *vmReport) pool(descriptor uint64) (uint64, error) {
	small, err := v.d.Member(descriptor, "_POOL_DESCRIPTOR", "TotalPages")
	if err != nil {
		return 0, err
	}
	big, err := v.d.Member(descriptor, "_POOL_DESCRIPTOR", "TotalBigPages")
	return small + big, err
}

// pageBytes is the size of a page on every machine that !vm is for.
const pageBytes = 4096

// nonPagedPool are the pages in use of nonpaged pool. why says why they are not known.
func (v *vmReport) nonPagedPool() (used uint64, why string) {
	at, ok := v.d.Debugger().Address(ntdump.NonPagedPoolDescriptor)
	if !ok {
		return 0, "the debugger data does not say where its descriptor is"
	}
	used, err := v.pool(at)
	if err != nil {
		return 0, err.Error()
	}
	return used, ""
}

func (v *vmReport) nonPaged() {
	used, unknown := v.nonPagedPool()
	if unknown != "" {
		v.missing("NonPagedPool Usage", unknown)
	} else {
		v.line("NonPagedPool Usage", used)
	}
	most, why := v.number(ntdump.MmMaximumNonPagedPoolInBytes)
	if why != "" {
		v.missing("NonPagedPool Max", why)
		return
	}
	most /= pageBytes
	v.line("NonPagedPool Max", most)
	if unknown == "" && holdings.Nears(used, most) {
		v.o.Printf("\t********** Excessive NonPaged Pool Usage *****\n")
	}
}

// maxPools is more paged pools than any kernel has.
const maxPools = 64

// pagedPools are the pages in use of each paged pool: an array of pointers to
// descriptors, one more than the kernel counts (reference 4). why says what could not
// be read; what was is there.
func (v *vmReport) pagedPools() (used []uint64, why string) {
	count, why := v.number(ntdump.ExpNumberOfPagedPools)
	array, ok := v.d.Debugger().Address(ntdump.ExpPagedPoolDescriptor)
	if why == "" && !ok {
		why = "the debugger data does not say where its descriptors are"
	}
	if count &= 0xffffffff; why == "" && count >= maxPools {
		why = fmt.Sprintf("the kernel counts %d paged pools, expected less than %d", count, maxPools)
	}
	for i := uint64(0); why == "" && i <= count; i++ {
		at, err := v.d.Pointer(ntdump.Space{}, array+i*uint64(v.d.PointerSize()))
		var n uint64
		if err == nil {
			n, err = v.pool(at)
		}
		if err != nil {
			return used, err.Error()
		}
		used = append(used, n)
	}
	return used, why
}

// paged prints the paged pools.
func (v *vmReport) paged() {
	used, why := v.pagedPools()
	total := uint64(0)
	for i, n := range used {
		v.line(fmt.Sprintf("PagedPool %d Usage", i), n)
		total += n
	}
	if why != "" {
		v.missing("PagedPool Usage", why)
	} else {
		v.line("PagedPool Usage", total)
	}
	if most, why := v.number(ntdump.MmSizeOfPagedPoolInBytes); why != "" {
		v.missing("PagedPool Maximum", why)
	} else {
		v.line("PagedPool Maximum", most/pageBytes)
	}
}

// privatePages prints the processes by what they have committed, most first.
func (s *Session) privatePages(ctx context.Context, v *vmReport) error {
	type private struct {
		p     target.Process
		pages uint64
	}
	var list []private
	var trouble []string
	total := uint64(0)
	for p := range s.Target.System().Processes() {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if p.Addr == 0 {
			trouble = append(trouble, fmt.Sprint(p.Err))
			continue
		}
		n, err := v.d.Member(p.Addr, "_EPROCESS", "CommitCharge")
		if err != nil {
			trouble = append(trouble, fmt.Sprintf("%s: %v", p.Image, err))
			continue
		}
		list = append(list, private{p, n})
		total += n
	}
	v.o.Printf("\n")
	v.line("Total Private", total)
	slices.SortStableFunc(list, func(a, b private) int { return cmp.Compare(b.pages, a.pages) })
	for _, x := range list {
		v.process(fmt.Sprintf("%04x", x.p.ID), x.p.Image, x.pages)
	}
	for i, t := range trouble {
		if i == maxTroubleLines {
			v.o.Printf("%d more could not be read\n", len(trouble)-i)
			break
		}
		v.o.Printf("Not readable: %s\n", escape.Text(t))
	}
	return nil
}

// maxTroubleLines bounds the sentences on what could not be read.
const maxTroubleLines = 20
