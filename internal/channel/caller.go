package channel

import (
	"context"
	"errors"
	"fmt"
	"math/bits"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed-eedd8485/lpc/internal/failpoint"
	"github.com/seed-eedd8485/lpc/section"
	"github.com/seed-eedd8485/lpc/wire"
)

// ErrSlotsHeld: every slot of the connection is held by a server that never
// answered the calls whose callers gave up.
var ErrSlotsHeld = errors.New("every slot is held by a peer that never answered")

// ErrAbandoned: the caller of a request gave up before the reply came.
var ErrAbandoned = errors.New("the caller gave up before the reply")

// A Caller is the calling end of one direction of a channel. All methods may be
// called concurrently.
//
// Nothing that it decides on is read from the channel but the word of a slot
// that it owns, and that is compared with the only values that it can mean.
type Caller struct {
	view
	bell func() // wakes the peer's poller: one byte on the control socket, never blocks
	// Waits, where set, is called on the caller's goroutine with its slot when a wait
	// is not over at once. It is set before the first call.
	Waits func(slot int)
	sec   *section.Section
	spin  spinner

	tail atomic.Uint32 // ring positions given out

	busy      [maxSlots / 64]atomic.Uint64 // slots in use
	held      [maxSlots / 64]atomic.Uint64 // of these, given up by their caller and not yet given back by the peer
	heldCount atomic.Int32
	sent      [maxSlots / 64]atomic.Uint64 // of the held ones, datagrams: the peer gives them back in time
	sentCount atomic.Int32
	// reclaiming: one at a time takes held slots back. With two, the second could take
	// the slot of a later call for the one that it has looked at.
	reclaiming sync.Mutex
	chunks     [maxSlots / chunkSlots]atomic.Pointer[[chunkSlots]own]
	freed      chan struct{} // a slot was given back while somebody waited for one
	starving   atomic.Int32  // how many wait for a slot

	down      atomic.Pointer[error] // why the connection ended; nil while it lives
	downCh    chan struct{}
	nudging   atomic.Bool // a look after what was published is under way
	nudger    atomic.Pointer[time.Timer]
	nudgeWait atomic.Int64  // ns until the next look
	nudgeHead atomic.Uint32 // how far the receiver was at the last look

	mu       sync.Mutex // guards what follows: the parked callers and who leads them
	nparked  int
	leading  bool
	leader   *waiter
	hintHead uint32
	stuck    int              // looks at a hint that was announced and not written
	cleanups map[int]Releaser // by held slot: what to do once the peer gives it back

	asleep   atomic.Bool   // the leader sleeps or is about to
	sleepSeq atomic.Uint32 // counts its sleeps

	users atomic.Int32 // of the memory, besides those who hold a slot or the gate
	gone  atomic.Bool  // the memory is about to go

	leave leaver
	grams grams
}

// own is what the calling end itself knows of a slot. gen and pos belong to whoever
// holds the slot's busy bit, parked is guarded by Caller.mu.
type own struct {
	gen    uint64  // generation of its last call
	parked *waiter // who is parked for it
	pos    uint32  // ring position of its last request
}

// chunkSlots: what is known of slots is made so many at a time, when the first of
// them is used, so that a connection with one caller stays small.
const chunkSlots = 8

// own is what is known of slot s.
func (c *Caller) own(s int) *own {
	p := &c.chunks[s/chunkSlots]
	ch := p.Load()
	if ch == nil {
		p.CompareAndSwap(nil, new([chunkSlots]own))
		ch = p.Load()
	}
	return &ch[s%chunkSlots]
}

// NewCaller is the calling end for the client (of requests to the server) or the
// server (of requests to the client). bell must not block.
func NewCaller(s *section.Section, server, local bool, bell func()) *Caller {
	a := &clientToServer
	if server {
		a = &serverToClient
	}
	c := &Caller{view: newView(s.Bytes(), a), bell: bell, sec: s, freed: make(chan struct{}, 1), downCh: make(chan struct{})}
	c.tail.Store(firstPos)
	c.hintHead = firstHint
	c.spin.init(local)
	c.grams.init()
	for i := c.area.nslots; i < maxSlots; i++ {
		c.busy[i/64].Or(1 << (i % 64)) // slots that this direction does not have
		c.held[i/64].Or(1 << (i % 64))
	}
	return c
}

// Down ends the calling end: every waiter returns, with its reply if that is
// there, else with err. Only the first call counts.
func (c *Caller) Down(err error) {
	if !c.down.CompareAndSwap(nil, &err) {
		return
	}
	close(c.downCh)
	c.wakeAll()
}

