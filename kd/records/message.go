package records

import (
	"github.com/seed-eedd8485/lpc/waitgraph"
	"github.com/seed-eedd8485/lpc/wire"
)

// States of a message record of ours; NT's has none.
const (
	stateFree = 0
)

// A Message is what is needed of a message record.
type Message struct {
	Addr       uint64
	Process    uint32 // whose pool it stands in; in NT that received it, or is to
	Owner      uint64 // address of that process
	ID         uint32
	Type       uint16
	State      waitgraph.MessageState // 0 where the record does not tell
	SenderPort uint64                 // the communication port that it came through
	Thread     uint64                 // that serves it
	Client     wire.ClientID
	Callback   uint64
	Key        waitgraph.Key // without its direction
	Received   uint64        // ticks
	Served     uint64
	Queue      uint64 // port on whose queue it was found; NT's records do not tell
	DataInfo   uint64 // port in whose LpcDataInfoChain it was found
	Torn       bool
	Err        error

	nt bool
}

// Reply tells a request from a datagram.
func (m *Message) Reply() bool { return m.Connect() || m.Type&wire.TypeMask == wire.TypeRequest }

// Connect tells a connection request, which the port's program accepts or refuses.
func (m *Message) Connect() bool { return m.Type&wire.TypeMask == wire.TypeConnectionRequest }

// MessageAt reads the message record at an address.
func (w *World) MessageAt(addr, process uint64) *Message {
	m := &Message{Addr: addr, Owner: process}
	if p := w.processAt[process]; p != nil {
		m.Process = p.ID
	}
	r := &w.scratch
	if err := w.into(r, addr, "_LPCP_MESSAGE"); err != nil {
		m.Err = err
		return m
	}
	m.Torn, m.nt = r.Torn, !w.Ours(addr)
	m.ID, m.Type = uint32(r.U("Request.MessageId")), uint16(r.First("Request.Type", "Request.u2.s2.Type"))
	m.SenderPort, m.Thread = r.U("SenderPort"), r.U("ServerThread")
	m.Client = wire.ClientID{UniqueProcess: r.U("Request.ClientId.UniqueProcess"), UniqueThread: r.U("Request.ClientId.UniqueThread")}
	m.Callback = r.U("Request.CallbackId")
	m.State = waitgraph.MessageState(r.U("State"))
	m.Key = waitgraph.Key{Channel: r.U("Channel"), Generation: r.U("Generation"), Slot: uint32(r.U("Slot"))}
	m.Received, m.Served = r.U("ReceiveTime"), r.U("ServeTime")
	return m
}
