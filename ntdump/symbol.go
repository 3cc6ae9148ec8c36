package ntdump

// Symbol is the address of a global of the kernel by the description in use (the
// user's ISF or PDB; what is shipped has no symbols). ok is false where it is not
// described, and where the debugger data does not say where the kernel is.
func (d *Dump) Symbol(name string) (va uint64, ok bool) {
	t := d.Types()
	if t == nil {
		return 0, false
	}
	base, known := d.Debugger().Address(KernBase)
	rva, ok := t.Symbol(name)
	if !ok || !known {
		return 0, false
	}
	if va = base + rva; d.header.Bits == 32 {
		va &= 0xffffffff
	}
	return va, true
}
