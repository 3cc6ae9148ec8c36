package records

import (
	"context"

	"github.com/seed-eedd8485/lpc/waitgraph"
)

// State is what the wait graph is built from. The World must have all parts.
func (w *World) State(ctx context.Context) (*waitgraph.State, error) {
	s := &waitgraph.State{Processes: map[uint32]waitgraph.Process{}}
	for _, p := range w.Processes {
		q := waitgraph.Process{ID: p.ID, Image: p.Image}
		if p.Err != nil {
			q.Unreadable = p.Err.Error()
		}
		s.Processes[p.ID] = q
	}
	for _, p := range w.Ports {
		if p.Kind != ServerComm {
			s.Ports = append(s.Ports, waitgraph.Port{Addr: p.Addr, Process: p.Process, Name: p.Name(), Limit: p.Limit})
		}
	}
	threads := make(map[uint64]*Thread, len(w.Threads))
	for _, t := range w.Threads {
		threads[t.Addr] = t
	}
	s.Messages = make([]waitgraph.Message, 0, len(w.Messages))
	for _, m := range w.Messages {
		if !m.nt { // those are taken from queues and threads
			s.Messages = append(s.Messages, w.received(m, threads))
		}
	}
	s.Waits = make([]waitgraph.Wait, 0, len(w.Threads))
	for _, t := range w.Threads {
		if t.Waits() {
			s.Waits = append(s.Waits, w.wait(ctx, t))
		}
	}
	return s, w.ntMessages(ctx, s)
}

// shownFrames are named in sentences; !thread shows all.
const shownFrames = 3

func (w *World) received(m *Message, threads map[uint64]*Thread) waitgraph.Message {
	r := waitgraph.Message{
		Ref: m.Addr, Process: m.Process, ID: m.ID, State: m.State, Thread: m.Thread, Key: m.Key,
		Sender: uint32(m.Client.UniqueProcess), SenderTID: m.Client.UniqueThread, Reply: m.Reply(), Connect: m.Connect(),
		Received: m.Received, Served: m.Served, Age: w.Age(m.Owner, m.Received), ServedAge: -1,
	}
	if m.State != waitgraph.Queued {
		r.ServedAge = w.Age(m.Owner, m.Served)
	}
	if t := threads[m.Thread]; t != nil && m.Thread != 0 {
		r.ThreadID = t.Cid.UniqueThread
	}
	if p := w.PortAt[m.SenderPort]; p != nil {
		if p.Kind == ClientComm {
			r.Key.Direction = 1
		}
		if q := p.Receives(); q != nil {
			r.Port, r.PortName = q.Addr, q.Name()
		}
	}
	return r
}

func (w *World) wait(ctx context.Context, t *Thread) waitgraph.Wait {
	r := waitgraph.Wait{
		Thread: t.Addr, ThreadID: t.Cid.UniqueThread, Process: t.Process, Message: t.Reply, Port: t.Port, Key: t.Key,
		Call: t.Call, Args: t.Args, Parent: t.Parent, ParentID: t.ParentID, ParentKnown: t.ParentKnown,
		Start: t.Start, Age: w.Age(t.ProcessAddr, t.Start),
	}
	for i, f := range w.Stack(t) {
		if i == shownFrames {
			break
		}
		r.Where = append(r.Where, f.Short())
	}
	p, peer := w.across(ctx, t)
	if p != nil {
		r.Port, r.PortName, r.Peer = p.Addr, p.Name(), peer
	}
	return r
}

// across is the port that a thread waits on and the process at its other end; nil and
// 0 where they are not seen.
func (w *World) across(ctx context.Context, t *Thread) (p *Port, peer uint32) {
	p = w.PortAt[t.Port]
	if p == nil && t.nt { // one that connects stands in a port's reply chain, and names no port
		var err error
		if p, err = w.ReplyPort(ctx, t); err != nil {
			w.trouble("reply chain of the thread at %#x: %w", t.Addr, err)
		}
	}
	if p == nil {
		return nil, 0
	}
	switch o := p.Other(); {
	case p.Peer != 0:
		peer = p.Peer
	case o != nil:
		peer = o.Process
	case t.nt && p.Kind == Connection:
		peer = p.Process
	}
	return p, peer
}
