package channel

import (
	"fmt"
	"sync/atomic"
	"time"

	"github.com/seed-eedd8485/lpc/internal/failpoint"
	"github.com/seed-eedd8485/lpc/section"
	"github.com/seed-eedd8485/lpc/wire"
)

// A Receiver is the receiving end of one direction of a channel.
//
// Next, NextDatagram, More, Hold, Publish, Entered, Arm, Spin and Sleep are for whoever holds the
// receiver's role, one goroutine at a time; Reply and Give may be called by any,
// once for each message.
//
// What it believes stands in its own memory: which slot is served, at which
// generation, how far the ring was read. A word in the channel is the peer's
// claim, loaded once and compared with that.
type Receiver struct {
	view
	bell func()
	sec  *section.Section
	spin spinner

	found  uint64 // ticks of the spin that found the message at hand, 0: there was none
	seen   bool   // the spin saw a request in the near slot
	ahead  uint32 // 1: that request was taken, and its ring entry, at head, is still to be passed
	head   uint32 // ring position of the next entry
	cells  uint32 // cells taken
	given  uint32 // cells given back as published
	hold   bool   // none are given back for now
	chunks [maxSlots / chunkSlots]atomic.Pointer[[chunkSlots]served]

	kicked atomic.Bool // something besides this channel wants the receiver
}

// served is what the receiver knows of a slot.
type served struct {
	gen uint64 // generation of the last request taken from it
	// busy is 1 while that request is not answered: stored by the receiver before the
	// message is anybody else's, and by who answers before the word that tells the peer.
	busy uint32
}

// served is what is known of slot i.
func (r *Receiver) served(i int) *served {
	p := &r.chunks[i/chunkSlots]
	ch := p.Load()
	if ch == nil {
		p.CompareAndSwap(nil, new([chunkSlots]served))
		ch = p.Load()
	}
	return &ch[i%chunkSlots]
}

// A Message is what Next copies out. Header and Data are the caller's memory.
type Message struct {
	Header *wire.PortMessage
	Data   *[wire.MaxInline]byte

	Length   int           // bytes in Data, checked
	HasInfo  bool          // larger data: Info tells where, not yet checked against the sections
	Info     wire.DataInfo // valid with HasInfo
	Reply    bool          // wants a reply
	Detached bool          // a datagram in a slot: Give it back
	Slot     int           // with Reply or Detached
	Gen      uint64
	Control  bool   // for the engine, not for the program
	Extra    uint32 // the high half of the word with the CallbackId
}

// NewReceiver is the receiving end for the server (of the client's requests) or the
// client (of the server's).
func NewReceiver(s *section.Section, server, local bool, bell func()) *Receiver {
	a := &serverToClient
	if server {
		a = &clientToServer
	}
	r := &Receiver{view: newView(s.Bytes(), a), bell: bell, sec: s, head: firstPos}
	r.spin.init(local)
	return r
}

// entry loads the next ring entry and tells whether there is one. What stands
// there otherwise can only be the entry of the lap before. The entry of a request that
// was taken ahead is passed here. Nothing else is taken until it has come: an entry that
// came a lap late would stand where another one belongs.
func (r *Receiver) entry() (e uint32, ok bool, err error) {
	for {
		e = atomic.LoadUint32(&r.ring[r.head%ringSize])
		lap := uint16(r.head / ringSize)
		switch uint16(e >> 16) {
		case lap:
		case lap - 1:
			return e, false, nil
		default:
			return e, false, violation("ring entry %d holds %#x, neither of lap %d nor of the one before", r.head%ringSize, e, lap)
		}
		if r.ahead == 0 {
			return e, true, nil
		}
		if want := entry(r.head, kindRequest, nearSlot); e != want {
			return e, false, violation("ring entry %d holds %#x, want %#x: its request was taken", r.head%ringSize, e, want)
		}
		r.ahead = 0
		r.head++
	}
}

// nearSlot is where a caller that is alone puts its requests: the lowest. A receiver
// that polls looks at this slot as well as at the ring, and takes a request from it
// whose place in the ring is the next. The line that tells that there is one is then
// the line that it stands in; the ring entry comes after it, while the handler runs.
const nearSlot = 0

