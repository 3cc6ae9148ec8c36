package kd

import (
	"fmt"

	"github.com/seed-eedd8485/lpc/kd/records"
)

// maxWaitBlocks is NT's limit of objects in one wait (MAXIMUM_WAIT_OBJECTS).
const maxWaitBlocks = 64

// waitObjects prints the objects that a thread waits for: in NT its wait blocks, with
// us the port, and where the reply will come.
func (s *Session) waitObjects(w *records.World, o *Out, t *records.Thread, r *records.Record, indent string) {
	first, ok := r.Get("Tcb.WaitBlockList")
	if !ok {
		switch {
		case t.Waits():
			o.Printf("%s%s  Port  Channel %x Slot %x Generation %x\n", indent, s.ptr(t.Port), t.Key.Channel, t.Key.Slot, t.Key.Generation)
		case t.Reason == records.WrLpcReceive && t.ServerPort != 0:
			o.Printf("%s%s  Port\n", indent, s.ptr(t.ServerPort))
		}
		return
	}
	if !t.HasReason {
		return
	}
	for at, n := first, 0; at != 0 && n < maxWaitBlocks; n++ {
		b, err := w.Read(at, "_KWAIT_BLOCK")
		if err != nil {
			o.Printf("%sWait block %s is not readable\n", indent, s.ptr(at))
			return
		}
		object := b.U("Object")
		o.Printf("%s%s  %s\n", indent, s.ptr(object), s.dispatcher(w, object))
		if at = b.U("NextWaitBlock"); at == first {
			return
		}
	}
}

// dispatcherNames are NT's dispatcher objects, by DISPATCHER_HEADER.Type.
var dispatcherNames = map[uint64]string{
	0: "NotificationEvent", 1: "SynchronizationEvent", 2: "Mutant", 3: "ProcessObject", 4: "QueueObject", 5: "Semaphore",
	6: "Thread", 7: "Gate", 8: "NotificationTimer", 9: "SynchronizationTimer",
}

func (s *Session) dispatcher(w *records.World, object uint64) string {
	h, err := w.Read(object, "_DISPATCHER_HEADER")
	if err != nil {
		return "not readable"
	}
	typ, ok := h.Get("Type")
	name := dispatcherNames[typ]
	switch {
	case !ok || name == "":
		return fmt.Sprintf("unknown dispatcher object, type %d", typ)
	case typ == 5:
		if k, err := w.Read(object, "_KSEMAPHORE"); err == nil {
			if v, ok := k.Get("Limit"); ok {
				return fmt.Sprintf("Semaphore Limit 0x%x", v)
			}
		}
	}
	return name
}
