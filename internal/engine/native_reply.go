package engine

import (
	"errors"

	"golang.org/x/sys/unix"

	"github.com/seed-eedd8485/lpc/internal/channel"
	"github.com/seed-eedd8485/lpc/wire"
)

// Why a reply is not delivered.
var (
	ErrNoThread = errors.New("no such thread")
	ErrMismatch = errors.New("nobody waits for that reply on that port")
)

// An Object is a *Port or a *Conn: what a native handle stands for.
type Object interface {
	dispatcher() *dispatcher
	// related: a reply through the object may answer a request that came through c (lpc
	// reference e.3, step 4).
	related(c *Conn) bool
}

func (p *Port) dispatcher() *dispatcher { return p.disp }
func (c *Conn) dispatcher() *dispatcher { return c.disp }

// related: c is a connection of the port, at either end.
func (p *Port) related(c *Conn) bool {
	if c.port == p {
		return true
	}
	o := c.otherEnd()
	return o != nil && o.port == p
}

// related: both are ends of one connection.
func (c *Conn) related(o *Conn) bool { return c == o || c.number == o.number && c.local && o.local }

// otherEnd is the connection's other end where it is in this process, else nil.
func (c *Conn) otherEnd() *Conn {
	if !c.local {
		return nil
	}
	localEnds.Lock()
	defer localEnds.Unlock()
	return localEnds.all[endKey{c.number, !c.server}]
}

// Find is the request that a message names by ClientId and MessageId and that was
// received in this process and not replied to; via is the port that the reply goes
// through. It is the match rule of LPC (lpc reference e.3) as far as the replier's side
// decides it.
func (t *Thread) Find(via Object, h *wire.PortMessage) (Use, error) {
	if u := t.cur; u.Live() && u.C != nil && names(u, h) && via.related(u.C) {
		return u, nil
	}
	if u, ok := search(via.dispatcher(), via, h); ok {
		return u, nil
	}
	switch o := via.(type) {
	case *Conn:
		if e := o.otherEnd(); e != nil {
			if u, ok := search(e.disp, via, h); ok {
				return u, nil
			}
		}
	case *Port:
		for _, e := range o.localClients() {
			if u, ok := search(e.disp, via, h); ok {
				return u, nil
			}
		}
	}
	return Use{}, missing(h.ClientID)
}

func names(u Use, h *wire.PortMessage) bool {
	r := &u.M.rec.Request
	return r.MessageID == h.MessageID && r.ClientID == h.ClientID
}

// search looks through the messages of a port; only a reply that does not follow its
// request comes here.
func search(d *dispatcher, via Object, h *wire.PortMessage) (Use, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, m := range d.messages {
		if m == nil || m.stage.Load() != stageHeld || m.conn == nil {
			continue
		}
		u := Use{m, m.given, m.conn}
		if names(u, h) && via.related(m.conn) {
			return u, true
		}
	}
	return Use{}, false
}

// localClients are the client's ends of the port's connections that are in this process.
func (p *Port) localClients() (list []*Conn) {
	localEnds.Lock()
	defer localEnds.Unlock()
	for _, c := range localEnds.all {
		if c.server && c.port == p {
			if o := localEnds.all[endKey{c.number, false}]; o != nil {
				list = append(list, o)
			}
		}
	}
	return list
}

// missing is why nobody is found who waits: the thread is not, or does not wait.
func missing(cid wire.ClientID) error {
	if ThreadLives(cid) {
		return ErrMismatch
	}
	return ErrNoThread
}

// ThreadLives tells whether a CLIENT_ID is that of a thread that lives, as far as this
// process can tell: of its own threads it knows, of Linux threads the kernel does, and a
// goroutine's thread of another process lives as long as that.
func ThreadLives(cid wire.ClientID) bool {
	pid, tid := int(cid.UniqueProcess), cid.UniqueThread
	if cid.UniqueProcess == 0 || cid.UniqueProcess > wire.FirstSyntheticThread || tid == 0 || tid > 1<<32 {
		return false
	}
	if t := localThread(tid); pid == unix.Getpid() && (t != nil || tid >= wire.FirstSyntheticThread) {
		return t != nil
	}
	if tid >= wire.FirstSyntheticThread {
		return !errors.Is(unix.Kill(pid, 0), unix.ESRCH)
	}
	return !errors.Is(unix.Tgkill(pid, int(tid), 0), unix.ESRCH)
}

