package engine

import (
	"sync/atomic"

	"github.com/seed-eedd8485/lpc/internal/channel"
)

// gramsInARow is how many datagrams are run with one record before the receiver looks
// at other connections again.
const gramsInARow = 64

// runGrams runs the handler of a datagram on the receiver's goroutine, and of those
// that follow it directly in the ring with the same record and without the port's
// lock in between. It tells whether the receiver was replaced meanwhile.
//
// The lock is not needed to enter the next handler: the receiver stores inHandler and
// then looks at waiting; who rings stores waiting and then looks at the state. So
// either the receiver sees that it is wanted, or it is seen in a handler.
func (d *dispatcher) runGrams(c *Conn, h Handler, u Use, ro *role, th *thread, now uint64) (gone bool) {
	m, more := u.M, uint64(0)
	defer func() {
		if more > 0 {
			d.mu.Lock()
			d.rec.Datagrams += more
			d.mu.Unlock()
		}
	}()
	for {
		th.serves(m, now)
		h(u)
		th.served()
		mine := atomic.CompareAndSwapUint32(&ro.state, inHandler, notInline)
		if u.isDeferred() {
			u.leaveDeferred()
			return !mine
		}
		if !u.claim() {
			return !mine // the handler ended it
		}
		if !mine || more == gramsInARow || d.waiting.Load() || c.ended() {
			m.finish()
			return !mine
		}
		ok, err := c.recv.NextDatagram(&m.in)
		if !ok || err != nil || m.in.Control { // which only ports of the native face heed
			m.finish()
			if err != nil {
				c.fail(fromChannel(err))
			}
			return false
		}
		more++
		now = channel.Ticks()
		m.stamp(c, now)
		u.N = m.use.Load()
		c.taken()
		channel.StoreRelease64(&ro.began, now)
		atomic.StoreUint32(&ro.state, inHandler)
		if d.waiting.Load() && atomic.CompareAndSwapUint32(&ro.state, inHandler, notInline) {
			d.mu.Lock()
			d.enqueue(m)
			d.searchMore()
			d.mu.Unlock()
			return false
		}
	}
}
