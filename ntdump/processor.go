package ntdump

import "fmt"

// ProcessorContext reads the registers that a processor saved when the machine
// stopped: at the address in KPRCB.Context on Windows 8 and later, within the
// KPRCB (ProcessorState) before. A small dump holds one record, which processor 0
// stands for here; the registers in the header may be those of the exception
// instead.
func (d *Dump) ProcessorContext(processor int) (*Registers, error) {
	r, err := d.processorContext(processor)
	if err != nil {
		return nil, fmt.Errorf("reading the state of processor %d: %w", processor, err)
	}
	return r, nil
}

func (d *Dump) processorContext(processor int) (*Registers, error) {
	if processor >= 0 && processor < len(d.processors) && d.processors[processor].Registers != nil {
		return d.processors[processor].Registers, nil
	}
	if h := d.header; h.Type == MemoryImage && !h.BugCheck.OK {
		// What stands in the KPRCB is of an earlier stop, or nothing.
		return nil, fmt.Errorf("the machine ran when its memory was taken, and the image has no registers beside it")
	}
	l, ok := contexts[d.header.Machine]
	if !ok {
		return nil, fmt.Errorf("records of %s are not known", d.header.Machine)
	}
	read, err := d.prcbReader(processor)
	if err != nil {
		return nil, err
	}
	ptr := d.PointerSize()
	if off, ok := d.Debugger().Offset(PrcbContext); ok {
		b := make([]byte, ptr)
		if err := read(off, b); err == nil && d.kernel(Word(b, ptr)) {
			if r, err := d.registersAt(Space{}, Word(b, ptr), l); err == nil && r.PC() != 0 {
				return r, nil
			}
		}
	}
	off, ok := d.Debugger().Offset(PrcbProcStateContext)
	if !ok {
		if off, ok = d.offset("_KPRCB", "ProcessorState.ContextFrame"); !ok {
			return nil, fmt.Errorf("its place in the KPRCB is not known")
		}
	}
	b := make([]byte, l.size)
	if err := read(off, b); err != nil {
		return nil, err
	}
	r, err := l.decode(b)
	if err == nil && r.PC() == 0 && r.SP() == 0 {
		return nil, fmt.Errorf("it saved none")
	}
	return r, err
}

// prcbReader returns a way to read the record of a processor: the copy in a small
// dump, or the one in memory.
func (d *Dump) prcbReader(processor int) (func(off int, b []byte) error, error) {
	if t := d.small; t != nil {
		if processor != 0 || t.prcb == 0 || t.prcb == filler32 {
			return nil, fmt.Errorf("a triage dump holds one processor's record at most")
		}
		return func(off int, b []byte) error {
			got, err := d.piece("KPRCB", t.prcb+int64(off), int64(len(b)), int64(len(b)))
			copy(b, got)
			return err
		}, nil
	}
	prcb, err := d.Prcb(processor)
	if err != nil {
		return nil, err
	}
	return func(off int, b []byte) error {
		_, err := d.ReadMemory(prcb+uint64(off), b)
		return err
	}, nil
}
