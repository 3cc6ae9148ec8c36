package ntdump

import (
	"errors"
	"fmt"

	"github.com/seed-eedd8485/lpc/isf"
)

// current is a thread and its process, by address.
type current struct{ addr, process uint64 }

// currentThread finds the thread that ran when the dump was written: in a small
// dump the one that it holds, else that of the first processor. p says where a
// thread names its process.
func (d *Dump) currentThread(p *partial) (current, bool) {
	addr, ok := d.CurrentThread()
	if !ok {
		return current{}, false
	}
	off, ok := d.Debugger().Offset(KThreadApcProcess)
	if !ok {
		return current{}, false
	}
	process, err := d.Number(Space{}, addr+uint64(off), p.ptr)
	if err != nil || !d.kernel(process) {
		return current{}, false
	}
	return current{addr, process}, true
}

// maxProcessors bounds the processors that are looked at.
const maxProcessors = 2048

// Prcb is the address of a processor's KPRCB, by the kernel's table of them.
func (d *Dump) Prcb(processor int) (uint64, error) {
	table, ok := d.Debugger().Address(KiProcessorBlock)
	if !ok {
		return 0, errors.New("where the processors' records are (KiProcessorBlock) is not known")
	}
	if processor < 0 || processor >= maxProcessors {
		return 0, fmt.Errorf("processor %d: expected a number below %d", processor, maxProcessors)
	}
	at, err := d.Pointer(Space{}, table+uint64(processor*d.PointerSize()))
	if err == nil && !d.kernel(at) {
		err = fmt.Errorf("processor %d has no record", processor)
	}
	return at, err
}

// CurrentThread is the address of the thread that the dump is about: in a small
// dump the one in its header, else the one that runs on the first processor. Where
// several processors run, ThreadOn tells of each.
func (d *Dump) CurrentThread() (uint64, bool) {
	if d.small != nil {
		return d.small.threadAddr, d.small.threadAddr != 0
	}
	return d.ThreadOn(0)
}

// ThreadOn is the address of the thread that runs on a processor.
func (d *Dump) ThreadOn(processor int) (uint64, bool) {
	prcb, err := d.Prcb(processor)
	if err != nil {
		return 0, false
	}
	off, ok := d.Debugger().Offset(PrcbCurrentThread)
	if !ok {
		if off, ok = d.offset("_KPRCB", "CurrentThread"); !ok {
			return 0, false
		}
	}
	at, err := d.Pointer(Space{}, prcb+uint64(off))
	return at, err == nil && d.kernel(at)
}

// offset is where a member stands, by the dump's types. path may pass inner
// structures: "ApcState.Process".
func (d *Dump) offset(structure, path string) (int, bool) {
	t := d.Types()
	if t == nil {
		return 0, false
	}
	l := t.Layout(structure)
	if l == nil {
		return 0, false
	}
	f, err := isf.Find(t, l, path)
	return f.Offset, err == nil
}
