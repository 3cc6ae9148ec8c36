package memimage

import (
	"cmp"
	"debug/elf"
	"fmt"
	"io"
	"slices"

	"github.com/seed-eedd8485/lpc/bin"
	nt "github.com/seed-eedd8485/lpc/ntdump"
	"github.com/seed-eedd8485/lpc/target/elffile"
)

// maxProcessors is more than any machine that Windows runs on has.
const maxProcessors = 2048

// describe makes an image of an ELF file's headers and notes.
func describe(h *elffile.File, src io.ReaderAt, size int64) (nt.Image, error) {
	im := nt.Image{Kind: "ELF image of a machine's memory"}
	bits := 64
	switch h.Machine {
	case elf.EM_386:
		bits = 32
	case elf.EM_X86_64:
	default:
		return im, fmt.Errorf("it is of a machine of type %s, expected x86 or x86-64", h.Machine)
	}
	known := false // that a VirtualBox processor has the registers where this reader expects them
	xen := false
	err := h.EachNote(src, size, func(n elffile.Note) {
		var p nt.Processor
		ok := false
		switch n.Name {
		case "QEMU":
			im.Kind = "ELF image by QEMU"
			p, ok = qemuProcessor(n, bits)
		case "VBCORE":
			im.Kind, known = virtualBox(n)
		case "VBCPU":
			if known {
				p, ok = boxProcessor(n.Body)
			}
		case "Xen":
			xen = true
		}
		if ok && len(im.Processors) < maxProcessors {
			im.Processors = append(im.Processors, p)
		}
	})
	if xen {
		return im, fmt.Errorf("it is a dump by Xen, whose memory stands in sections that are not read")
	}
	if err != nil {
		im.Processors = nil // the notes are damaged: the memory need not be
	}
	for _, s := range h.Loads {
		n := min(s.Size, s.Filed)
		if n == 0 || s.Off > uint64(size) { // a device's memory, or what the file does not hold any more
			continue
		}
		im.Extents = append(im.Extents, nt.Extent{Addr: s.Phys, Size: n, Offset: int64(s.Off)})
	}
	return im, onePlace(im.Extents)
}

// onePlace refuses an image of which a byte is said to be the memory at several
// addresses: a search through it would read the file as often. One place may be named
// more than once, as it is by virtual addresses.
func onePlace(list []nt.Extent) error {
	list = slices.Clone(list)
	slices.SortFunc(list, func(a, b nt.Extent) int { return cmp.Compare(a.Offset, b.Offset) })
	var last nt.Extent // of those in front, the one that ends last
	for _, e := range list {
		in := uint64(e.Offset - last.Offset)
		switch {
		case in >= last.Size:
			last = e
		case e.Addr != last.Addr+in:
			return fmt.Errorf("its bytes from %#x on are said to be the memory at %#x and at %#x, expected one place", e.Offset, last.Addr+in, e.Addr)
		case in+e.Size > last.Size:
			last = e
		}
	}
	return nil
}

// registers reads numbers of 8 bytes under names.
func registers(r *bin.Reader, names []string) map[string]uint64 {
	v := make(map[string]uint64, len(names))
	for _, n := range names {
		v[n] = r.U64(n)
	}
	return v
}

// wide are the registers that a 32-bit processor has under other names.
var wide = [...]string{"rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rip", "rsp", "rbp"}

// processor makes a state of what a note says. bits is the width of the machine's
// registers, whatever code ran at the moment.
func processor(v map[string]uint64, segments map[string]uint64, cr3 uint64, bits int, from string) nt.Processor {
	r := &nt.Registers{Machine: nt.X64, From: from}
	if bits == 32 {
		r.Machine = nt.X86
	}
	add := func(name string, value uint64, bits int) {
		r.Values = append(r.Values, nt.Register{Name: name, Value: value, Bits: bits})
	}
	for _, name := range wide {
		if bits == 32 {
			add("e"+name[1:], uint64(uint32(v[name])), 32)
		} else {
			add(name, v[name], 64)
		}
	}
	if bits == 64 {
		for _, name := range []string{"r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15"} {
			add(name, v[name], 64)
		}
	}
	add("efl", v["rflags"]&0xffffffff, 32)
	for _, name := range []string{"cs", "ss", "ds", "es", "fs", "gs"} {
		add(name, segments[name]&0xffff, 16)
	}
	return nt.Processor{Registers: r, CR3: cr3}
}