// near is what the near slot holds when the next request stands in it.
type near struct {
	sl    *slot
	word  uint64
	place uint16
}

func (r *Receiver) near() near {
	if r.ahead != 0 {
		return near{r.slot(nearSlot), noWord, 0} // its entry first
	}
	return near{r.slot(nearSlot), (r.served(nearSlot).gen+1)<<genShift | stWaiting, uint16(r.head)}
}

// noWord is in no slot.
const noWord = ^uint64(0)

// there: a hint; take looks again and decides.
func (n *near) there() bool {
	return atomic.LoadUint64(&n.sl.Word) == n.word && n.sl.meta().place() == n.place
}

// More tells whether something stands in the ring, garbage included.
func (r *Receiver) More() bool {
	_, ok, err := r.entry()
	return ok || err != nil
}

// NextDatagram is Next for a small datagram: false where another message stands next, or
// none.
func (r *Receiver) NextDatagram(m *Message) (bool, error) {
	e, ok, err := r.entry()
	if err != nil || !ok || e>>12&0xf != kindDatagram {
		return false, err
	}
	if i := int(e & 0xfff); i != r.nextCell() {
		return false, r.strange(e)
	}
	return true, r.takeCell(m)
}

// nextCell is the cell that the next small datagram stands in.
func (r *Receiver) nextCell() int { return int(r.cells % uint32(r.area.ncells)) }

// takeCell copies the small datagram in the next cell out.
func (r *Receiver) takeCell(m *Message) error {
	i := r.nextCell()
	cl := r.cell(i)
	m.Reply, m.Detached = false, false
	if err := r.copyOut(cl, cl.meta(), m); err != nil {
		return fmt.Errorf("%w in cell %d", err, i)
	}
	if m.HasInfo {
		return violation("datagram in cell %d has its data in a section; such a one stands in a slot", i)
	}
	r.head++
	r.cells++
	return nil
}

// strange: e, of this lap, is nothing that can stand at head.
func (r *Receiver) strange(e uint32) error {
	return violation("ring entry %d holds kind %d index %d; kinds are %d to %d, slots %d, and the next cell is %d",
		r.head%ringSize, e>>12&0xf, e&0xfff, kindRequest, kindDetached, r.area.nslots, r.nextCell())
}

// Next takes one message off the ring: header and inline data are copied out and
// the copy is checked. An error is a Violation and ends the connection.
func (r *Receiver) Next(m *Message) (bool, error) {
	r.found, r.spin.stamp = r.spin.stamp, 0 // for one message; the next comes later
	seen := r.seen
	r.seen = false
	for {
		e, ok, err := r.entry()
		if err != nil {
			return false, err
		}
		if !ok {
			if !seen {
				return false, nil
			}
			live, err := r.take(nearSlot, kindRequest, m)
			if err == nil {
				r.ahead = 1 // also when its caller had given up: the entry comes
			}
			return live, err
		}
		kind, i := int(e>>12&0xf), int(e&0xfff)
		switch {
		case (kind == kindRequest || kind == kindDetached) && i < r.area.nslots:
			live, err := r.take(i, kind, m)
			if err != nil {
				return false, err
			}
			r.head++
			if live {
				return true, nil
			}
			seen = false // the near slot's request may be the one that was taken just now
		case kind == kindDatagram && i == r.nextCell():
			err := r.takeCell(m)
			return err == nil, err
		default:
			return false, r.strange(e)
		}
	}
}

