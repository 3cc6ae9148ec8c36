package dumptest

import (
	"bytes"
	"encoding/binary"
)

// An ELF image of a machine's memory, by elf(5) and by what the hypervisors' own
// documents say of the notes. Nothing of it is shared with the reader.

// elfWriter writes an ELF core of a width.
type elfWriter struct {
	bits    int
	machine uint16
	notes   []byte
	loads   []elfLoad
}

type elfLoad struct {
	virt, phys, size uint64
	data             []byte // nil: a device's memory, which is not in the file
}

// note appends a note; names and contents are padded to align bytes. counted says
// whether the zero behind the name counts.
func (w *elfWriter) note(name string, kind uint32, content []byte, align int, counted bool) {
	size := len(name)
	if counted {
		size++
	}
	le := binary.LittleEndian
	w.notes = le.AppendUint32(w.notes, uint32(size))
	w.notes = le.AppendUint32(w.notes, uint32(len(content)))
	w.notes = le.AppendUint32(w.notes, kind)
	pad := func(b []byte) []byte {
		b = append([]byte{}, b...)
		for len(b)%align != 0 {
			b = append(b, 0)
		}
		return b
	}
	w.notes = append(w.notes, pad(append([]byte(name), 0))...)
	w.notes = append(w.notes, pad(content)...)
}

// bytes lays the file out: header, program headers, notes, memory.
func (w *elfWriter) bytes() []byte {
	head, each := 64, 56
	if w.bits == 32 {
		head, each = 52, 32
	}
	var out bytes.Buffer
	le := binary.LittleEndian
	put := func(v uint64, size int) {
		var b [8]byte
		le.PutUint64(b[:], v)
		out.Write(b[:size])
	}
	word := w.bits / 8
	out.WriteString("\x7fELF")
	put(uint64(w.bits/32), 1)
	put(1, 1)
	put(1, 1)
	out.Write(make([]byte, 9))
	put(4, 2) // ET_CORE
	put(uint64(w.machine), 2)
	put(1, 4)
	put(0, word)
	put(uint64(head), word)
	put(0, word)
	put(0, 4)
	put(uint64(head), 2)
	put(uint64(each), 2)
	put(uint64(1+len(w.loads)), 2)
	put(0, 2)
	put(0, 2)
	put(0, 2)
	header := func(kind, off, virt, phys, filed, size uint64) {
		put(kind, 4)
		if w.bits == 64 {
			put(0, 4)
		}
		for _, v := range []uint64{off, virt, phys, filed, size} {
			put(v, word)
		}
		if w.bits == 32 {
			put(0, 4)
		}
		put(0, word)
	}
	at := uint64(head + each*(1+len(w.loads)))
	header(4, at, 0, 0, uint64(len(w.notes)), uint64(len(w.notes)))
	at += uint64(len(w.notes))
	for _, l := range w.loads {
		header(1, at, l.virt, l.phys, uint64(len(l.data)), l.size)
		at += uint64(len(l.data))
	}
	out.Write(w.notes)
	for _, l := range w.loads {
		out.Write(l.data)
	}
	return out.Bytes()
}

// memory appends the machine's memory, one segment for each run.
func (w *elfWriter) memory(m *Machine) {
	for _, r := range runsOf(m.frames()) {
		l := elfLoad{phys: r.Base * page, size: r.Count * page}
		for f := r.Base; f < r.Base+r.Count; f++ {
			l.data = append(l.data, m.phys[f]...)
		}
		w.loads = append(w.loads, l)
	}
}

// QEMU writes the machine's memory as QEMU's dump-guest-memory and libvirt's virsh
// dump --memory-only do: an ELF core of the processor's width, with a NT_PRSTATUS and
// a QEMU note for each processor.
func (m *Machine) QEMU(cpus ...CPU) []byte {
	w := &elfWriter{bits: m.Bits, machine: 3} // EM_386
	status := 144
	if m.Bits == 64 {
		w.machine, status = 62, 336 // EM_X86_64
	}
	for i := range cpus {
		b := make([]byte, status)
		at := 24
		if m.Bits == 64 {
			at = 32
		}
		binary.LittleEndian.PutUint32(b[at:], uint32(i+1)) // pr_pid
		w.note("CORE", 1, b, 4, true)
	}
	for _, c := range cpus {
		var b []byte
		u32 := func(v uint64) { b = binary.LittleEndian.AppendUint32(b, uint32(v)) }
		u64 := func(names ...string) {
			for _, n := range names {
				b = binary.LittleEndian.AppendUint64(b, c[n])
			}
		}
		u32(1)
		u32(440)
		u64("rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rsp", "rbp", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "rip", "rflags")
		for _, s := range []string{"cs", "ds", "es", "fs", "gs", "ss", "ldt", "tr", "gdt", "idt"} {
			u32(c[s])
			u32(0xffffffff)
			u32(0x00c09300)
			u32(0)
			u64(s + " base")
		}
		u64("cr0", "cr1", "cr2", "cr3", "cr4", "kernel gs base")
		w.note("QEMU", 0, b, 4, true)
	}
	w.memory(m)
	return w.bytes()
}

// VirtualBox writes the machine's memory as VBoxManage debugvm dumpvmcore does: always
// an ELF core of 64 bits, with a descriptor and a note for each processor whose name
// is counted without its zero, and a device's memory that is named and not there.
func (m *Machine) VirtualBox(cpus ...CPU) []byte {
	w := &elfWriter{bits: 64, machine: 62}
	var b []byte
	for _, v := range []uint32{0xc01ac0de, 0x00010006, 24, 6<<24 | 1<<16 | 50, 161033, uint32(len(cpus))} {
		b = binary.LittleEndian.AppendUint32(b, v)
	}
	w.note("VBCORE", 0xb00, b, 8, false)
	for _, c := range cpus {
		b := make([]byte, 0x500)
		at := 0
		u64 := func(names ...string) {
			for _, n := range names {
				binary.LittleEndian.PutUint64(b[at:], c[n])
				at += 8
			}
		}
		segment := func(name string) {
			u64(name + " base")
			binary.LittleEndian.PutUint32(b[at:], 0xffffffff)
			binary.LittleEndian.PutUint32(b[at+4:], 0xc093)
			binary.LittleEndian.PutUint16(b[at+8:], uint16(c[name]))
			at += 16
		}
		u64("rax", "rbx", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "rip", "rsp", "rbp", "rflags")
		for _, s := range []string{"cs", "ds", "es", "fs", "gs", "ss"} {
			segment(s)
		}
		u64("cr0", "cr2", "cr3", "cr4")
		at += 8*8 + 2*16
		segment("ldt")
		segment("tr")
		u64("sysenter cs", "sysenter eip", "sysenter esp")
		u64("efer", "star")
		w.note("VBCPU", 0xb01, b, 8, false)
	}
	w.memory(m)
	w.loads = append(w.loads, elfLoad{phys: 0xe0000000, size: 0x1000000})
	return w.bytes()
}
