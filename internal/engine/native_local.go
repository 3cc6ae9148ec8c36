package engine

import (
	"sync"

	"github.com/seed-eedd8485/lpc/internal/channel"
	"github.com/seed-eedd8485/lpc/internal/pool"
	"github.com/seed-eedd8485/lpc/wire"
)

// A localWait is a thread that waits for a reply which does not leave the process: to a
// request that looped back to its own port's queue, or after NtReplyWaitReplyPort that
// answered no callback.
type localWait struct {
	t    *Thread
	via  Object // what the request was sent through: W of the match rule
	id   uint32
	dst  *Native
	done chan error // holds one
}

var localWaits struct {
	sync.Mutex
	all map[*Thread]*localWait
}

// localWaiter is who waits for the reply that h is, through a port that via is related to.
func localWaiter(via Object, h *wire.PortMessage) *localWait {
	localWaits.Lock()
	defer localWaits.Unlock()
	if len(localWaits.all) == 0 {
		return nil
	}
	for t, w := range localWaits.all {
		if t.cid == h.ClientID && w.id == h.MessageID && sameOrRelated(via, w.via) {
			delete(localWaits.all, t)
			return w
		}
	}
	return nil
}

// sameOrRelated is step 4 of the match rule (lpc reference e.3) where both ports are in
// this process.
func sameOrRelated(p, w Object) bool {
	if p == w {
		return true
	}
	pc, ok := p.(*Conn)
	if wp, isPort := w.(*Port); isPort {
		return ok && wp.related(pc)
	}
	return p.related(w.(*Conn))
}

// reply gives the waiter its reply.
func (w *localWait) reply(by *Thread, q *Native) error {
	by.answer(q, w.dst)
	if by.rec.LpcReceivedMessageID == q.MessageID {
		by.rec.LpcReceivedMessageID, by.rec.Serving = 0, 0
	}
	w.done <- nil
	return nil
}

// answer copies q to dst as a reply of t's.
func (t *Thread) answer(q, dst *Native) {
	data, _ := q.body()
	dst.PortMessage = q.PortMessage
	dst.Type, dst.ClientID, dst.CallbackID, dst.DataInfoOffset = wire.TypeReply, t.cid, 0, 0
	copy(dst.Body[:], data)
}

// loseLocal ends the waits through an object that is gone.
func loseLocal(o Object) {
	localWaits.Lock()
	defer localWaits.Unlock()
	for t, w := range localWaits.all {
		if w.via == o {
			delete(localWaits.all, t)
			w.done <- ErrPortClosed
		}
	}
}

// waitLocal waits for a reply with that id from a thread of this process.
func (t *Thread) waitLocal(via Object, id uint32, dst *Native) error {
	return t.startLocal(via, id, dst).wait()
}

func (t *Thread) startLocal(via Object, id uint32, dst *Native) *localWait {
	w := &localWait{t: t, via: via, id: id, dst: dst, done: make(chan error, 1)}
	localWaits.Lock()
	if localWaits.all == nil {
		localWaits.all = map[*Thread]*localWait{}
	}
	localWaits.all[t] = w
	localWaits.Unlock()
	r := t.rec
	r.LpcWaitingOnPort, r.WaitChannel, r.CallName = via.dispatcher().addr, 0, *nameNtRequest
	t.call = nameNtRequest
	r.CallArguments = [4]uint64{uint64(via.dispatcher().rec.Handle), uint64(id)}
	t.childOf(nil)
	r.ParentKnown = 1
	r.WaitStart, r.WaitReason = channel.Ticks(), pool.WaitLpcReply
	r.LpcReplyMessageID = id
	return w
}

func (w *localWait) wait() error {
	t := w.t
	var err error
	select {
	case err = <-w.done:
	case <-t.ctx.Done():
		localWaits.Lock()
		mine := localWaits.all[t] == w
		if mine {
			delete(localWaits.all, t)
		}
		localWaits.Unlock()
		if err = ErrExiting; !mine {
			err = <-w.done // who took it writes to dst
		}
	}
	t.resumes()
	return err
}

// Loop queues q at its own port and waits for the reply where dst is not nil.
func (p *Port) Loop(t *Thread, q *Native, noImpersonate bool, dst *Native) error {
	if err := t.begin(); err != nil {
		return err
	}
	defer t.leave()
	d, id := p.disp, p.proc.nextID()
	typ := uint16(wire.TypeDatagram)
	if dst != nil {
		typ = wire.TypeRequest
	}
	if noImpersonate {
		typ |= wire.FlagNoImpersonate
	}
	data, _ := q.body()
	m, err := d.made(wire.PortMessage{Type: typ, ClientID: t.cid, MessageID: id}, data[:q.DataLength], p.addr)
	if err != nil {
		return err
	}
	copy(m.rec.Data[:], data)
	m.in.Extra = q.extra()
	var w *localWait
	if dst != nil {
		w = t.startLocal(p, id, dst)
	}
	d.mu.Lock()
	if d.over || d.stopped {
		d.mu.Unlock()
		d.giveBack(m)
		if w != nil {
			loseLocal(p)
			_ = w.wait()
		}
		return ErrPortClosed
	}
	d.enqueue(m)
	d.wakeNative()
	d.mu.Unlock()
	if w == nil {
		return nil
	}
	return w.wait()
}
