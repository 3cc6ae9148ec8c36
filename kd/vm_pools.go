package kd

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/seed-eedd8485/lpc/internal/escape"
	"github.com/seed-eedd8485/lpc/kd/holdings"
	"github.com/seed-eedd8485/lpc/target"
)

// pages of so many bytes, the last one counted whole.
func pages(bytes uint64) uint64 { return bytes/pageBytes + min(bytes%pageBytes, 1) }

// processPools is !vm of processes of ours: each has a pool of its own.
func (s *Session) processPools(ctx context.Context, o *Out, flags uint64) error {
	r, err := holdings.Look(ctx, s.reader)
	if err != nil {
		return fmt.Errorf("!vm: %w", err)
	}
	v := &vmReport{o: o}
	o.Printf("*** Virtual Memory Usage ***\n")
	v.missing("Physical Memory", "pools do not tell of the machine's memory")
	v.kind(r, "NonPagedPool", "Usage", "Max", "NonPaged", false)
	v.kind(r, "PagedPool", "Usage", "Maximum", "Paged", true)
	v.sections(r)
	v.failures(r)
	if flags&1 == 0 {
		s.poolProcesses(v, r)
	}
	s.notes(o, r.Trouble, r.More)
	return nil
}

// readable are the accounts of the processes that may be read.
func readable(r *holdings.Report, keep func(target.PoolAccount) bool) (list []target.PoolAccount) {
	for _, a := range r.Accounts {
		if a.Process.Err == nil && keep(a) {
			list = append(list, a)
		}
	}
	return list
}

// kind prints the pools that are paged, or those that are not.
func (v *vmReport) kind(r *holdings.Report, name, usage, most, word string, paged bool) {
	var used, limit uint64
	list := readable(r, func(a target.PoolAccount) bool { return a.Paged == paged })
	for _, a := range list {
		if paged {
			v.line(fmt.Sprintf("%s %d %s", name, a.Process.ID, usage), pages(a.Used))
		}
		used, limit = used+pages(a.Used), limit+pages(a.Limit)
	}
	v.line(name+" "+usage, used)
	v.line(name+" "+most, limit)
	for _, a := range list {
		if holdings.Nears(a.Used, a.Limit) {
			v.o.Printf("\t********** Excessive %s Pool Usage *****\n\t   %s %d: %d of %d bytes\n", word, escape.Text(a.Process.Image), a.Process.ID, a.Used, a.Limit)
		}
	}
}

// sections prints the section memory, and who nears the limit of a port.
func (v *vmReport) sections(r *holdings.Report) {
	var granted, used uint64
	for _, a := range r.Accounts {
		granted, used = granted+a.Granted, used+a.InUse
	}
	v.line("Section Memory", pages(granted))
	v.line("Section Memory Used", pages(used))
	for _, q := range r.Quotas {
		if holdings.Nears(q.Granted, q.Limit) {
			v.o.Printf("\t********** Excessive Section Memory Usage *****\n\t   %s %d, port %s: %d of %d bytes granted to uid %d\n",
				escape.Text(q.Image), q.Process, escape.Text(q.Port), q.Granted, q.Limit, q.UID)
		}
	}
}

// failures prints the allocations that failed, and why the last one did.
func (v *vmReport) failures(r *holdings.Report) {
	total := uint64(0)
	list := readable(r, func(a target.PoolAccount) bool { return a.Failures > 0 })
	for _, a := range list {
		total += a.Failures
	}
	if total == 0 {
		return
	}
	v.o.Printf("\t********** %d pool allocations have failed **********\n", total)
	for _, a := range list {
		v.o.Printf("\t   %s %d: %d, the last of %d bytes with tag %s: %s\n", escape.Text(a.Process.Image), a.Process.ID, a.Failures,
			a.FailedSize, escape.Text(tagText(a.FailedTag)), escape.Text(cmp.Or(a.FailedQuota, "quota not recorded")))
	}
}

// poolProcesses prints what each process has, most first.
func (s *Session) poolProcesses(v *vmReport, r *holdings.Report) {
	list := readable(r, func(target.PoolAccount) bool { return true })
	has := func(a target.PoolAccount) uint64 { return pages(a.Used) + pages(a.Granted) }
	slices.SortStableFunc(list, func(a, b target.PoolAccount) int { return cmp.Compare(has(b), has(a)) })
	total := uint64(0)
	for _, a := range list {
		total += has(a)
	}
	v.o.Printf("\n")
	v.line("Total Private", total)
	for _, a := range list {
		v.process(s.pid(a.Process.Addr, uint64(a.Process.ID)), a.Process.Image, has(a))
	}
}
