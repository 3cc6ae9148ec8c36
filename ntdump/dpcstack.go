package ntdump

// DPCStack finds the processor on whose stack for deferred calls an address lies, or in
// the guard page below: such a stack is no thread's, and code that uses it is not on
// the stack of the thread that it interrupted (reference 1.5). ok is false where none
// is, or where it is not described for the build.
func (d *Dump) DPCStack(va uint64) (limit, base uint64, processor int, ok bool) {
	off, ok := d.offset("_KPRCB", "DpcStack")
	if !ok {
		return 0, 0, 0, false
	}
	size := uint64(12 << 10) // as that of a thread
	if d.header.Bits == 64 {
		size = 24 << 10
	}
	for i := range d.Processors() {
		prcb, err := d.Prcb(i)
		if err != nil {
			break
		}
		top, err := d.Pointer(Space{}, prcb+uint64(off))
		if err == nil && d.kernel(top) && va < top && top-va <= size+pageBytes {
			return top - size, top, i, true
		}
	}
	return 0, 0, 0, false
}
