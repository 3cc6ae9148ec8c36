package kd

import (
	"context"
	"fmt"

	"github.com/seed-eedd8485/lpc/kd/records"
	"github.com/seed-eedd8485/lpc/wire"
)

const alpcMessageWidth = 22

// alpcMessageFields are a message's members, in the order in which they are shown.
var alpcMessageFields = []field{
	{"MessageID", []string{"PortMessage.MessageId"}, numberText},
	{"CallbackID", []string{"PortMessage.CallbackId"}, numberText},
	{"SequenceNumber", []string{"SequenceNo"}, numberText},
	{"Type", []string{"PortMessage.Type", "PortMessage.u2.s2.Type"}, func(_ *alpcView, v uint64) string {
		return fmt.Sprintf("0x%04x (%s)", v, wire.TypeName(uint16(v)))
	}},
	{"DataLength", []string{"PortMessage.DataLength", "PortMessage.u1.s1.DataLength"}, lengthText},
	{"TotalLength", []string{"PortMessage.TotalLength", "PortMessage.u1.s1.TotalLength"}, lengthText},
	{"Canceled", []string{"u1.s1.Canceled"}, yesText},
	{"Release", []string{"u1.s1.ReleaseMessage"}, yesText},
	{"ReplyWaitReply", []string{"u1.s1.ReplyWaitReply"}, yesText},
	{"OwnerPort", []string{"OwnerPort"}, (*alpcView).portKind},
	{"WaitingThread", []string{"WaitingThread"}, nil},
	{"QueueType", []string{"u1.s1.QueueType"}, func(_ *alpcView, v uint64) string { return fmt.Sprint(v) }},
	{"QueuePort", []string{"PortQueue"}, (*alpcView).portKind},
	{"QueuePortOwnerProcess", []string{"PortQueue"}, func(a *alpcView, v uint64) string {
		if r, err := a.w.Read(v, "_ALPC_PORT"); err == nil && v != 0 {
			return a.process(r.U("OwnerProcess"))
		}
		return a.s.ptr(0)
	}},
	{"ServerThread", []string{"ServerThread"}, nil},
	{"QuotaProcess", []string{"QuotaProcess"}, (*alpcView).process},
	{"CancelQueuePort", []string{"CancelQueuePort"}, nil},
	{"CancelSequencePort", []string{"CancelSequencePort"}, nil},
	{"CancelSequenceNumber", []string{"CancelSequenceNo"}, numberText},
	{"ClientContext", []string{"MessageAttributes.ClientContext"}, nil},
	{"ServerContext", []string{"MessageAttributes.ServerContext"}, nil},
	{"PortContext", []string{"MessageAttributes.PortContext"}, nil},
	{"CancelPortContext", []string{"MessageAttributes.CancelPortContext"}, nil},
	{"SecurityData", []string{"MessageAttributes.SecurityData"}, nil},
	{"View", []string{"MessageAttributes.View"}, nil},
}

// message shows the message at an address.
func (a *alpcView) message(addr uint64) error {
	r, err := a.w.Read(addr, "_KALPC_MESSAGE")
	if err != nil {
		return err
	}
	a.o.Printf("Message %s\n", a.s.ptr(addr))
	a.fields(r, alpcMessageWidth, alpcMessageFields)
	return a.stands(r, addr)
}

// portKind is a port with what it is.
func (a *alpcView) portKind(v uint64) string {
	if v == 0 {
		return a.s.ptr(v)
	}
	return a.portName(v) + " [" + a.kind(v) + "]"
}

// stands says in which queue of its port a message really stands: what the numbers of
// QueueType mean, no type tells.
func (a *alpcView) stands(r *records.Record, addr uint64) error {
	port := r.U("PortQueue")
	if port == 0 {
		a.o.Printf("  It stands in no port's queue\n")
		return nil
	}
	for _, q := range alpcQueues {
		off, ok := a.w.Offset(port, "_ALPC_PORT", q.head)
		entry, ok2 := a.w.Offset(port, "_KALPC_MESSAGE", q.entry)
		if !ok || !ok2 {
			continue
		}
		found := false
		_ = a.w.Walk(a.ctx, port+off, func(at uint64) bool { // a list that breaks off holds it not, as far as can be seen
			found = at-entry == addr
			return !found
		})
		if a.ctx.Err() != nil {
			return context.Cause(a.ctx)
		}
		if found {
			a.o.Printf("  It stands in the port's %s\n", q.head)
			return nil
		}
	}
	a.o.Printf("  It stands in none of the port's queues that could be read\n")
	return nil
}
