package channel

import (
	"context"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/seed-eedd8485/lpc/internal/failpoint"
)

// grams is the sending side of datagrams: cells are a queue, taken in order and
// given back in order by the receiver's progress.
type grams struct {
	lock     gate   // one sender at a time; guards what follows
	sent     uint32 // cells used since the connection began
	seen     uint32 // of these, given back as far as known
	ch       chan struct{}
	asleep   atomic.Bool
	sleepSeq atomic.Uint32
	full     atomic.Bool // who has the lock waits for room; its own to write
}

func (g *grams) init() {
	g.ch = make(chan struct{}, 1)
}

// Send publishes a datagram of at most wire.MaxInline bytes. It waits while the
// receiver has not made room; it does not wait for its delivery. With an Interrupt that is
// set it does not wait for room, nor behind who does.
func (c *Caller) Send(ctx context.Context, r *Request) error {
	g := &c.grams
	if err := c.lockGrams(ctx); err != nil {
		return err
	}
	if g.sent-g.seen >= uint32(c.area.ncells) {
		if err := c.waitRoom(ctx); err != nil {
			g.lock.release()
			return err
		}
	}
	i := int(g.sent % uint32(c.area.ncells))
	cl := c.cell(i)
	pos := c.tail.Add(1) - 1
	cl.fill(r, uint16(pos))
	g.sent++
	failpoint.At(failpoint.GramWritten)
	c.publish(pos, kindDatagram, i)
	failpoint.At(failpoint.GramPublished)
	g.lock.release()
	return nil
}

// lockGrams takes the senders' lock. Who must not wait, and finds it taken by a sender that
// does not wait either, or by Trim, has it soon.
func (c *Caller) lockGrams(ctx context.Context) error {
	g := &c.grams
	for try := 0; ; try++ {
		err := g.lock.acquire(ctx, c)
		if err != ErrInterrupted || g.full.Load() {
			return err
		}
		if try < yields {
			runtime.Gosched()
		} else {
			time.Sleep(10 * time.Microsecond)
		}
	}
}

// room updates seen from the receiver's progress and tells whether a cell is
// free. The receiver's number is believed only between what it said before and
// what was sent.
func (c *Caller) room() bool {
	g := &c.grams
	n := atomic.LoadUint32(&c.progress.Cells)
	if n-g.seen <= g.sent-g.seen {
		g.seen = n
	}
	return g.sent-g.seen < uint32(c.area.ncells)
}

func (c *Caller) waitRoom(ctx context.Context) error {
	defer c.grams.full.Store(false)
	for try := 0; ; try++ {
		if err := c.Err(); err != nil {
			return err
		}
		if c.room() {
			return c.Err() // the other end reads the rest of a ring that ended: room for nobody
		}
		c.grams.full.Store(true)
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		if c.spin.until(c.room, never) {
			return c.Err()
		}
		if try < yields {
			runtime.Gosched()
			continue
		}
		c.nudge(c.tail.Load() - 1)
		c.sleepRoom(ctx)
	}
}

func never() bool { return true }

func (c *Caller) sleepRoom(ctx context.Context) {
	g := &c.grams
	how := uint32(sleepBell)
	if takeFutex() {
		how = sleepFutex
		defer giveFutex()
	}
	var stop func() bool
	if how == sleepFutex && ctx.Done() != nil {
		stop = context.AfterFunc(ctx, func() { c.kickRoom(g.sleepSeq.Load()) })
	}
	g.sleepSeq.Add(1)
	g.asleep.Store(true)
	storeFence(&c.caller.Room, how) // announce
	if !c.room() && c.down.Load() == nil && ctx.Err() == nil {
		if how == sleepFutex {
			futexWait(&c.caller.Room, sleepFutex, 0)
		} else {
			select {
			case <-g.ch:
			case <-ctx.Done():
			case <-c.downCh:
			}
		}
	}
	g.asleep.Store(false)
	atomic.StoreUint32(&c.caller.Room, 0)
	if stop != nil {
		stop()
	}
}

func (g *grams) bell() {
	select {
	case g.ch <- struct{}{}:
	default:
	}
}

// kickRoom wakes the sender that waits for room, until it is awake: see kick.
func (c *Caller) kickRoom(seq uint32) {
	if !c.enter() {
		return
	}
	defer c.exit()
	g := &c.grams
	// The sender that this is for may have gone, and the next one may have announced itself:
	// who wakes behind the store looks again, and announces itself again.
	atomic.StoreUint32(&c.caller.Room, 0)
	futexWake(&c.caller.Room)
	g.bell()
	if g.asleep.Load() && g.sleepSeq.Load() == seq {
		time.AfterFunc(time.Millisecond, func() {
			if g.asleep.Load() && g.sleepSeq.Load() == seq {
				c.kickRoom(seq)
			}
		})
	}
}

// SendDetached publishes a datagram whose data stands in a section. The slot is
// held, and cleanup is put off, until the receiver gives it back.
func (c *Caller) SendDetached(ctx context.Context, r *Request, cleanup Releaser) error {
	s, _, err := c.Take(ctx)
	if err != nil {
		return err
	}
	c.setCleanup(s, cleanup)
	c.Reserve(s)
	c.put(s, r, stDetached, kindDetached)
	c.sent[s/64].Or(1 << (s % 64))
	c.sentCount.Add(1)
	c.hold(s)
	return nil
}
