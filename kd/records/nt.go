package records

import (
	"context"

	"github.com/seed-eedd8485/lpc/waitgraph"
)

// ntMessages adds what NT's records tell: what stands on the queues of the ports,
// and what threads have received, of which their own record has the id alone. How old
// a message is, the record of who waits for its reply tells.
func (w *World) ntMessages(ctx context.Context, s *waitgraph.State) error {
	type sender struct {
		id     uint32
		thread uint64
	}
	bySender, byThread := map[sender]*waitgraph.Wait{}, map[uint64]*waitgraph.Wait{}
	for i := range s.Waits {
		if wt := &s.Waits[i]; wt.Key == (waitgraph.Key{}) {
			bySender[sender{wt.Message, wt.ThreadID}] = wt
			byThread[wt.Thread] = wt
		}
	}
	err := w.ntQueues(ctx, func(p *Port, m *Message) {
		q := waitgraph.Message{
			Ref: m.Addr, Process: p.Process, ID: m.ID, State: waitgraph.Queued, Port: p.Addr, PortName: p.Name(),
			Sender: uint32(m.Client.UniqueProcess), SenderTID: m.Client.UniqueThread, Reply: m.Reply(), Connect: m.Connect(), Age: -1, ServedAge: -1,
		}
		if wt := bySender[sender{m.ID, m.Client.UniqueThread}]; wt != nil {
			q.Age = wt.Age
		}
		s.Messages = append(s.Messages, q)
	})
	if err != nil {
		return err
	}
	serves := w.ntServing(ctx)
	for _, t := range w.Threads {
		if t.Received == 0 || !t.nt {
			continue
		}
		m := waitgraph.Message{Ref: t.Addr, Process: t.Process, ID: t.Received, State: waitgraph.Served, Thread: t.Addr, ThreadID: t.Cid.UniqueThread, Reply: true, Age: -1, ServedAge: -1}
		if t.HasReason && !t.Waits() {
			m.WaitReason = WaitReason(t.Reason)
		}
		var wt *waitgraph.Wait
		if c := serves[t]; c != nil {
			wt = byThread[c.Addr]
		}
		if t.Receives() {
			if wt == nil {
				continue // stale, after a datagram
			}
			m.State = waitgraph.Deferred
		}
		if wt != nil {
			m.Age, m.Sender, m.SenderTID = wt.Age, wt.Process, wt.ThreadID
			if p := w.PortAt[wt.Port]; p != nil && p.Server() != nil {
				m.Port, m.PortName = p.Server().Addr, p.Server().Name()
			}
		}
		s.Messages = append(s.Messages, m)
	}
	return nil
}

// ntQueues calls f for each message on the queue of each of NT's ports. A queue that
// cannot be followed is trouble, behind what stands before that.
func (w *World) ntQueues(ctx context.Context, f func(p *Port, m *Message)) error {
	for _, p := range w.Ports {
		if w.Ours(p.Addr) {
			continue
		}
		queue, err := w.Queue(ctx, p.Addr)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil {
			w.trouble("queue of the port at %#x: %w", p.Addr, err)
		}
		for _, m := range queue {
			f(p, m)
		}
	}
	return nil
}

// dataInfos calls f for each message in the LpcDataInfoChain of NT's ports: its server
// has it, and may still read what its sender described.
func (w *World) dataInfos(ctx context.Context, f func(p *Port, message uint64)) error {
	for _, p := range w.Ports {
		head, ok := w.Offset(p.Addr, "_LPCP_PORT_OBJECT", "LpcDataInfoChainHead")
		entry, ok2 := w.Offset(p.Addr, "_LPCP_MESSAGE", "Entry")
		if !ok || !ok2 || w.Ours(p.Addr) {
			continue
		}
		err := w.Walk(ctx, p.Addr+head, func(at uint64) bool {
			f(p, at-entry)
			return true
		})
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil {
			w.trouble("LpcDataInfoChain of the port at %#x: %w", p.Addr, err)
		}
	}
	return nil
}

// placeMessages says of the messages that were found in NT's pools what became of
// them: their own records do not. One that stands on no queue, and whose id no thread
// that is read names, keeps no state: its memory waits to be used again.
func (w *World) placeMessages(ctx context.Context) error {
	found := map[uint64]*Message{}
	for _, m := range w.Messages {
		if m.nt {
			found[m.Addr] = m
		}
	}
	if len(found) == 0 {
		return nil
	}
	err := w.ntQueues(ctx, func(p *Port, m *Message) {
		if x := found[m.Addr]; x != nil {
			x.State, x.Queue, x.Process = waitgraph.Queued, p.Addr, p.Process
		}
	})
	if err != nil {
		return err
	}
	if err := w.dataInfos(ctx, func(p *Port, message uint64) {
		if x := found[message]; x != nil {
			x.DataInfo = p.Addr
		}
	}); err != nil {
		return err
	}
	type wait struct {
		id     uint32
		thread uint64
	}
	has := map[wait]*Thread{}
	for server, client := range w.ntServing(ctx) {
		has[wait{client.Reply, client.Cid.UniqueThread}] = server
	}
	for _, m := range found {
		if m.State != 0 || m.ID == 0 {
			continue
		}
		if t := has[wait{m.ID, m.Client.UniqueThread}]; t != nil {
			m.State, m.Thread, m.Process = waitgraph.Served, t.Addr, t.Process
			if t.Receives() {
				m.State = waitgraph.Deferred
			}
		}
	}
	return nil
}
