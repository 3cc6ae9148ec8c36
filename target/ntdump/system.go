package ntdump

import (
	"fmt"
	"iter"
	"slices"

	nt "github.com/seed-eedd8485/lpc/ntdump"
	"github.com/seed-eedd8485/lpc/target"
)

// Processes is target.System's: the kernel's list, in its order. Of a triage dump it
// is the one process that it holds; where the list is not described, those that the
// processors ran, behind an entry that says so.
func (t *Target) Processes() iter.Seq[target.Process] {
	return func(yield func(target.Process) bool) {
		// A dump does not change: the list is read again only for other types.
		if types := t.d.Types(); t.list == nil || t.listTypes != types {
			t.list, t.listTypes = slices.Collect(t.processes()), types
		}
		for _, p := range t.list {
			if !yield(p) {
				return
			}
		}
	}
}

// processes reads them.
func (t *Target) processes() iter.Seq[target.Process] {
	return func(yield func(target.Process) bool) {
		if t.small() {
			if at, ok := t.d.CurrentProcess(); ok {
				yield(t.process(t.d.Process(at)))
			}
			return
		}
		listed := false
		for p := range t.d.Processes() {
			listed = listed || p.Addr != 0
			if !yield(t.process(p)) {
				return
			}
		}
		if listed {
			return
		}
		seen := map[uint64]bool{0: true}
		for _, at := range t.onProcessors() {
			th := t.d.Thread(at)
			if seen[th.Process] {
				continue
			}
			seen[th.Process] = true
			p := t.process(t.d.Process(th.Process))
			if p.ID == 0 && th.PID != 0 {
				p.ID, p.Err = uint32(th.PID), nil // what the process's record is not described to have, the thread's has
			}
			if !yield(p) {
				return
			}
		}
	}
}

// onProcessors are the threads that the processors ran.
func (t *Target) onProcessors() (list []uint64) {
	for i := range t.d.Processors() {
		if at, ok := t.d.ThreadOn(i); ok {
			list = append(list, at)
		}
	}
	return list
}

func (t *Target) process(p nt.Process) target.Process {
	q := target.Process{Addr: p.Addr, ID: uint32(p.ID), Parent: uint32(p.Parent), Image: p.Image, Err: p.Err}
	if p.Addr == 0 {
		return q
	}
	if at, err := t.d.Member(p.Addr, "_EPROCESS", "CreateTime.QuadPart"); err == nil {
		q.Start = nt.FileTime(at)
	}
	return q
}

// Process is target.System's.
func (t *Target) Process(addr uint64) (target.Process, error) {
	byID, found := target.Process{}, false
	var broken error
	for p := range t.Processes() {
		switch {
		case p.Addr == 0 && p.Err != nil:
			broken = p.Err
		case p.Addr == addr:
			return p, nil
		case uint64(p.ID) == addr && p.Addr != 0 && !found:
			byID, found = p, true
		}
	}
	switch {
	case found:
		return byID, nil
	case broken != nil:
		return target.Process{}, fmt.Errorf("no process found at %#x or with that id: %w", addr, broken)
	case t.small():
		return target.Process{}, fmt.Errorf("no process stands at %#x or has that id: a triage dump holds the one that ran alone", addr)
	}
	return target.Process{}, fmt.Errorf("no process stands at %#x or has that id; !process 0 0 lists them", addr)
}

// Threads is target.System's. Where the list of threads is not described, the
// threads that ran on the processors are given, behind an entry that says so.
func (t *Target) Threads(p uint64) iter.Seq[target.Thread] {
	return func(yield func(target.Thread) bool) {
		if t.small() {
			if at, ok := t.d.CurrentThread(); ok {
				if th := t.thread(t.d.Thread(at)); p == 0 || t.is(p, th.Process) {
					yield(th)
				}
			}
			return
		}
		listed := false
		for q := range t.Processes() {
			if q.Addr == 0 {
				if !yield(target.Thread{Err: q.Err}) {
					return
				}
				continue
			}
			if p != 0 && p != q.Addr && (p != uint64(q.ID) || t.stands(p)) {
				continue
			}
			for th := range t.d.Threads(q.Addr) {
				out := t.thread(th)
				out.Process = q.Addr // not the one that it is attached to
				listed = listed || th.Addr != 0
				if !yield(out) {
					return
				}
			}
		}
		if listed {
			return
		}
		for _, at := range t.onProcessors() {
			th := t.thread(t.d.Thread(at))
			if (p == 0 || t.is(p, th.Process)) && !yield(th) {
				return
			}
		}
	}
}

// is tells whether p, an address or an id, is the process at addr.
func (t *Target) is(p, addr uint64) bool {
	return p == addr || p>>32 == 0 && !t.stands(p) && t.d.Process(addr).ID == p
}

// stands tells whether a process of the list stands at an address.
func (t *Target) stands(addr uint64) bool {
	for p := range t.Processes() {
		if p.Addr == addr {
			return true
		}
	}
	return false
}

func (t *Target) thread(th nt.Thread) target.Thread {
	out := target.Thread{Addr: th.Addr, Process: th.Process, ID: th.TID}
	if th.Addr == 0 {
		out.Err = th.Err
	}
	return out // a member that is not described is absent in the record, no more
}
