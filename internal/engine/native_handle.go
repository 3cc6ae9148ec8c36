package engine

import "github.com/seed-eedd8485/lpc/internal/pool"

// Number is the number of the object's first handle in the process's table.
func (p *Port) Number() uint32 { return uint32(p.handle) }

// Number is the number of the object's first handle in the process's table.
func (c *Conn) Number() uint32 { return c.handle.Load() }

// Duplicate enters the object in the handle table once more.
func Duplicate(o Object, access uint32) (uint32, error) {
	rec, a, pr := record(o)
	h, err := pr.pool.NewHandle(a, access)
	if err == nil {
		d := o.dispatcher()
		d.mu.Lock()
		rec.HandleCount++
		d.mu.Unlock()
	}
	return uint32(h), err
}

// CloseHandle takes a handle of the object out of the table. The object stays.
func CloseHandle(o Object, h uint32) {
	rec, _, pr := record(o)
	pr.pool.CloseHandle(pool.Handle(h))
	d := o.dispatcher()
	d.mu.Lock()
	defer d.mu.Unlock()
	rec.HandleCount--
	switch o := o.(type) {
	case *Port:
		if uint32(o.handle) == h {
			o.handle = 0
		}
	case *Conn:
		o.handle.CompareAndSwap(h, 0) // a call may read it at this moment, for its thread's record
	}
}

func record(o Object) (*pool.PortObject, pool.Addr, *process) {
	switch o := o.(type) {
	case *Port:
		return o.rec, o.addr, o.proc
	case *Conn:
		return o.rec, o.addr, o.proc
	}
	panic("lpc: an object that is neither port nor connection")
}

// CloseBy ends the connection: the handle's last holder, a thread, closed it.
func (c *Conn) CloseBy(t *Thread) {
	c.closing.Store(uint32(t.cid.UniqueThread))
	_ = c.Close()
	c.letGo()
}

// letGo gives up the hold that a program's handle has on the connection's records: they go
// with its teardown, or now if that was first.
func (c *Conn) letGo() {
	c.mu.Lock()
	free := c.unheld
	c.held, c.unheld = false, false
	c.mu.Unlock()
	c.purgeIfLost()
	if free {
		c.freeRecords()
	}
}
