package ntdump

// What packages that read further structures of the kernel need of the lists and
// addresses here.

// IsKernel says whether an address belongs to the kernel's half. It says nothing of
// whether memory stands there.
func (d *Dump) IsKernel(va uint64) bool { return d.kernel(va) }

// WalkList visits the entries of the kernel's LIST_ENTRY whose head stands at an
// address, forward; an entry is the address of its links. visit returns false to stop.
// Without an error the list was whole. At most limit entries are visited.
func (d *Dump) WalkList(head uint64, limit int, visit func(entry uint64) bool) error {
	return d.walkList(Space{}, head, limit, visit)
}
