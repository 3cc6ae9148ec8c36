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
// Next, More, Publish, Entered, Arm, Spin and Sleep are for whoever holds the
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

	head   uint32 // ring position of the next entry
	cells  uint32 // cells taken
	given  uint32 // cells given back as published
	chunks [maxSlots / chunkSlots]atomic.Pointer[[chunkSlots]served]

	kicked atomic.Bool // something besides this channel wants the receiver
}

// served is what the receiver knows of a slot.
type served struct {
	gen  uint64        // generation of the last request taken from it
	busy atomic.Uint32 // 1: that request is not answered yet
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
// there otherwise can only be the entry of the lap before.
func (r *Receiver) entry() (e uint32, ok bool, err error) {
	e = atomic.LoadUint32(&r.ring[r.head%ringSize])
	lap := uint16(r.head / ringSize)
	switch uint16(e >> 16) {
	case lap:
		return e, true, nil
	case lap - 1:
		return e, false, nil
	}
	return e, false, violation("ring entry %d holds %#x, neither of lap %d nor of the one before", r.head%ringSize, e, lap)
}

// More tells whether something stands in the ring, garbage included.
func (r *Receiver) More() bool {
	_, ok, err := r.entry()
	return ok || err != nil
}

// Datagram tells whether the next message in the ring is a small datagram.
func (r *Receiver) Datagram() bool {
	e, ok, _ := r.entry()
	return ok && e>>12&0xf == kindDatagram
}

// Next takes one message off the ring: header and inline data are copied out and
// the copy is checked. An error is a Violation and ends the connection.
func (r *Receiver) Next(m *Message) (bool, error) {
	for {
		e, ok, err := r.entry()
		if !ok {
			return false, err
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
		case kind == kindDatagram && i == int(r.cells%uint32(r.area.ncells)):
			cl := r.cell(i)
			r.spin.see(atomic.LoadUint32(&cl.CPU))
			m.Reply, m.Detached = false, false
			if err := copyOut(&cl.Msg, &cl.Data, m); err != nil {
				return false, fmt.Errorf("%w in cell %d", err, i)
			}
			if m.HasInfo {
				return false, violation("datagram in cell %d has its data in a section; such a one stands in a slot", i)
			}
			r.head++
			r.cells++
			return true, nil
		default:
			return false, violation("ring entry %d holds kind %d index %d; kinds are %d to %d, slots %d, and the next cell is %d",
				r.head%ringSize, kind, i, kindRequest, kindDetached, r.area.nslots, r.cells%uint32(r.area.ncells))
		}
	}
}

// take copies the message in slot i out. live is false for one whose caller has
// given up: its slot is given back.
func (r *Receiver) take(i, kind int, m *Message) (live bool, err error) {
	sl, sv := r.slot(i), r.served(i)
	if sv.busy.Load() != 0 {
		return false, violation("slot %d was published again while its request of generation %d is being served", i, sv.gen)
	}
	w := atomic.LoadUint64(&sl.Word)
	if w>>genShift != sv.gen+1 {
		return false, violation("slot %d has generation %d, want %d", i, w>>genShift, sv.gen+1)
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
	r.spin.see(atomic.LoadUint32(&sl.CPU))
	if err := copyOut(&sl.Msg, &sl.Data, m); err != nil {
		return false, fmt.Errorf("%w in slot %d", err, i)
	}
	r.expectReply(i)
	m.Reply, m.Detached, m.Slot, m.Gen = kind == kindRequest, kind == kindDetached, i, sv.gen
	sv.busy.Store(1)
	failpoint.At(failpoint.RequestTaken)
	return true, nil
}

// copyOut copies a message out of the channel, checks the copy, and then copies
// as much data as the checked header says.
func copyOut(msg *wire.PortMessage, data *[wire.MaxInline]byte, m *Message) error {
	*m.Header = *msg
	if err := m.Header.Check(); err != nil {
		return violation("message header: %v", err)
	}
	m.Length = int(m.Header.DataLength)
	m.HasInfo = m.Header.DataInfoOffset != 0
	copy(m.Data[:m.Length], data[:m.Length])
	if m.HasInfo {
		m.Info = getDataInfo(m.Data) // of the copy
	}
	return nil
}

// Reply writes the reply into the slot of a message and publishes it. It gives
// ErrAbandoned when the caller did not wait for it.
func (r *Receiver) Reply(slot int, gen uint64, status wire.Status, q *Request) error {
	sl := r.slot(slot)
	fill(&sl.Msg, &sl.Data, q)
	sl.Status = uint32(status)
	sl.CPU = CPU()
	r.served(slot).busy.Store(0) // before the publish: the slot may come back at once
	failpoint.At(failpoint.ReplyWritten)
	want := gen<<genShift | stWaiting
	if !atomic.CompareAndSwapUint64(&sl.Word, want, gen<<genShift|stDone) {
		return r.tooLate(slot, gen)
	}
	pos := atomic.AddUint32(&r.replies.Tail, 1) - 1
	atomic.StoreUint32(&r.hints[pos%hintSize], hint(pos, slot)) // a full fence: then look who sleeps
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
	r.served(slot).busy.Store(0)
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

// Publish tells the peer how far the ring was read, and wakes a sender of
// datagrams that waits for room.
func (r *Receiver) Publish() {
	StoreRelease(&r.progress.Head, r.head)
	if r.given != r.cells {
		r.given = r.cells
		atomic.StoreUint32(&r.progress.Cells, r.cells) // a full fence: then look who waits for room
		r.wake(&r.caller.Room)
	}
}

// Taken counts what was taken off the ring, as last published. The peer can change
// it: it is good for a guess only.
func (r *Receiver) Taken() uint32 { return atomic.LoadUint32(&r.progress.Head) }

// Lag is how many cells were taken and not yet published as free.
func (r *Receiver) Lag() int { return int(r.cells - r.given) }

// Awake says that somebody polls this channel.
func (r *Receiver) Awake() { atomic.StoreUint32(&r.receiver.State, recvAwake) }

// Arm says that nobody polls: the peer rings the doorbell. It looks again and
// tells whether it holds; false: something has come, go on polling.
func (r *Receiver) Arm() bool {
	r.Publish()
	atomic.StoreUint32(&r.receiver.State, recvArmed) // announce; a full fence
	if r.More() {
		atomic.StoreUint32(&r.receiver.State, recvAwake)
		return false
	}
	return true
}

// Entered tells the peer what was taken, before a handler runs.
func (r *Receiver) Entered() { StoreRelease(&r.progress.Head, r.head) }

// Spin polls for the next entry as long as that is likely to pay.
func (r *Receiver) Spin(keepOn func() bool) bool {
	e, ok, err := r.entry()
	if ok || err != nil {
		return true
	}
	return r.spin.untilEntry(&r.ring[r.head%ringSize], e, keepOn)
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
	atomic.StoreUint32(&r.receiver.State, recvFutex) // announce; a full fence
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
