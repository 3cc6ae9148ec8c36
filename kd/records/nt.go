package records

import (
	"cmp"
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
	err := w.queues(ctx, w.ntPorts(), func(p *Port, _ int, m *Message) {
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

// ntPorts are the ports of NT.
func (w *World) ntPorts() (list []*Port) {
	for _, p := range w.Ports {
		if !w.Ours(p.Addr) {
			list = append(list, p)
		}
	}
	return list
}

// dataInfos calls f for each message in the LpcDataInfoChain of NT's ports: its server
// has it, and may still read what its sender described. As with queues, one is followed
// up to what stands in another port's.
func (w *World) dataInfos(ctx context.Context, f func(p *Port, message uint64)) error {
	at := places{}
	for _, p := range w.ntPorts() {
		head, ok := w.Offset(p.Addr, "_LPCP_PORT_OBJECT", "LpcDataInfoChainHead")
		entry, ok2 := w.Offset(p.Addr, "_LPCP_MESSAGE", "Entry")
		if !ok || !ok2 {
			continue
		}
		var twice error
		err := w.Walk(ctx, p.Addr+head, func(link uint64) bool {
			if twice = at.take(link-entry, p); twice == nil {
				f(p, link-entry)
			}
			return twice == nil
		})
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err = cmp.Or(err, twice); err != nil {
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
	err := w.queues(ctx, w.ntPorts(), func(p *Port, _ int, m *Message) {
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
