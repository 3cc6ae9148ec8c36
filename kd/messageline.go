package kd

import (
	"encoding/binary"
	"strings"

	"github.com/seed-eedd8485/lpc/internal/escape"
	"github.com/seed-eedd8485/lpc/kd/records"
	"github.com/seed-eedd8485/lpc/waitgraph"
	"github.com/seed-eedd8485/lpc/wire"
)

// shownWords are the doublewords of a message's data that are shown.
const shownWords = 6

// messageLines prints a message in the three lines that WinDbg has for it. Length and
// Type are the doublewords u1 and u2 of PORT_MESSAGE: total and data length, data
// info offset and type.
func (s *Session) messageLines(w *records.World, o *Out, ordinal int, m *records.Message) {
	r, err := w.Read(m.Addr, "_LPCP_MESSAGE")
	if err != nil {
		o.Printf(" %04x %s - not readable: %s\n", ordinal, s.ptr(m.Addr), escape.Text(err.Error()))
		return
	}
	busy := "Busy"
	if st, ok := r.Get("State"); ok && st == 0 {
		busy = "Free"
	}
	o.Printf(" %04x %s - %s  Id=%08x  From: %s  Context=%s  [%s . %s]\n", ordinal, s.ptr(m.Addr), busy, m.ID,
		s.cid(m.Addr, m.Client.UniqueProcess, m.Client.UniqueThread), s.context(r.U("PortContext")),
		s.ptr(r.U("Entry.Flink")), s.ptr(r.U("Entry.Blink")))
	length := r.First("Request.TotalLength", "Request.u1.s1.TotalLength")<<16 | r.First("Request.DataLength", "Request.u1.s1.DataLength")
	info := r.First("Request.DataInfoOffset", "Request.u2.s2.DataInfoOffset")
	o.Printf(" Length=%08x  Type=%08x (%s)\n", length, info<<16|uint64(m.Type), wire.TypeName(m.Type))
	o.Printf("                   Data: %s\n", s.data(w, r))
	if m.Torn {
		o.Printf("                   The record changed while it was read\n")
	}
}

// context is a port context in at least eight digits.
func (s *Session) context(v uint64) string {
	if v>>32 == 0 {
		return s.ptr(v)[len(s.ptr(v))-8:]
	}
	return s.ptr(v)
}

// data is the first doublewords of a message's data. They stand behind the header:
// in the record where it has room for them, in the memory behind it in NT's.
func (s *Session) data(w *records.World, r *records.Record) string {
	b := make([]byte, 4*shownWords)
	n := 0
	if own := r.Bytes("Data", len(b)); own != nil {
		n = copy(b, own)
	} else if l := r.Layout(); l != nil {
		n, _ = w.T.ReadMemory(r.Addr+uint64(l.Size), b)
	}
	words := make([]string, shownWords)
	for i := range words {
		words[i] = "????????"
		if 4*i+4 <= n {
			words[i] = hex8(binary.LittleEndian.Uint32(b[4*i:]))
		}
	}
	return strings.Join(words, " ")
}

// where says what became of a message that was received.
func (s *Session) where(w *records.World, m *records.Message) string {
	name := ""
	p := w.PortAt[m.Queue]
	if m.DataInfo != 0 {
		p = w.PortAt[m.DataInfo]
	}
	if p == nil {
		p = w.PortAt[m.SenderPort]
	}
	if p != nil {
		name = " of port " + escape.Text(p.Name())
	}
	age := w.Age(m.Owner, m.Received)
	since := ""
	if age >= 0 {
		since = ", received " + waitgraph.Age(age) + " ago"
	}
	switch m.State {
	case waitgraph.Queued:
		return "It stands in the queue" + name + since
	case waitgraph.Served:
		return "Thread " + s.ptr(m.Thread) + " serves it" + name + since
	case waitgraph.Deferred:
		if m.Connect() {
			return "Its program has not accepted or refused it" + name + since
		}
		return "Its handler has returned, the reply is still to come" + name + since
	}
	if m.DataInfo != 0 {
		return "It stands in the LpcDataInfoChain" + name + ": its server may read the data that its sender described"
	}
	if !w.Ours(m.Addr) {
		return "No queue holds it and no thread names it: its memory waits to be used again, or its reply is on its way"
	}
	return ""
}
