package kd

import (
	"context"
	"fmt"

	"github.com/seed-eedd8485/lpc/internal/escape"
	"github.com/seed-eedd8485/lpc/waitgraph"
	"github.com/seed-eedd8485/lpc/wire"
)

const alpcPortWidth = 26

// alpcPortFields are a port's members beside its connection, owner and queues.
var alpcPortFields = []field{
	{"SequenceNo", []string{"SequenceNo"}, numberText},
	{"CompletionPort", []string{"CompletionPort"}, nil},
	{"CompletionList", []string{"CompletionList"}, nil},
	{"PortContext", []string{"PortContext"}, nil},
	{"MaxMessageLength", []string{"PortAttributes.MaxMessageLength"}, lengthText},
	{"ConnectionPending", []string{"u1.s1.ConnectionPending"}, yesText},
	{"ConnectionRefused", []string{"u1.s1.ConnectionRefused"}, yesText},
	{"Disconnected", []string{"u1.s1.Disconnected"}, yesText},
	{"Closed", []string{"u1.s1.Closed"}, yesText},
	{"NoFlushOnClose", []string{"u1.s1.NoFlushOnClose"}, yesText},
	{"Waitable", []string{"u1.s1.Waitable"}, yesText},
	{"Security", []string{"u1.s1.DynamicSecurity"}, func(_ *alpcView, v uint64) string {
		if v != 0 {
			return "Dynamic"
		}
		return "Static"
	}},
	{"Lpc", []string{"u1.s1.Lpc"}, yesText},
}

// alpcQueues are a port's queues, each with what links its messages.
var alpcQueues = []struct{ name, head, entry string }{
	{"Main", "MainQueue", "Entry"}, {"Large message", "LargeMessageQueue", "Entry"}, {"Pending", "PendingQueue", "Entry"}, {"Canceled", "CanceledQueue", "CancelListEntry"},
}

// port shows the port at an address.
func (a *alpcView) port(addr uint64) error {
	if obj, err := a.s.Target.System().Object(addr); err == nil && obj.Type != "ALPC Port" {
		return fmt.Errorf("%s is no port but an object of type %q", a.s.ptr(addr), obj.Type)
	}
	r, err := a.w.Read(addr, "_ALPC_PORT")
	if err != nil {
		return err
	}
	a.o.Printf("Port %s\n", a.portName(addr))
	line := func(name, text string) { a.o.Printf("  %-*s: %s\n", alpcPortWidth, name, text) }
	line("Type", a.kind(addr))
	info := r.U("CommunicationInfo")
	line("CommunicationInfo", a.s.ptr(info))
	if c, err := a.w.Read(info, "_ALPC_COMMUNICATION_INFO"); err == nil {
		for _, end := range []string{"ConnectionPort", "ClientCommunicationPort", "ServerCommunicationPort"} {
			line("  "+end, a.portName(c.U(end)))
		}
		if c.U("ConnectionPort") == addr {
			n, err := a.connections(info)
			if err != nil {
				line("  Connections", "not readable to their end: "+escape.Text(err.Error()))
			} else {
				line("  Connections", fmt.Sprint(n))
			}
		}
	} else if info != 0 {
		line("  not readable", escape.Text(err.Error()))
	}
	line("OwnerProcess", a.process(r.U("OwnerProcess")))
	a.fields(r, alpcPortWidth, alpcPortFields)
	if err := a.waiters(addr); err != nil {
		return err
	}
	for _, q := range alpcQueues {
		if err := a.queue(addr, q.name, q.head, q.entry); err != nil {
			return err
		}
	}
	return nil
}

// connections counts the connections of a connection port: their infos are linked to
// its own.
func (a *alpcView) connections(info uint64) (n int, err error) {
	off, ok := a.w.Offset(info, "_ALPC_COMMUNICATION_INFO", "CommunicationList")
	if !ok {
		return 0, fmt.Errorf("these types do not describe _ALPC_COMMUNICATION_INFO.CommunicationList")
	}
	err = a.w.Walk(a.ctx, info+off, func(uint64) bool { n++; return true })
	return n, err
}

// waiters prints the threads that wait on a port.
func (a *alpcView) waiters(addr uint64) error {
	head, ok := a.w.Offset(addr, "_ALPC_PORT", "WaitQueue")
	entry, ok2 := a.w.Offset(addr, "_ETHREAD", "AlpcWaitListEntry")
	a.o.Printf("\n")
	if !ok || !ok2 {
		a.o.Printf("  Which threads wait on the port, these types do not describe (_ALPC_PORT.WaitQueue, _ETHREAD.AlpcWaitListEntry)\n")
		return nil
	}
	var list []string
	err := a.w.Walk(a.ctx, addr+head, func(at uint64) bool {
		t := at - entry
		text := "THREAD " + a.s.ptr(t)
		if r, err := a.w.Read(t, "_ETHREAD"); err == nil {
			text += "  Cid " + a.s.cid(t, r.U("Cid.UniqueProcess"), r.U("Cid.UniqueThread"))
		} else {
			text += "  not readable: " + escape.Text(err.Error())
		}
		list = append(list, text)
		return true
	})
	if a.ctx.Err() != nil {
		return context.Cause(a.ctx)
	}
	a.o.Printf("  %s on the port\n", waitgraph.Count(len(list), "thread waits", "threads wait"))
	a.o.Lines("    ", list)
	if err != nil {
		a.o.Printf("    The list is not readable to its end: %s\n", escape.Text(err.Error()))
	}
	return nil
}

// queue prints one queue of a port.
func (a *alpcView) queue(addr uint64, name, head, link string) error {
	a.o.Printf("\n")
	off, ok := a.w.Offset(addr, "_ALPC_PORT", head)
	entry, ok2 := a.w.Offset(addr, "_KALPC_MESSAGE", link)
	if !ok || !ok2 {
		a.o.Printf("  %s queue: these types do not describe it (_ALPC_PORT.%s, _KALPC_MESSAGE.%s)\n", name, head, link)
		return nil
	}
	n := 0
	err := a.w.Walk(a.ctx, addr+off, func(at uint64) bool {
		if n++; n == 1 {
			a.o.Printf("  %s queue:\n", name)
		}
		a.messageLine(at - entry)
		return true
	})
	switch {
	case a.ctx.Err() != nil:
		return context.Cause(a.ctx)
	case err != nil:
		a.o.Printf("  %s queue is not readable to its end: %s\n", name, escape.Text(err.Error()))
	case n == 0:
		a.o.Printf("  %s queue is empty\n", name)
	default:
		a.o.Printf("  %s queue has %s\n", name, waitgraph.Count(n, "message", "messages"))
	}
	return nil
}

// messageLine prints a message of a queue in one line.
func (a *alpcView) messageLine(addr uint64) {
	r, err := a.w.Read(addr, "_KALPC_MESSAGE")
	if err != nil {
		a.o.Printf("    %s  not readable: %s\n", a.s.ptr(addr), escape.Text(err.Error()))
		return
	}
	typ := uint16(r.First("PortMessage.Type", "PortMessage.u2.s2.Type"))
	a.o.Printf("    %s  Id=%08x  Type=%04x (%s)  From: %s  WaitingThread=%s  ServerThread=%s\n", a.s.ptr(addr), r.U("PortMessage.MessageId"), typ, wire.TypeName(typ),
		a.s.cid(addr, r.U("PortMessage.ClientId.UniqueProcess"), r.U("PortMessage.ClientId.UniqueThread")), a.s.ptr(r.U("WaitingThread")), a.s.ptr(r.U("ServerThread")))
}
