package engine

import (
	"fmt"
	"sync/atomic"
	"time"

	"github.com/seed-eedd8485/lpc/internal/channel"
	"github.com/seed-eedd8485/lpc/internal/pool"
	"github.com/seed-eedd8485/lpc/wire"
)

const (
	inARow      = 16                     // messages from one connection before the next has its turn
	futexAtMost = 200 * time.Millisecond // then the receiver frees its thread and parks in Go
	quietRounds = 64                     // empty looks at several hot channels before all are armed
)

// receive holds the receiver's role until there is nothing hot, or it is replaced,
// which it tells.
func (d *dispatcher) receive(ro *role, th *thread) (gone bool) {
	var spare *Message
	defer func() {
		if spare != nil {
			d.giveBack(spare)
		}
	}()
	for quiet := 0; ; {
		if d.waiting.Load() {
			d.takePending()
		}
		worked := false
		for i := 0; i < len(d.hot); i++ {
			c := d.hot[i]
			got, gone := d.pollConn(c, ro, th, &spare)
			if gone {
				return true // replaced: the other one has the role, the slices and all
			}
			worked = worked || got
			if c.ended() && (!got || c.lastWords()) {
				d.retire(i)
				i--
			} else if ro.full {
				if ro.full = false; d.pause(i) {
					i--
				}
			}
		}
		if worked {
			quiet = 0
			continue
		}
		if quiet++; !d.rest(quiet, th) {
			return false
		}
	}
}

// takePending makes hot what rang. Only the receiver calls it.
func (d *dispatcher) takePending() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.warm()
	d.waiting.Store(false)
}

// warm makes hot what rang. d.mu is held, by the role's holder or while there is none.
func (d *dispatcher) warm() {
	for _, c := range d.pending {
		c.recv.Awake()
	}
	d.hot = append(d.hot, d.pending...)
	d.pending = d.pending[:0]
}

// retire takes an ended connection off the hot ones: its ring was read to the end.
func (d *dispatcher) retire(i int) {
	d.mu.Lock()
	c := d.hot[i]
	d.hot = append(d.hot[:i], d.hot[i+1:]...)
	c.hot, c.retired = false, true
	last := c.active == 0
	d.mu.Unlock()
	if last {
		c.wakeTeardown()
	}
}

// mostActive: so many messages of one connection are received and not finished at
// most. Calls are bounded by their slots; datagrams beyond it stay in the ring, and
// their sender waits for room.
const mostActive = 512

// pause takes a connection with mostActive messages off the hot ones; finish makes it
// hot again. It tells whether it did.
func (d *dispatcher) pause(i int) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	c := d.hot[i]
	if c.active < mostActive || c.ending {
		return false
	}
	d.hot = append(d.hot[:i], d.hot[i+1:]...)
	c.hot, c.paused = false, true
	return true
}

// rest is what the receiver does when nothing came: it polls on, sleeps, or arms
// the channels and gives up its role; false: it gave it up.
func (d *dispatcher) rest(quiet int, th *thread) bool {
	if len(d.hot) == 1 {
		c := d.hot[0]
		if c.recv.Spin(d.undisturbed) {
			return true
		}
		if d.busyElsewhere() && quiet < quietRounds {
			yield()
			return true
		}
		if d.sleepOn(c, th) {
			return true
		}
	} else if len(d.hot) > 1 && quiet < quietRounds {
		yield()
		return true
	}
	return !d.armAll()
}

func (d *dispatcher) undisturbed() bool { return !d.waiting.Load() && !d.busyElsewhere() }

// busyElsewhere: workers have messages to run and want a processor.
func (d *dispatcher) busyElsewhere() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.queueLen > 0
}

// sleepOn sleeps in a futex on the only hot channel. false: it did not, or it slept
// its time out: park in Go.
func (d *dispatcher) sleepOn(c *Conn, th *thread) bool { return d.sleepFor(c, th, futexAtMost) }

