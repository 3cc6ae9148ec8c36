package dumptest

// Thread describes a thread to be made. Zero values are left zero.
type Thread struct {
	At         uint64 // address of its _ETHREAD; 0: the next free place
	ID         uint64
	StackBase  uint64 // 0: the next free place
	StackBytes uint64 // 0: what the machine gives a thread
	Kernel     uint64 // KernelStack; 0: half way down
	BStore     uint64 // Itanium: where the backing store starts; 0: 64 KB above StackBase
	State      uint8
	WaitReason uint8
	Teb        uint64
}

// Stack sizes of threads (reference 1.5).
func (p *Profile) stackBytes() uint64 {
	switch {
	case p.Machine == ARM64.Machine || p.Machine == IA64.Machine:
		return 32 << 10
	case p.Bits == 64:
		return 24 << 10
	}
	return 12 << 10
}

// AddThread makes a thread of a process with a kernel stack of zeros, and returns
// the address of its _ETHREAD. The page below the stack is the guard page: it is
// never mapped.
func (m *Machine) AddThread(process uint64, t Thread) uint64 {
	at := t.At
	if at == 0 {
		at = m.Alloc(m.Size("_ETHREAD"))
	}
	if t.StackBytes == 0 {
		t.StackBytes = m.stackBytes()
	}
	if t.StackBase == 0 {
		t.StackBase = m.stacks + page + t.StackBytes
		m.stacks = t.StackBase
	}
	limit := t.StackBase - t.StackBytes
	for va := limit; va < t.StackBase; va += page {
		m.page(va)
	}
	if t.Kernel == 0 {
		t.Kernel = t.StackBase - t.StackBytes/2
	}
	m.Put(at, make([]byte, m.Size("_ETHREAD")))
	m.Set(at, "_KTHREAD.InitialStack", t.StackBase)
	m.Try(at, "_KTHREAD.StackBase", t.StackBase)
	m.Try(at, "_KTHREAD.StackLimit", limit)
	if m.Has("_KTHREAD.BStoreLimit") { // Itanium's second stack, which grows up
		if t.BStore == 0 {
			t.BStore = t.StackBase + 0x10000
		}
		m.Set(at, "_KTHREAD.BStore", t.BStore)
		m.Set(at, "_KTHREAD.BStoreLimit", t.BStore+t.StackBytes)
		m.bstoreLimit = t.BStore + t.StackBytes
	}
	m.Set(at, "_KTHREAD.KernelStack", t.Kernel)
	m.Set(at, "_KTHREAD.Teb", t.Teb)
	m.Set(at, "_KTHREAD.State", uint64(t.State))
	m.Set(at, "_KTHREAD.WaitReason", uint64(t.WaitReason))
	m.Set(at, "_KTHREAD.ApcState.Process", process)
	m.Set(at, "_ETHREAD.Cid", m.GetPtr(process+m.Offset("_EPROCESS.UniqueProcessId")))
	m.Ptr(at+m.Offset("_ETHREAD.Cid")+uint64(m.Pointer()), t.ID)
	m.Try(at, "_ETHREAD.ThreadsProcess", process)
	if m.Has("_ETHREAD.ThreadListEntry") {
		m.Insert(process+m.Offset("_EPROCESS.ThreadListHead"), at+m.Offset("_ETHREAD.ThreadListEntry"))
		m.Insert(process+m.Offset("_KPROCESS.ThreadListHead"), at+m.Offset("_KTHREAD.ThreadListEntry"))
	}
	return at
}