// Err is why the connection ended, nil while it lives.
func (c *Caller) Err() error {
	if p := c.down.Load(); p != nil {
		return *p
	}
	return nil
}

// Take takes the lowest free slot. alone: no other call is in progress, so the
// caller waits by itself. While all slots are in use by waiting callers it waits
// for one; ErrSlotsHeld when all are held by calls that were given up.
func (c *Caller) Take(ctx context.Context) (s int, alone bool, err error) {
	for waited := false; ; waited = true {
		if c.heldCount.Load() > 0 {
			c.reclaim()
		}
		for w := range c.busy {
			for {
				b := c.busy[w].Load()
				if ^b == 0 {
					break
				}
				bit := ^b & (b + 1) // lowest zero
				if c.busy[w].CompareAndSwap(b, b|bit) {
					if waited {
						c.offer() // one signal may stand for several slots
					}
					if err := c.Err(); err != nil {
						c.busy[w].And(^bit)
						return 0, false, err
					}
					return w*64 + bits.TrailingZeros64(bit), b&^c.held[w].Load() == 0 && c.othersIdle(w), nil
				}
			}
		}
		if err := c.waitSlot(ctx); err != nil {
			c.offer()
			return 0, false, err
		}
	}
}

func (c *Caller) othersIdle(except int) bool {
	for w := range c.busy {
		if w != except && c.busy[w].Load()&^c.held[w].Load() != 0 {
			return false
		}
	}
	return true
}

// alone: at most one call is in progress on this direction.
func (c *Caller) alone() bool {
	n := 0
	for w := range c.busy {
		n += bits.OnesCount64(c.busy[w].Load() &^ c.held[w].Load())
	}
	return n <= 1
}

// Idle: no slot is in use, given-up ones included.
func (c *Caller) Idle() bool {
	for w := range c.busy {
		have := ^uint64(0)
		if n := c.area.nslots - w*64; n < 64 {
			have = 1<<max(n, 0) - 1
		}
		if c.busy[w].Load()&have != 0 {
			return false
		}
	}
	return true
}

func (c *Caller) waitSlot(ctx context.Context) error {
	c.starving.Add(1)
	defer c.starving.Add(-1)
	live := false
	for w := range c.busy {
		if b := c.busy[w].Load(); ^b != 0 {
			return nil // one came free meanwhile
		} else if b&^c.held[w].Load() != 0 {
			live = true
		}
	}
	if !live && c.sentCount.Load() == 0 {
		return fmt.Errorf("%w: all %d slots of the connection", ErrSlotsHeld, c.area.nslots)
	}
	var again <-chan time.Time
	if c.heldCount.Load() > 0 { // the peer gives these back without a word
		t := time.NewTimer(heldAgain)
		defer t.Stop()
		again = t.C
	}
	select {
	case <-c.freed:
		return nil
	case <-again:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-c.downCh:
		return c.Err()
	}
}

// heldAgain is how often a caller that waits for a slot looks at the held ones.
const heldAgain = time.Millisecond

// Release gives a slot back.
func (c *Caller) Release(s int) {
	c.busy[s/64].And(^(uint64(1) << (s % 64)))
	c.offer()
}

// offer has one that waits for a slot look again.
func (c *Caller) offer() {
	if c.starving.Load() > 0 {
		select {
		case c.freed <- struct{}{}:
		default:
		}
	}
}

// hold keeps a slot whose caller gave up until the peer gives it back.
func (c *Caller) hold(s int) {
	c.held[s/64].Or(1 << (s % 64))
	c.heldCount.Add(1)
	c.offer() // it may have been the last call that a waiter could wait for
}

// A Releaser is memory that is given back when the peer can read it no longer.
type Releaser interface{ Release() }

func (c *Caller) setCleanup(s int, f Releaser) {
	if f == nil {
		return
	}
	c.mu.Lock()
	if c.cleanups == nil {
		c.cleanups = map[int]Releaser{}
	}
	c.cleanups[s] = f
	c.mu.Unlock()
}

func (c *Caller) takeCleanup(s int) Releaser {
	c.mu.Lock()
	defer c.mu.Unlock()
	f := c.cleanups[s]
	delete(c.cleanups, s)
	return f
}

