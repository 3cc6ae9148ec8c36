package ntdump

import (
	"fmt"
	"iter"
)

// Thread is a thread of the dumped machine.
type Thread struct {
	Addr    uint64 // of its _ETHREAD
	Process uint64 // address of the process that it works in (ApcState.Process)
	Owner   uint64 // address of the process that it belongs to; Process where that is not described
	PID     uint64 // of the process that it belongs to
	TID     uint64
	Stack   Stack
	Teb     uint64
	State   uint8 // 0 initialized, 1 ready, 2 running, 3 standby, 4 terminated, 5 waiting, 6 transition
	Reason  uint8 // why it waits or waited last: KWAIT_REASON
	Err     error // the first member that could not be read or is not described
}

// Stack is the kernel stack of a thread. It grows down from Base; Limit is its
// lowest address.
type Stack struct {
	Initial uint64 // where the first frame starts
	Base    uint64
	Limit   uint64
	Kernel  uint64 // stack pointer when the thread was last switched out: stale while it runs
	OK      bool   // Base and Limit are known and can be a stack
	Large   bool   // LargeStack: it may grow, or has grown, beyond the usual size
}

// maxStackBytes is more than any kernel stack has: large ones of 64-bit machines
// have 90h KiB or so.
const maxStackBytes = 1 << 20

// Size is the number of bytes of the stack, 0 where it is not known.
func (s Stack) Size() uint64 {
	if !s.OK {
		return 0
	}
	return s.Base - s.Limit
}

// Contains says whether an address lies on the stack.
func (s Stack) Contains(va uint64) bool { return s.OK && va-s.Limit < s.Base-s.Limit }

// Thread reads the thread whose _ETHREAD stands at an address. What could not be
// read is 0, and Err says why.
func (d *Dump) Thread(at uint64) Thread {
	t := Thread{Addr: at}
	get := func(structure, path string) uint64 {
		v, err := d.member(at, structure, path)
		if err != nil && t.Err == nil {
			t.Err = err
		}
		return v
	}
	t.Stack = Stack{Initial: get("_KTHREAD", "InitialStack"), Kernel: get("_KTHREAD", "KernelStack")}
	if !d.itaniumStack(&t.Stack) {
		t.Stack.Base, t.Stack.Limit = get("_KTHREAD", "StackBase"), get("_KTHREAD", "StackLimit")
	}
	if large, err := d.member(at, "_KTHREAD", "LargeStack"); err == nil {
		t.Stack.Large = large != 0
	}
	t.Stack.OK = d.kernel(t.Stack.Base) && t.Stack.Limit < t.Stack.Base && t.Stack.Base-t.Stack.Limit <= maxStackBytes
	t.Process = get("_KTHREAD", "ApcState.Process")
	t.Owner = d.owner(at, t.Process)
	t.PID = get("_ETHREAD", "Cid.UniqueProcess")
	t.TID = get("_ETHREAD", "Cid.UniqueThread")
	t.Teb = get("_KTHREAD", "Teb")
	t.State = uint8(get("_KTHREAD", "State"))
	t.Reason = uint8(get("_KTHREAD", "WaitReason"))
	return t
}

// owner is the process that a thread belongs to: ThreadsProcess up to Server 2003, the
// member Process of its _KTHREAD from Vista on.
func (d *Dump) owner(thread, attached uint64) uint64 {
	for _, m := range [][2]string{{"_ETHREAD", "ThreadsProcess"}, {"_KTHREAD", "Process"}} {
		if p, err := d.member(thread, m[0], m[1]); err == nil && d.kernel(p) {
			return p
		}
	}
	return attached
}

// Threads walks the threads of the process whose _EPROCESS stands at an address.
// What ends the walk early is yielded with Err set and Addr 0. It may stop early.
func (d *Dump) Threads(process uint64) iter.Seq[Thread] {
	return func(yield func(Thread) bool) {
		heads, ok1 := d.offset("_EPROCESS", "ThreadListHead")
		links, ok2 := d.offset("_ETHREAD", "ThreadListEntry")
		if d.small != nil {
			yield(Thread{Err: fmt.Errorf("listing threads: a triage dump holds one thread, no list")})
			return
		}
		if !ok1 || !ok2 {
			yield(Thread{Err: fmt.Errorf("listing threads: the list is not described for build %d of %s", d.header.Build, d.header.Machine)})
			return
		}
		stopped := false
		err := d.walkList(Space{}, process+uint64(heads), maxThreads, func(entry uint64) bool {
			stopped = !yield(d.Thread(entry - uint64(links)))
			return !stopped
		})
		if err != nil && !stopped {
			yield(Thread{Err: fmt.Errorf("listing threads: %w", err)})
		}
	}
}
