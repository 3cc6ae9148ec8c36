package ntdump

import "github.com/seed-eedd8485/lpc/isf"

// debuggerTypes makes a description of what the debugger data block itself tells
// about threads and processes: Windows 10 and later put the stack's limits there,
// so that a small dump needs no symbols. What the block does not tell is added only
// where a check against the dump's own memory agrees; nil without a block.
func (d *Dump) debuggerTypes() (isf.Types, error) {
	k := d.Debugger()
	if k == nil || k.Size() < int(SizeEThread)+2 {
		return nil, nil
	}
	p := &partial{ptr: d.PointerSize()}
	thread, process := p.layout("_KTHREAD", 0), p.layout("_EPROCESS", 0)
	off16 := func(l *isf.Layout, name string, f Field16, t *isf.Type) {
		if n, ok := k.Offset(f); ok {
			p.field(l, name, n, t)
		}
	}
	off16(thread, "InitialStack", KThreadInitialStack, p.pointer())
	off16(thread, "KernelStack", KThreadKernelStack, p.pointer())
	off16(thread, "Teb", KThreadTeb, p.pointer())
	off16(thread, "State", KThreadState, p.number(1))
	off16(thread, "WaitReason", KThreadWaitReason, p.number(1))
	if n, ok := k.Offset32(KThreadStackLimit); ok {
		p.field(thread, "StackLimit", n, p.pointer())
	}
	if n, ok := k.Offset32(KThreadStackBase); ok {
		p.field(thread, "StackBase", n, p.pointer())
	}
	// The block has the place of ApcState.Process; _KAPC_STATE starts with two list
	// heads before it (reference 5.2).
	if n, ok := k.Offset(KThreadApcProcess); ok && n >= 4*p.ptr {
		apc := p.layout("_KAPC_STATE", 5*p.ptr)
		p.field(apc, "Process", 4*p.ptr, p.pointer())
		p.field(thread, "ApcState", n-4*p.ptr, &isf.Type{Kind: isf.Struct, Name: "_KAPC_STATE", Size: 5 * p.ptr})
	}
	kproc := p.layout("_KPROCESS", 0)
	off16(kproc, "DirectoryTableBase", EProcessDirectoryTableBase, p.array(p.number(p.ptr), 2))
	p.field(process, "Pcb", 0, &isf.Type{Kind: isf.Struct, Name: "_KPROCESS"})
	off16(process, "Peb", EProcessPeb, p.pointer())
	off16(process, "InheritedFromUniqueProcessId", EProcessParentCid, p.pointer())
	if n, ok := k.Offset(SizeEProcess); ok {
		process.Size = n
	}
	ethread := p.layout("_ETHREAD", 0)
	p.field(ethread, "Tcb", 0, &isf.Type{Kind: isf.Struct, Name: "_KTHREAD"})
	if n, ok := k.Offset(SizeEThread); ok {
		ethread.Size = n
	}
	p.list()
	if n, ok := k.Offset32(EThreadIrpList); ok {
		p.field(ethread, "IrpList", n, p.linkType())
		d.addByShape(p, ethread, process, n)
	}
	return isf.New(isf.Content{Source: "debugger data block of build " + itoa(d.header.Build), PointerSize: p.ptr, Layouts: p.done(),
		Metadata: isf.Metadata{Machine: uint16(d.header.Machine)}})
}

// partial builds a description that knows some members only.
type partial struct {
	ptr     int
	layouts []*isf.Layout
}

func (p *partial) layout(name string, size int) *isf.Layout {
	l := &isf.Layout{Name: name, Kind: isf.Struct, Size: size}
	p.layouts = append(p.layouts, l)
	return l
}

func (p *partial) field(l *isf.Layout, name string, off int, t *isf.Type) {
	l.Fields = append(l.Fields, isf.Field{Name: name, Offset: off, Type: t})
}

func (p *partial) pointer() *isf.Type { return &isf.Type{Kind: isf.Pointer, Size: p.ptr} }

func (p *partial) number(size int) *isf.Type {
	name := map[int]string{1: "unsigned char", 4: "unsigned long", 8: "unsigned long long"}[size]
	return &isf.Type{Kind: isf.Base, Name: name, Size: size}
}

func (p *partial) array(elem *isf.Type, n int) *isf.Type {
	return &isf.Type{Kind: isf.Array, Elem: elem, Count: n, Size: n * elem.Size}
}

// pair describes a structure of two pointers.
func (p *partial) pair(name, first, second string) {
	l := p.layout(name, 2*p.ptr)
	p.field(l, first, 0, p.pointer())
	p.field(l, second, p.ptr, p.pointer())
}

func (p *partial) list() {
	p.pair("_LIST_ENTRY", "Flink", "Blink")
	p.pair("_CLIENT_ID", "UniqueProcess", "UniqueThread")
}

func (p *partial) linkType() *isf.Type {
	return &isf.Type{Kind: isf.Struct, Name: "_LIST_ENTRY", Size: 2 * p.ptr}
}

func (p *partial) cidType() *isf.Type {
	return &isf.Type{Kind: isf.Struct, Name: "_CLIENT_ID", Size: 2 * p.ptr}
}

func (p *partial) done() []isf.Layout {
	out := make([]isf.Layout, 0, len(p.layouts))
	for _, l := range p.layouts {
		out = append(out, *l)
	}
	return out
}