func (d *dispatcher) sleepFor(c *Conn, th *thread, most time.Duration) bool {
	d.mu.Lock()
	if len(d.pending) > 0 || c.ending {
		d.mu.Unlock()
		return true
	}
	d.sleepsOn = c
	d.sleepCount++
	d.mu.Unlock()
	start := channel.Ticks()
	th.rec.WaitReason, th.rec.WaitStart = pool.WaitLpcReceive, start
	slept := c.recv.Sleep(most)
	th.rec.WaitReason = pool.WaitNone
	d.mu.Lock()
	d.sleepsOn = nil
	d.mu.Unlock()
	return slept && (channel.Ticks()-start)/channel.TicksPerMicrosecond() < uint64(futexAtMost/time.Microsecond)
}

// armAll arms every hot channel and gives the role up when nothing is left; it
// tells whether it did.
func (d *dispatcher) armAll() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.armLocked()
}

// armLocked is armAll with d.mu held.
func (d *dispatcher) armLocked() bool {
	kept := d.hot[:0]
	for _, c := range d.hot {
		c.hot = false // before arming: a bell that follows makes it pending again
		if c.ending || !c.recv.Arm() {
			c.hot = true
			kept = append(kept, c)
		}
	}
	clear(d.hot[len(kept):])
	d.hot = kept
	if len(d.hot) > 0 || len(d.pending) > 0 {
		return false
	}
	d.role = nil
	return true
}

// pollConn takes up to inARow messages from one connection. gone: the receiver was
// replaced while it ran a handler.
func (d *dispatcher) pollConn(c *Conn, ro *role, th *thread, spare **Message) (got, gone bool) {
	for range inARow {
		if *spare == nil {
			if *spare = d.record(); *spare == nil {
				return got, false // no memory for a record: later
			}
		}
		m := *spare
		ok, err := c.recv.Next(&m.in)
		if err != nil {
			c.fail(fromChannel(err))
			return got, false
		}
		if !ok {
			break
		}
		got = true
		*spare = nil
		if gone = d.deliver(c, m, ro, th, spare); gone {
			return got, true
		}
		if ro.full {
			break
		}
	}
	if got {
		c.recv.Publish()
	}
	return got, false
}

// record takes a message from the free ones or makes one.
func (d *dispatcher) record() *Message {
	d.mu.Lock()
	m := d.popFree()
	d.mu.Unlock()
	if m == nil {
		m, _ = d.newMessage()
	}
	return m
}

func (d *dispatcher) popFree() *Message {
	n := len(d.free)
	if n == 0 {
		return nil
	}
	m := d.free[n-1]
	d.free = d.free[:n-1]
	return m
}

func (d *dispatcher) giveBack(m *Message) {
	d.mu.Lock()
	kept := d.keep(m)
	d.mu.Unlock()
	if !kept {
		d.proc.pool.Free(m.addr)
	}
}

// keep keeps a record for the next message; false: it is the caller's to free. d.mu is
// held.
func (d *dispatcher) keep(m *Message) bool {
	if len(d.free) < maxFreeMessages && !d.over {
		d.free = append(d.free, m)
		return true
	}
	d.messages[m.rec.Index] = nil
	d.holes = append(d.holes, m.rec.Index)
	return false
}

// finished frees the records that nobody uses. The port is gone; those in use are freed
// as they come back.
func (d *dispatcher) finished() {
	d.mu.Lock()
	free := d.free
	d.over, d.free = true, nil
	if d.role == nil || atomic.LoadUint32(&d.role.state) != notInline {
		d.freeSpare() // else who has the role does
	}
	d.mu.Unlock()
	for _, m := range free {
		d.proc.pool.Free(m.addr)
	}
}

// freeSpare frees the record that a manual port's receiver had ready: the port is gone.
// d.mu is held.
func (d *dispatcher) freeSpare() {
	if m := d.spare; m != nil {
		d.spare = nil
		d.proc.pool.Free(m.addr)
	}
}

