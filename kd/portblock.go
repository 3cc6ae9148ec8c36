package kd

import (
	"context"

	"github.com/seed-eedd8485/lpc/internal/escape"
	"github.com/seed-eedd8485/lpc/kd/records"
)

// portBlocks prints a port and what it belongs to: a connection port alone; of a
// connection the end that was asked for, the other end, and the connection port.
func (s *Session) portBlocks(ctx context.Context, w *records.World, o *Out, p *records.Port) error {
	if p.Kind == records.Connection || p.Kind == records.Unconnected {
		return s.connectionBlock(ctx, w, o, p)
	}
	if err := s.communicationBlock(ctx, w, o, p); err != nil {
		return err
	}
	if other := p.Other(); other != nil {
		o.Printf("\n")
		if err := s.communicationBlock(ctx, w, o, other); err != nil {
			return err
		}
	} else {
		s.noPeer(w, o, p)
	}
	server := p.Server()
	if server == nil {
		return nil
	}
	o.Printf("\n")
	return s.connectionBlock(ctx, w, o, server)
}

// noPeer says why the other end of a connection is not shown.
func (s *Session) noPeer(w *records.World, o *Out, p *records.Port) {
	q := w.ProcessID(p.Peer)
	switch {
	case p.Flags&records.FlagDeleted != 0:
		o.Printf("    The connection has ended\n")
	case p.Peer == 0:
		o.Printf("    The connected port is not known\n")
	case q == nil:
		o.Printf("    The connected port is in process %d, which this target does not show\n", p.Peer)
	case q.Err != nil:
		o.Printf("    The connected port is in process %d, which may not be read: %s\n", p.Peer, escape.Text(q.Err.Error()))
	default:
		o.Printf("    The connected port is in process %d, which shows no such port (it may have ended the connection)\n", p.Peer)
	}
}

func kindName(kind uint32) string {
	switch kind {
	case records.Connection:
		return "Server connection port"
	case records.Unconnected:
		return "Unconnected communication port"
	case records.ServerComm:
		return "Server communication port"
	case records.ClientComm:
		return "Client communication port"
	}
	return "Port of unknown kind"
}

func (s *Session) connectionBlock(ctx context.Context, w *records.World, o *Out, p *records.Port) error {
	r, err := w.Read(p.Addr, "_LPCP_PORT_OBJECT")
	if err != nil {
		return err
	}
	o.Printf("%s %s  Name: %s\n", kindName(p.Kind), s.ptr(p.Addr), escape.Text(p.Object.Name))
	o.Printf(" Handles: %d   References: %d\n", p.Object.Handles, p.Object.Pointers)
	s.serverProcess(w, o, r.U("ServerProcess"))
	s.semaphore(w, o, r)
	if err := s.queue(ctx, w, o, p.Addr); err != nil {
		return err
	}
	return s.dataInfo(ctx, w, o, r)
}

func (s *Session) serverProcess(w *records.World, o *Out, addr uint64) {
	switch q, err := w.T.System().Process(addr); {
	case addr == 0:
		o.Printf("    Server process  : none\n")
	case err != nil:
		o.Printf("    Server process  : %s (%s)\n", s.ptr(addr), escape.Text(err.Error()))
	default:
		o.Printf("    Server process  : %s (%s)\n", s.ptr(q.Addr), escape.Text(q.Image))
	}
}

// semaphore prints a port's semaphore. Our ports have none: its state is the count
// of what is queued.
func (s *Session) semaphore(w *records.World, o *Out, r *records.Record) {
	at := r.U("MsgQueue.Semaphore")
	o.Printf("    Queue semaphore : %s\n", s.ptr(at))
	if at == 0 {
		if n, ok := r.Get("QueueLength"); ok {
			o.Printf(" Semaphore state %d (0x%x)\n", n, n)
			return
		}
	}
	k, err := w.Read(at, "_KSEMAPHORE")
	if err == nil {
		if v, ok := k.Get("Header.SignalState"); ok {
			o.Printf(" Semaphore state %d (0x%x)\n", int32(v), uint32(v))
			return
		}
	}
	o.Printf(" Semaphore state not readable\n")
}

// queue prints what stands on a port's queue.
func (s *Session) queue(ctx context.Context, w *records.World, o *Out, port uint64) error {
	list, err := w.Queue(ctx, port)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if len(list) == 0 && err == nil {
		o.Printf("    The message queue is empty\n")
		return nil
	}
	o.Printf("        Messages in queue:\n")
	for i, m := range list {
		if m.Err != nil {
			o.Printf(" %04x %s - not readable: %s\n", i, s.ptr(m.Addr), escape.Text(m.Err.Error()))
			continue
		}
		s.messageLines(w, o, i, m)
	}
	if err != nil {
		o.Printf("    The message queue is not readable to its end: %s\n", escape.Text(err.Error()))
		return nil
	}
	o.Printf("    The message queue contains %d messages\n", len(list))
	return nil
}

// queued tells whether anything stands on the queue of one of NT's ports, which do not
// count it. A queue of zeros is an empty one (reference 5.3a).
func (s *Session) queued(w *records.World, r *records.Record) bool {
	first, ok := r.Get("MsgQueue.ReceiveHead.Flink")
	return ok && !w.Ours(r.Addr) && first != 0 && first != r.At("MsgQueue.ReceiveHead")
}

func (s *Session) dataInfo(ctx context.Context, w *records.World, o *Out, r *records.Record) error {
	n := 0
	var err error
	if head := r.At("LpcDataInfoChainHead"); head != 0 {
		err = w.Walk(ctx, head, func(uint64) bool { n++; return true })
	}
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case err != nil:
		o.Printf("    The LpcDataInfoChainHead queue is not readable: %s\n", escape.Text(err.Error()))
	case n == 0:
		o.Printf("    The LpcDataInfoChainHead queue is empty\n")
	default:
		o.Printf("    The LpcDataInfoChainHead queue contains %d messages\n", n)
	}
	return nil
}

func (s *Session) communicationBlock(ctx context.Context, w *records.World, o *Out, p *records.Port) error {
	r, err := w.Read(p.Addr, "_LPCP_PORT_OBJECT")
	if err != nil {
		return err
	}
	o.Printf("%s 0x%s\n", kindName(p.Kind), s.ptr(p.Addr))
	o.Printf("    Handles: %d   References: %d\n", p.Object.Handles, p.Object.Pointers)
	if r.U("QueueLength") > 0 || s.queued(w, r) { // requests to a client that it has not taken
		if err := s.queue(ctx, w, o, p.Addr); err != nil {
			return err
		}
	}
	if err := s.dataInfo(ctx, w, o, r); err != nil {
		return err
	}
	if p.Kind != records.ServerComm {
		return nil
	}
	connected := p.Connected
	if other := p.Other(); other != nil {
		connected = other.Addr
	}
	o.Printf("        Connected port: 0x%s      Server connection port: 0x%s\n", s.ptr(connected), s.ptr(p.Connection))
	return nil
}
