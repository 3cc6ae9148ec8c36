package records

import (
	"github.com/seed-eedd8485/lpc/target"
	"github.com/seed-eedd8485/lpc/waitgraph"
	"github.com/seed-eedd8485/lpc/wire"
)

// A Thread is what LPC says of a thread.
type Thread struct {
	Addr        uint64
	ProcessAddr uint64
	Process     uint32
	Cid         wire.ClientID
	Reply       uint32 // MessageId of the reply that it waits for, 0: none
	Received    uint32 // MessageId that it serves, 0: none; stale after a datagram in NT
	Reason      uint32 // wait reason, where the record is of a thread that waits
	HasReason   bool
	Port        uint64 // that it waits on
	Key         waitgraph.Key
	Start       uint64 // ticks at which it began to wait
	Serving     uint64 // message record
	ServerPort  uint64 // that it receives for
	Parent      uint64
	ParentID    uint32
	ParentKnown bool
	Call        string
	Args        [4]uint64
	Stack       uint64 // record of the Go stack that the wait began with, 0: none
	Torn        bool
	Err         error

	nt bool
}

// ThreadAt reads the thread record at an address.
func (w *World) ThreadAt(addr, process uint64) *Thread {
	return w.thread(target.Thread{Addr: addr, Process: process})
}

func (w *World) thread(o target.Thread) *Thread {
	t := &Thread{Addr: o.Addr, ProcessAddr: o.Process, Err: o.Err}
	if p := w.processAt[o.Process]; p != nil {
		t.Process = p.ID
	}
	if o.Err != nil {
		return t
	}
	r := &w.scratch
	if err := w.into(r, o.Addr, "_ETHREAD"); err != nil {
		t.Err = err
		return t
	}
	t.Torn = r.Torn
	t.Cid = wire.ClientID{UniqueProcess: r.U("Cid.UniqueProcess"), UniqueThread: r.U("Cid.UniqueThread")}
	if t.Process == 0 {
		t.Process = uint32(t.Cid.UniqueProcess)
	}
	t.Reply = uint32(r.U("LpcReplyMessageId"))
	valid := r.U("SameThreadApcFlags")&1 != 0 // LpcReceivedMsgIdValid: else the word is Win32StartAddress
	if valid {
		t.Received = uint32(r.U("LpcReceivedMessageId"))
	}
	if t.Port = r.U("LpcWaitingOnPort"); w.Ours(o.Addr) {
		t.Serving, t.ServerPort = r.U("Serving"), r.U("ServerPort")
		t.Key = waitgraph.Key{Channel: r.U("WaitChannel"), Generation: r.U("WaitGeneration"), Slot: uint32(r.U("WaitSlot")), Direction: uint32(r.U("WaitDirection"))}
		t.Start = r.U("WaitStart")
		t.Parent, t.ParentID, t.ParentKnown = r.U("Parent"), uint32(r.U("ParentID")), r.U("ParentKnown") == 1
		t.Call, _ = r.Text("CallName")
		t.Stack = r.U("Stack")
		for i, path := range [...]string{"CallArguments[0]", "CallArguments[1]", "CallArguments[2]", "CallArguments[3]"} {
			t.Args[i] = r.U(path)
		}
	} else {
		if t.Port&1 == 0 {
			t.Port = 0 // the union holds LpcReplyMessage
		}
		t.Port &^= pointerFlags
		// One thread, one stack: what it received is what it calls for.
		t.ParentKnown = true
		if t.Received != 0 {
			t.Parent, t.ParentID = o.Addr, t.Received
		}
		t.Start, t.nt = r.U("Tcb.WaitTime"), true
	}
	for _, path := range []string{"WaitReason", "Tcb.WaitReason"} {
		if v, ok := r.Get(path); ok {
			t.Reason, t.HasReason = uint32(v), true
			break
		}
	}
	if s, ok := r.Get("Tcb.State"); ok && s != 5 {
		t.HasReason = false // not waiting: the reason is the last wait's
	}
	return t
}

// Waits tells whether the thread waits for a reply. NT's connectors wait for theirs with
// the reason Executive.
func (t *Thread) Waits() bool {
	return t.Reply != 0 && (!t.HasReason || t.Reason == WrLpcReply || t.nt && t.Reason == Executive)
}

// Receives tells whether the thread waits for the next message: what it received last,
// it does not work on any more.
func (t *Thread) Receives() bool { return t.HasReason && t.Reason == WrLpcReceive }