// deliver stamps a message and runs or queues it.
func (d *dispatcher) deliver(c *Conn, m *Message, ro *role, th *thread, spare **Message) (gone bool) {
	rec, now := m.rec, c.recv.Now()
	m.stamp(c, now)
	use := m.use.Load()
	if m.in.HasInfo {
		if err := c.locate(m); err != nil {
			c.mustFinish(m)
			c.fail(err)
			return false
		}
	}
	c.taken()
	if m.in.Control {
		c.mustFinish(m)
		if m.in.Reply {
			c.fail(fmt.Errorf("%w: a request for the memory of a thread that lists none", ErrProtocol))
		}
		return false
	}
	d.mu.Lock()
	d.book(c, m)
	ro.full = c.active >= mostActive && !c.ending
	*spare = d.popFree()
	h := d.handler
	inline := len(d.hot) == 1 && d.serving < d.most && len(d.pending) == 0 && d.queueLen == 0 && d.refusing == 0 &&
		(!m.in.Reply || d.calm.Load() >= 0 || d.inProgress == 1 && !c.recv.More())
	if !inline {
		d.enqueue(m)
		d.searchMore()
		d.mu.Unlock()
		return false
	}
	rec.State = pool.MessageServed
	rec.ServerThread = th.addr
	channel.StoreRelease64(&ro.began, now)
	channel.StoreRelease(&ro.state, inHandler) // under the lock: who rings later sees it. From here on the channel may be another's
	d.mu.Unlock()
	if !m.in.Reply && !m.in.Detached && h != nil && d.trace == nil {
		return d.runGrams(c, h, Use{m, use, c}, ro, th, now)
	}
	return d.runInline(h, Use{m, use, c}, ro, th, now)
}

// book counts a message that came off c's ring, and puts a request on c's reply chain.
// Message.finish undoes it. d.mu is held.
func (d *dispatcher) book(c *Conn, m *Message) {
	c.active++
	d.live++
	if !m.in.Reply {
		d.rec.Datagrams++
		return
	}
	d.inProgress++
	d.rec.InProgress++
	c.rec.InProgress++
	d.rec.Calls++
	d.proc.pool.InsertTail(c.addr+portReplyChain, m.addr+messageReplyChain)
}

// stamp writes into a received message's record what the receiver knows itself.
func (m *Message) stamp(c *Conn, now uint64) {
	m.conn = c
	rec := m.rec
	rec.Request.ClientID.UniqueProcess = c.peerPID // the kernel's word, not the peer's
	rec.Request.Type &= wire.FlagNoImpersonate
	if m.in.Reply {
		rec.Request.Type |= wire.TypeRequest
	} else {
		rec.Request.Type |= wire.TypeDatagram
		rec.Request.CallbackID = 0
	}
	rec.SenderPort, rec.Channel, rec.PortContext = c.addr, c.number, c.rec.PortContext
	rec.Slot, rec.Generation = uint32(m.in.Slot), m.in.Gen
	rec.ReceiveTime = now
	rec.SectionAddress, rec.SectionLength = 0, 0
}

// taken tells the peer what was taken, before a handler runs: who finds its message
// taken does not ring.
func (c *Conn) taken() {
	if c.recv.Lag() >= publishEvery {
		c.recv.Publish()
	} else {
		c.recv.Entered()
	}
}

// runInline runs the handler on the receiver's goroutine. It tells whether the
// receiver was replaced meanwhile.
func (d *dispatcher) runInline(h Handler, u Use, ro *role, th *thread, now uint64) (gone bool) {
	d.run(h, u, th, now)
	return !atomic.CompareAndSwapUint32(&ro.state, inHandler, notInline)
}

// publishEvery: cells taken before the sender is told that they are free.
const publishEvery = 32