// take copies the message in slot i out. live is false for one whose caller has
// given up: its slot is given back.
func (r *Receiver) take(i, kind int, m *Message) (live bool, err error) {
	sl, sv := r.slot(i), r.served(i)
	if atomic.LoadUint32(&sv.busy) != 0 {
		return false, violation("slot %d was published again while its request of generation %d is being served", i, sv.gen)
	}
	w := atomic.LoadUint64(&sl.Word)
	if w>>genShift != sv.gen+1 {
		return false, violation("slot %d has generation %d, want %d", i, w>>genShift, sv.gen+1)
	}
	mt := sl.meta()
	if mt.place() != uint16(r.head) {
		return false, violation("slot %d says that its place in the ring is %d, it was taken at %d", i, mt.place(), uint16(r.head))
	}
	sv.gen++
	switch st := w & stateMask; {
	case st == stWaiting && kind == kindRequest, st == stDetached && kind == kindDetached:
	case st == stAbandoned && kind == kindRequest:
		atomic.CompareAndSwapUint64(&sl.Word, w, w&^stateMask|stFree)
		return false, nil
	case st == stLost && kind == kindRequest:
		return false, nil
	default:
		return false, violation("slot %d has state %d at an entry of kind %d", i, st, kind)
	}
	if err := r.copyOut(sl, mt, m); err != nil {
		return false, fmt.Errorf("%w in slot %d", err, i)
	}
	if m.Length > nearData {
		r.expectReply(i)
	}
	m.Reply, m.Detached, m.Slot, m.Gen = kind == kindRequest, kind == kindDetached, i, sv.gen
	StoreRelease(&sv.busy, 1)
	failpoint.At(failpoint.RequestTaken)
	return true, nil
}

// copyOut loads the other words of a message, each once, checks what it loaded, makes the
// PORT_MESSAGE of it, and then copies as much data as the checked length says.
func (r *Receiver) copyOut(sl *slot, mt meta, m *Message) error {
	r.spin.see(mt.cpu())
	if err := mt.check(); err != nil {
		return err
	}
	sender := atomic.LoadUint64(&sl.Sender)
	h := m.Header
	h.DataLength, h.TotalLength = uint16(mt.length()), uint16(mt.length()+wire.HeaderSize)
	h.Type, h.DataInfoOffset = 0, 0
	if mt.flags()&flagNoImpersonate != 0 {
		h.Type = wire.FlagNoImpersonate
	}
	h.ClientID.UniqueThread = sender >> 32
	h.MessageID = uint32(sender)
	callback := atomic.LoadUint64(&sl.Callback)
	h.CallbackID, m.Extra = callback&0xffffffff, uint32(callback>>32)
	m.Length = mt.length()
	m.HasInfo, m.Control = mt.info(), mt.flags()&flagControl != 0
	n := wire.Fours(m.Length)
	copy(m.Data[:n], sl.Data[:n])
	if m.HasInfo {
		h.DataInfoOffset = wire.HeaderSize
		m.Info = getDataInfo(m.Data) // of the copy
	}
	return nil
}

// Reply writes the reply into the slot of a message and publishes it. It gives
// ErrAbandoned when the caller did not wait for it.
func (r *Receiver) Reply(slot int, gen uint64, status wire.Status, q *Request) error {
	sl := r.slot(slot)
	sl.fill(q, uint16(status))
	StoreRelease(&r.served(slot).busy, 0) // before the publish: the slot may come back at once
	failpoint.At(failpoint.ReplyWritten)
	want := gen<<genShift | stWaiting
	if !atomic.CompareAndSwapUint64(&sl.Word, want, gen<<genShift|stDone) {
		return r.tooLate(slot, gen)
	}
	pos := atomic.AddUint32(&r.replies.Tail, 1) - 1
	storeFence(&r.hints[pos%hintSize], hint(pos, slot)) // then look who sleeps
	failpoint.At(failpoint.ReplyPublished)
	r.wake(&r.caller.Sleep)
	return nil
}

// tooLate gives back a slot whose caller gave up.
func (r *Receiver) tooLate(slot int, gen uint64) error {
	w := &r.slot(slot).Word
	switch got := atomic.LoadUint64(w); got {
	case gen<<genShift | stAbandoned:
		atomic.CompareAndSwapUint64(w, got, gen<<genShift|stFree)
		return ErrAbandoned
	case gen<<genShift | stLost:
		return ErrAbandoned
	default:
		return violation("slot %d changed to %#x while generation %d was served", slot, got, gen)
	}
}

// Waiting tells whether the caller of a message still waits for its reply, as far
// as its slot says.
func (r *Receiver) Waiting(slot int, gen uint64) bool {
	return atomic.LoadUint64(&r.slot(slot).Word) == gen<<genShift|stWaiting
}

// Give gives the slot of a detached message back.
func (r *Receiver) Give(slot int, gen uint64) {
	StoreRelease(&r.served(slot).busy, 0)
	atomic.CompareAndSwapUint64(&r.slot(slot).Word, gen<<genShift|stDetached, gen<<genShift|stFree)
}

