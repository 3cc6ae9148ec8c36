package ntdump

import (
	"fmt"
	"iter"

	"github.com/seed-eedd8485/lpc/isf"
)

// Process is a process of the dumped machine.
type Process struct {
	Addr   uint64 // of its _EPROCESS
	ID     uint64
	Parent uint64 // id of the process that made it, which may have ended
	Image  string // name of its image, at most 15 characters
	DTB    uint64 // physical address of its page tables
	Peb    uint64
	Err    error // the first member that could not be read or is not described
}

// Space is the address space of the process.
func (p *Process) Space() Space { return Space{DTB: p.DTB} }

// SpaceOf is the address space of the process whose _EPROCESS stands at an address. It is
// never that of another one: a process whose page tables are not known is an error.
func (d *Dump) SpaceOf(process uint64) (Space, error) {
	dtb, err := d.member(process, "_EPROCESS", "Pcb.DirectoryTableBase[0]")
	if err != nil {
		return Space{}, fmt.Errorf("the address space of the process at %#x is not known: %w", process, err)
	}
	if dtb == 0 {
		return Space{}, fmt.Errorf("the process at %#x names no page tables: it has ended, or no process stands there", process)
	}
	return Space{DTB: dtb}, nil
}

// maxProcesses and maxThreads bound the lists.
const (
	maxProcesses = 1 << 16
	maxThreads   = 1 << 16
)

// Number of bytes of a member that is read as a number: the member's own size.
func (d *Dump) member(at uint64, structure, path string) (uint64, error) {
	t := d.Types()
	if t == nil {
		return 0, fmt.Errorf("reading %s.%s: no types are known for build %d of %s", structure, path, d.header.Build, d.header.Machine)
	}
	l := t.Layout(structure)
	if l == nil {
		return 0, fmt.Errorf("reading %s.%s: %s is not described in %s", structure, path, structure, t.Source())
	}
	f, err := isf.Find(t, l, path)
	if err != nil {
		return 0, fmt.Errorf("reading %s.%s: %w", structure, path, err)
	}
	size := f.Type.Size
	if f.Type.Kind == isf.Struct || f.Type.Kind == isf.Union || f.Type.Kind == isf.Array || size < 1 || size > 8 {
		return 0, fmt.Errorf("reading %s.%s: it is no number", structure, path)
	}
	v, err := d.Number(Space{}, at+uint64(f.Offset), size)
	if err == nil && f.Type.Kind == isf.Bits {
		v = v >> f.Type.BitPosition & (1<<f.Type.BitLength - 1)
	}
	return v, err
}

// Member reads a member of a kernel structure as a number: "Cid.UniqueThread" of
// the _ETHREAD at an address. The error says what is not described or not there.
func (d *Dump) Member(at uint64, structure, path string) (uint64, error) {
	return d.member(at, structure, path)
}

// CurrentProcess is the address of the process of the current thread: in a small
// dump the one that it holds.
func (d *Dump) CurrentProcess() (uint64, bool) {
	if d.small != nil {
		return d.small.processAddr, d.small.processAddr != 0
	}
	t, ok := d.CurrentThread()
	if !ok {
		return 0, false
	}
	p, err := d.member(t, "_KTHREAD", "ApcState.Process")
	return p, err == nil && d.kernel(p)
}

// Process reads the process whose _EPROCESS stands at an address. What could not be
// read is 0, and Err says why.
func (d *Dump) Process(at uint64) Process {
	p := Process{Addr: at}
	get := func(path string) uint64 {
		v, err := d.member(at, "_EPROCESS", path)
		if err != nil && p.Err == nil {
			p.Err = err
		}
		return v
	}
	p.ID = get("UniqueProcessId")
	p.Parent = get("InheritedFromUniqueProcessId")
	p.DTB = get("Pcb.DirectoryTableBase[0]")
	p.Peb = get("Peb")
	if t := d.Types(); t != nil {
		f := t.Layout("_EPROCESS").Field("ImageFileName")
		if f == nil {
			if p.Err == nil {
				p.Err = fmt.Errorf("reading _EPROCESS.ImageFileName: it is not described in %s", t.Source())
			}
			return p
		}
		var name [16]byte
		n := min(max(f.Type.Size, 0), len(name))
		if _, err := d.ReadMemory(at+uint64(f.Offset), name[:n]); err != nil {
			if p.Err == nil {
				p.Err = err
			}
			return p
		}
		p.Image = cString(name[:n])
	}
	return p
}

func cString(b []byte) string {
	for i, c := range b {
		if c == 0 {
			return string(b[:i])
		}
	}
	return string(b)
}

// Processes walks the list of processes in its order. What ends the walk early is
// yielded with Err set and Addr 0. It may stop early.
func (d *Dump) Processes() iter.Seq[Process] {
	return func(yield func(Process) bool) {
		head := d.header.Processes
		if head == 0 {
			head, _ = d.Debugger().Address(PsActiveProcessHead)
		}
		links, ok := d.offset("_EPROCESS", "ActiveProcessLinks")
		switch {
		case d.small != nil:
			yield(Process{Err: fmt.Errorf("listing processes: a triage dump holds one process, no list")})
			return
		case head == 0:
			yield(Process{Err: fmt.Errorf("listing processes: neither the header nor the debugger data says where their list is")})
			return
		case !ok:
			yield(Process{Err: fmt.Errorf("listing processes: _EPROCESS.ActiveProcessLinks is not described for build %d of %s", d.header.Build, d.header.Machine)})
			return
		}
		stopped := false
		err := d.walkList(Space{}, head, maxProcesses, func(entry uint64) bool {
			stopped = !yield(d.Process(entry - uint64(links)))
			return !stopped
		})
		if err != nil && !stopped {
			yield(Process{Err: fmt.Errorf("listing processes: %w", err)})
		}
	}
}