// Reply answers the request that q names.
func (t *Thread) Reply(via Object, q *Native) error {
	err := t.begin()
	if err == nil {
		err = t.reply(via, q)
		t.leave()
	}
	return err
}

func (t *Thread) reply(via Object, q *Native) error {
	if lw := localWaiter(via, &q.PortMessage); lw != nil {
		return lw.reply(t, q)
	}
	u, err := t.Find(via, &q.PortMessage)
	if err != nil {
		if q.ClientID.UniqueProcess == t.proc.pid && t.replyHere(via, q) {
			return nil
		}
		return err
	}
	back := u.IsCallback()
	if err := u.replyNative(t, q); err != nil {
		return err
	}
	if back { // who answers a callback with NtReplyPort does not wait any more (e.2)
		t.forsake(u.C, q.MessageID)
	}
	return nil
}

// replyNative answers u as t.
func (u Use) replyNative(t *Thread, q *Native) error {
	m, c := u.M, u.C
	if int(q.DataLength) > c.maxMessage {
		return tooLarge("reply", int(q.DataLength), c.maxMessage, "the connection's limit")
	}
	id, callback := u.ID(), m.rec.Request.CallbackID
	if m.back.Load() == u.N+1 || !u.claim() {
		return missing(q.ClientID)
	}
	if c.over.Load() {
		m.finish() // nobody waits for it any more
		return missing(q.ClientID)
	}
	req := channel.Request{MessageID: id, Thread: uint32(t.cid.UniqueThread), Callback: callback | uint64(q.extra())<<32}
	req.Data, req.Short = q.body()
	if t.rec.LpcReceivedMessageID == id {
		t.rec.LpcReceivedMessageID, t.rec.Serving = 0, 0
	}
	err := c.recv.Reply(m.in.Slot, m.in.Gen, wire.StatusOK, &req)
	m.finish()
	switch {
	case err == nil:
		return nil
	case errors.Is(err, channel.ErrAbandoned):
		return missing(q.ClientID)
	}
	err = fromChannel(err)
	c.fail(err)
	return err
}

// status answers u with a status alone.
func (u Use) status(s wire.Status) error {
	if !u.claim() {
		return ErrReplied
	}
	return u.M.reply(s, nil, 0)
}

// forsake gives up the request with that id that t would have waited for again.
func (t *Thread) forsake(c *Conn, id uint32) {
	for i := len(t.outs) - 1; i >= 0; i-- {
		if o := t.outs[i]; o.c == c && o.id == id {
			t.outs = append(t.outs[:i], t.outs[i+1:]...)
			t.drop(&o)
			return
		}
	}
}

// ReplyWait answers the request that q names and waits for the reply with the same
// MessageId: that to the request during which t was called back.
func (t *Thread) ReplyWait(via Object, q, dst *Native) error {
	if err := t.begin(); err != nil {
		return err
	}
	defer t.leave()
	if lw := localWaiter(via, &q.PortMessage); lw != nil {
		if err := lw.reply(t, q); err != nil {
			return err
		}
		return t.waitLocal(via, q.MessageID, dst)
	}
	u, err := t.Find(via, &q.PortMessage)
	if err != nil {
		return err
	}
	for i := len(t.outs) - 1; i >= 0; i-- {
		o := t.outs[i]
		if o.c != u.C || o.id != q.MessageID {
			continue
		}
		t.outs = append(t.outs[:i], t.outs[i+1:]...)
		t.awaits(&o) // before the reply: the next callback may come at once
		if err := u.replyNative(t, q); err != nil {
			if t.id.CompareAndSwap(o.id, 0) {
				t.untouched(&o)
				t.outs = append(t.outs, o)
				return err
			}
			return t.wait(dst) // it was called back for another reason
		}
		t.waits(o.c, o.id, o.slot, o.c.out.Generation(o.slot), nil, nameNtReplyWait, int(q.DataLength))
		t.rec.ParentKnown = 1
		return t.wait(dst)
	}
	id := q.MessageID
	if err := u.replyNative(t, q); err != nil {
		return err
	}
	return t.waitLocal(via, id, dst)
}

var nameNtReplyWait = named("NtReplyWaitReplyPort")