// Read tells whether the caller has read the reply of generation gen in a slot, or
// has used the slot again: memory that the reply stood in is free.
func (r *Receiver) Read(slot int, gen uint64) bool {
	w := atomic.LoadUint64(&r.slot(slot).Word)
	return w>>genShift > gen || w == gen<<genShift|stFree || w == 0
}

// wake wakes the peer's sleeper that has announced itself in word.
func (r *Receiver) wake(word *uint32) {
	how := atomic.LoadUint32(word)
	if how == 0 || !atomic.CompareAndSwapUint32(word, how, 0) {
		return
	}
	if how == sleepFutex {
		futexWake(word)
	} else {
		r.bell()
	}
}

// Hold keeps the cells that were taken from the peer, or lets Publish give them back: on
// while this end has more datagrams than it wants, the peer can send no more than a ring
// of them, and what it sends besides is still read.
func (r *Receiver) Hold(on bool) { r.hold = on }

// Publish tells the peer how far the ring was read, and wakes a sender of
// datagrams that waits for room.
func (r *Receiver) Publish() {
	r.Entered()
	if r.given != r.cells && !r.hold {
		r.given = r.cells
		storeFence(&r.progress.Cells, r.cells) // then look who waits for room
		r.wake(&r.caller.Room)
	}
}

// Taken counts what was taken off the ring, as last published. The peer can change
// it: it is good for a guess only.
func (r *Receiver) Taken() uint32 { return atomic.LoadUint32(&r.progress.Head) }

// Lag is how many cells were taken and not yet published as free.
func (r *Receiver) Lag() int { return int(r.cells - r.given) }

// Now is the time to stamp the message at hand with, in Ticks: that of the spin which
// found it, at most some µs old, so that the clock is not read between its arrival and
// its reply.
func (r *Receiver) Now() uint64 {
	if r.found != 0 {
		return r.found
	}
	return ticks()
}

// Awake says that somebody polls this channel.
func (r *Receiver) Awake() { atomic.StoreUint32(&r.receiver.State, recvAwake) }

// Leave says that this end has closed the connection.
func (r *Receiver) Leave() { atomic.StoreUint32(&r.receiver.Gone, 1) }

// Arm says that nobody polls: the peer rings the doorbell. It looks again and
// tells whether it holds; false: something has come, go on polling.
func (r *Receiver) Arm() bool {
	r.Publish()
	storeFence(&r.receiver.State, recvArmed) // announce
	if r.More() {
		atomic.StoreUint32(&r.receiver.State, recvAwake)
		return false
	}
	return true
}

// Entered tells the peer what was taken, before a handler runs.
func (r *Receiver) Entered() { StoreRelease(&r.progress.Head, r.head+r.ahead) }

// Spin polls for the next entry as long as that is likely to pay.
func (r *Receiver) Spin(keepOn func() bool) bool {
	e, ok, err := r.entry()
	if ok || err != nil {
		return true
	}
	var found bool
	found, r.seen = r.spin.untilEntry(&r.ring[r.head%ringSize], e, r.near(), keepOn)
	return found
}

// Sleep parks in a futex on this channel until the peer publishes, Kick is called,
// or d has passed. It returns false where no more threads may park.
func (r *Receiver) Sleep(d time.Duration) bool {
	if !takeFutex() {
		return false
	}
	defer giveFutex()
	r.Publish()
	start := ticks()
	storeFence(&r.receiver.State, recvFutex) // announce
	if !r.More() && !r.kicked.Load() {
		futexWait(&r.receiver.State, recvFutex, d)
	}
	r.kicked.Store(false)
	r.spin.parked(ticks() - start)
	atomic.StoreUint32(&r.receiver.State, recvAwake)
	return true
}

// Kick ends a Sleep, now or the next. The word that the receiver sleeps on can be
// written by the peer, so one kick may be lost to a hostile one: the engine comes
// back as long as the receiver sleeps.
func (r *Receiver) Kick() {
	r.kicked.Store(true)
	atomic.CompareAndSwapUint32(&r.receiver.State, recvFutex, recvAwake)
	futexWake(&r.receiver.State)
}
