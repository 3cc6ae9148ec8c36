package ntdump

import (
	"encoding/binary"
	"fmt"
)

// Register is a saved register.
type Register struct {
	Name  string // "eip", "rsp", "x29"
	Value uint64
	Bits  int // 16, 32 or 64
}

// Registers is a saved state of a processor, as far as the record holds it.
type Registers struct {
	Machine Machine
	From    string // the record: "CONTEXT", "KTRAP_FRAME", "KTSS"
	Values  []Register
}

// Get returns a register by name. ok is false when the record does not hold it.
func (r *Registers) Get(name string) (v uint64, ok bool) {
	if r == nil {
		return 0, false
	}
	for _, x := range r.Values {
		if x.Name == name {
			return x.Value, true
		}
	}
	return 0, false
}

// PC, SP and FP are the instruction pointer, the stack pointer and the frame
// pointer, 0 where the record does not hold them.
func (r *Registers) PC() uint64 { return r.first("rip", "eip", "pc", "iip") }

// SP is the stack pointer.
func (r *Registers) SP() uint64 { return r.first("rsp", "esp", "sp") }

// FP is the frame pointer.
func (r *Registers) FP() uint64 { return r.first("rbp", "ebp", "fp") }

func (r *Registers) first(names ...string) uint64 {
	for _, n := range names {
		if v, ok := r.Get(n); ok {
			return v
		}
	}
	return 0
}

// slot is a register's place in a record.
type slot struct {
	name string
	off  int
	bits int
}

// layout is a record that holds registers.
type layout struct {
	from    string
	machine Machine
	size    int // bytes that must be there
	slots   []slot
}

// decode reads the registers of a record.
func (l *layout) decode(b []byte) (*Registers, error) {
	if len(b) < l.size {
		return nil, fmt.Errorf("reading %s of %s: %#x bytes are there, expected %#x", l.from, l.machine, len(b), l.size)
	}
	r := &Registers{Machine: l.machine, From: l.from, Values: make([]Register, 0, len(l.slots))}
	for _, s := range l.slots {
		var v uint64
		switch s.bits {
		case 16:
			v = uint64(binary.LittleEndian.Uint16(b[s.off:]))
		case 32:
			v = uint64(binary.LittleEndian.Uint32(b[s.off:]))
		default:
			v = binary.LittleEndian.Uint64(b[s.off:])
		}
		r.Values = append(r.Values, Register{s.name, v, s.bits})
	}
	return r, nil
}

// Context decodes a CONTEXT record of the dump's machine: the header's, or one
// that was read from memory.
func (d *Dump) Context(record []byte) (*Registers, error) {
	if len(record) == 0 {
		return nil, fmt.Errorf("reading CONTEXT: the dump holds none here")
	}
	l, ok := contexts[d.header.Machine]
	if !ok {
		return nil, fmt.Errorf("reading CONTEXT: records of %s are not known", d.header.Machine)
	}
	return l.decode(record)
}

// ContextAt reads the CONTEXT record at a virtual address: for bug check 7E the
// fourth parameter names one.
func (d *Dump) ContextAt(s Space, va uint64) (*Registers, error) {
	l, ok := contexts[d.header.Machine]
	if !ok {
		return nil, fmt.Errorf("reading CONTEXT: records of %s are not known", d.header.Machine)
	}
	return d.registersAt(s, va, l)
}

// TrapFrameAt reads the KTRAP_FRAME at a virtual address. On x86 the stack pointer
// stands in it only when the processor came from user mode (an interrupt within
// the kernel pushes none): else it is the address behind EFlags.
func (d *Dump) TrapFrameAt(s Space, va uint64) (*Registers, error) {
	l, ok := trapFrames[d.header.Machine]
	if !ok {
		return nil, fmt.Errorf("reading KTRAP_FRAME: records of %s are not known", d.header.Machine)
	}
	r, err := d.registersAt(s, va, l)
	if err != nil || d.header.Machine != X86 {
		return r, err
	}
	// A code selector with privilege 0 came from the kernel, unless EFLAGS.VM is set.
	cs, _ := r.Get("cs")
	flags, _ := r.Get("efl")
	if cs&3 == 0 && flags&(1<<17) == 0 {
		for i := range r.Values {
			switch r.Values[i].Name {
			case "esp":
				r.Values[i].Value = va + 0x74
			case "ss":
				r.Values[i].Value = 0x10 // KGDT_R0_DATA: the kernel's own
			}
		}
	}
	return r, nil
}

// TaskStateAt reads the KTSS of an x86 machine at a virtual address: where the
// processor leaves its state when it changes to another task, as for a double
// fault.
func (d *Dump) TaskStateAt(s Space, va uint64) (*Registers, error) {
	if d.header.Machine != X86 {
		return nil, fmt.Errorf("reading KTSS: %s keeps no registers in a task state segment", d.header.Machine)
	}
	return d.registersAt(s, va, taskX86)
}

func (d *Dump) registersAt(s Space, va uint64, l *layout) (*Registers, error) {
	b := make([]byte, l.size)
	if _, err := d.ReadVirtual(s, va, b); err != nil {
		return nil, fmt.Errorf("reading %s at %#x: %w", l.from, va, err)
	}
	return l.decode(b)
}