// reclaim takes back the held slots that the peer has given back, and tells
// waiters of them.
func (c *Caller) reclaim() {
	if !c.enter() {
		return // nobody holds a slot for the caller yet, so the memory may be gone
	}
	defer c.exit()
	c.reclaiming.Lock()
	defer c.reclaiming.Unlock()
	for s := range c.area.nslots {
		bit := uint64(1) << (s % 64)
		if c.held[s/64].Load()&bit == 0 {
			continue
		}
		if atomic.LoadUint64(&c.slot(s).Word) != c.own(s).gen<<genShift|stFree {
			continue
		}
		c.held[s/64].And(^bit)
		c.heldCount.Add(-1)
		if c.sent[s/64].And(^bit)&bit != 0 {
			c.sentCount.Add(-1)
		}
		if f := c.takeCleanup(s); f != nil {
			f.Release()
		}
		c.Release(s)
	}
}

// A Request is what Post sends.
type Request struct {
	MessageID     uint32
	Thread        uint32 // ClientID.UniqueThread
	Callback      uint64
	NoImpersonate bool // LPC_NO_IMPERSONATE
	Control       bool // for the engine at the other end
	HasInfo       bool // larger data stands where Info says; Data is not used
	Info          wire.DataInfo
	Data          []byte // at most wire.MaxInline bytes
	Short         int    // the last so many bytes of Data, at most 3, are not counted: NT copies in fours
}

// Post writes a request into slot s and publishes it. The publish is a full
// fence: after it, either the receiver sees the entry before it sleeps, or its
// announcement is seen here (PROTOCOL.md, "Park and wake").
func (c *Caller) Post(s int, r *Request) {
	c.put(s, r, stWaiting, kindRequest)
}

// Reserve gives the request that will be posted in slot s its place in the order. It
// must be posted at once: what others post waits behind it. The number is its own
// among the connection's last 2^32.
func (c *Caller) Reserve(s int) uint32 {
	pos := c.tail.Add(1) - 1
	c.own(s).pos = pos
	return pos
}

// put posts in the place that Reserve gave.
func (c *Caller) put(s int, r *Request, state uint64, kind int) {
	sl := c.slot(s)
	o := c.own(s)
	o.gen++
	sl.fill(r, uint16(o.pos))
	StoreRelease64(&sl.Word, o.gen<<genShift|state)
	failpoint.At(failpoint.RequestWritten)
	c.publish(o.pos, kind, s)
	failpoint.At(failpoint.RequestPublished)
}

// Left tells whether the other end says that it has closed the connection: what it said on
// the socket decides. The caller holds a slot.
func (c *Caller) Left() bool { return atomic.LoadUint32(&c.receiver.Gone) != 0 }

// HasLeft is Left for who holds none.
func (c *Caller) HasLeft() bool {
	if !c.enter() {
		return true
	}
	defer c.exit()
	return c.Left()
}

// Posted counts what was sent.
func (c *Caller) Posted() uint32 { return c.tail.Load() }

// Generation of the call in slot s; the caller holds the slot.
func (c *Caller) Generation(s int) uint64 { return c.own(s).gen }

// fill writes a message into a slot; the word that publishes it is the caller's.
// which is the low half of a request's ring position, or a reply's status.
func (s *slot) fill(r *Request, which uint16) {
	n, flags := len(r.Data), uint16(0)
	if r.NoImpersonate {
		flags = flagNoImpersonate
	}
	if r.Control {
		flags |= flagControl
	}
	if r.HasInfo {
		flags |= flagInfo
		n = putDataInfo(&s.Data, &r.Info)
	} else {
		copy(s.Data[:], r.Data)
		n -= r.Short
	}
	s.Sender = uint64(r.MessageID) | uint64(r.Thread)<<32
	s.Callback = r.Callback
	s.Meta = uint64(newMeta(CPU(), which, n, flags))
}

// publish makes a ring entry visible and wakes the receiver if it said that it
// sleeps. Taking the announcement (the swap) makes this the only wake.
func (c *Caller) publish(pos uint32, kind, index int) {
	storeFence(&c.ring[pos%ringSize], entry(pos, kind, index)) // then look who sleeps
	switch atomic.LoadUint32(&c.receiver.State) {
	case recvFutex:
		if atomic.CompareAndSwapUint32(&c.receiver.State, recvFutex, recvAwake) {
			futexWake(&c.receiver.State)
		}
	case recvArmed:
		if atomic.CompareAndSwapUint32(&c.receiver.State, recvArmed, recvAwake) {
			c.bell()
		}
	}
	if kind != kindRequest {
		// A caller looks again before it parks; nobody does for this one. Also after a
		// wake: the receiver may find something else first and sit in its handler.
		c.nudge(pos)
	}
}
