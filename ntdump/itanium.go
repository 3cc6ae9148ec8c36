package ntdump

// itaniumBytes is the size of a thread's kernel stack on Itanium, and of its backing
// store: 32 KB each (reference 1.5).
const itaniumBytes = 32 << 10

// BackingStore is where a thread of Itanium keeps the stacked registers of its
// callers. It grows up, from Limit-32 KB to Limit.
type BackingStore struct {
	Base, Limit uint64 // Limit is the first address behind it
	From        string // what told the limit: "KTHREAD.BStoreLimit", "the triage header"
	OK          bool
}

// BackingStore is that of the thread whose _ETHREAD stands at an address: by the
// thread's record, whose members the debugger data block places, else by a small
// dump's second header. It is not known for other machines.
func (d *Dump) BackingStore(thread uint64) BackingStore {
	if d.header.Machine != IA64 {
		return BackingStore{}
	}
	limit, from := uint64(0), ""
	if off, ok := d.Debugger().Offset(KThreadBStoreLimit); ok && thread != 0 {
		if v, err := d.Pointer(Space{}, thread+uint64(off)); err == nil {
			limit, from = v, "KTHREAD.BStoreLimit"
		}
	}
	if !d.kernel(limit) && d.small != nil {
		limit, from = d.small.bstoreLimit, "the triage header"
	}
	if !d.kernel(limit) || limit < itaniumBytes {
		return BackingStore{}
	}
	return BackingStore{Base: limit - itaniumBytes, Limit: limit, From: from, OK: true}
}

// itaniumStack fills in the bounds of an Itanium's kernel stack, which the debugger
// data block does not place: it starts at InitialStack, or ends with what a small
// dump holds of it, and has 32 KB. It returns false for other machines.
func (d *Dump) itaniumStack(s *Stack) bool {
	if d.header.Machine != IA64 {
		return false
	}
	base := s.Initial
	if !d.kernel(base) {
		held := d.CallStack()
		base = held.Addr + held.Size
	}
	if d.kernel(base) && base >= itaniumBytes {
		s.Base, s.Limit = base, base-itaniumBytes
	}
	return true
}
