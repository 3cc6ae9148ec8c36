package engine

import (
	"encoding/binary"
	"sync/atomic"

	"github.com/seed-eedd8485/lpc/internal/channel"
	"github.com/seed-eedd8485/lpc/internal/pool"
	"github.com/seed-eedd8485/lpc/wire"
)

// How a thread ends. Exit may be called by any goroutine, while the thread's own one is in
// a call, which writes into the thread's record and has requests outstanding. So Exit only
// marks the thread and breaks its waits off; what is left to do, end, is done by who is
// sure that no call is under way: Exit, where there is none, else the thread itself when
// it leaves its last call.
//
// Two words decide that. They cost a call two plain stores and two plain loads:
//
//	inside  1 while the thread is in a call, else 0. Its own goroutine alone stores it, with
//	        release; Exit loads it, after a fence.
//	state   threadLives, then threadExiting, then threadEnded. Exit swaps lives to exiting,
//	        once. Exit and leave swap exiting to ended: whose swap it is calls end, so it
//	        is called once. begin loads it, leave does, and a wait before it goes on.
//
// begin stores inside and then loads state; leave likewise; Exit stores state and then
// loads inside. The fence between these makes up for what begin and leave lack: either
// Exit sees what the thread stored, or the thread sees that it exits.
const (
	threadLives   = 0
	threadExiting = 1
	threadEnded   = 2
)

// begin is what each call begins with that waits or touches the thread's record, and leave
// what it ends with, unless begin gives an error. Calls do not nest.
func (t *Thread) begin() error {
	channel.StoreRelease(&t.inside, 1)
	if t.Exiting() {
		t.leave()
		return ErrExiting
	}
	return nil
}

// leave ends a call, and with it a thread that was told to exit meanwhile.
func (t *Thread) leave() {
	channel.StoreRelease(&t.inside, 0)
	if t.Exiting() && t.state.CompareAndSwap(threadExiting, threadEnded) {
		t.end()
	}
}

// Exiting tells that Exit was called.
func (t *Thread) Exiting() bool { return t.state.Load() != threadLives }

// Exit ends the thread: its registrations are told of, what it waits for is given up,
// and its later calls fail. It is called by the thread itself, or by another one; a thread
// that is in a call then ends when it leaves that, soon.
func (t *Thread) Exit() {
	if !t.state.CompareAndSwap(threadLives, threadExiting) {
		return
	}
	t.cancel(ErrExiting)
	if id := t.id.Load(); id != 0 && t.id.CompareAndSwap(id, 0) {
		c, slot := t.out.c, t.out.slot
		t.intr.Set()
		t.delivered <- Use{}
		c.out.Interrupt(slot)
	}
	fence()
	if atomic.LoadUint32(&t.inside) == 0 && t.state.CompareAndSwap(threadExiting, threadEnded) {
		t.end()
	}
}

// end is what is left to do when the thread is in no call and never will be.
func (t *Thread) end() {
	t.mu.Lock()
	reg, here := t.registered, t.registeredHere
	t.registered, t.registeredHere = nil, nil
	t.mu.Unlock()
	for _, o := range t.outs {
		t.drop(&o)
	}
	t.outs = nil
	told := map[*Conn]bool{}
	for _, r := range reg {
		if c := r.c; !told[c] {
			told[c] = true
			var b [8]byte
			binary.LittleEndian.PutUint32(b[:], controlExit)
			if c.tell(t, b[:]) != nil {
				go c.tellLater(t.cid, b[:]) // no room now: the owner is slow, and learns of it in time
			}
		}
	}
	for _, l := range here {
		l.p.disp.lastWord(l.m)
	}
	nativeThreads.Lock()
	if nativeThreads.all[t.cid.UniqueThread] == t { // else its number is another's already
		delete(nativeThreads.all, t.cid.UniqueThread)
	}
	nativeThreads.Unlock()
	for _, r := range reg {
		r.release()
	}
	for _, l := range here {
		l.release()
	}
	t.actsAs(nil)
	t.rec.SameThreadApcFlags |= pool.ThreadExitCalled
	t.rec.LpcReplyMessageID = 0
	t.proc.pool.Free(t.addr)
}

func (c *Conn) tellLater(cid wire.ClientID, data []byte) {
	_ = c.out.Send(c.Context(), &channel.Request{Thread: uint32(cid.UniqueThread), Control: true, Data: data})
}
