package engine

import (
	"encoding/binary"

	"github.com/seed-eedd8485/lpc/internal/channel"
	"github.com/seed-eedd8485/lpc/internal/pool"
	"github.com/seed-eedd8485/lpc/wire"
)

// Control messages: datagrams by which one engine tells the other of a thread. They go
// through the ring, so that they keep their place among the thread's requests.
const (
	controlRegister = 1 // {op, create time}: when the sending thread ends, say so
	controlExit     = 2 // {op}: the sending thread has ended

	// Control requests, to the process of a thread that waits.
	controlRead     = 1 // see native_data.go
	controlWrite    = 2
	controlIdentify = 3 // {op, number}: say on the socket who you are
)

// MostRegistrations of threads through one connection: their last messages are made when
// they register, so that none is lost for want of memory.
const MostRegistrations = 64

// A reserve holds the messages that the end of a connection, and of threads that
// registered, will need.
type reserve struct {
	closed *Message       // PORT_CLOSED
	died   []registration // CLIENT_DIED
}

type registration struct {
	thread uint64
	m      *Message
}

// control takes a control message. A peer that registers too often is not heard: its own
// engine has refused.
func (c *Conn) control(m *Message) {
	d := c.disp
	thread := m.rec.Request.ClientID.UniqueThread
	if m.in.Length < 8 || c.port == nil || !d.manual {
		return
	}
	op, arg := binary.LittleEndian.Uint32(m.rec.Data[:]), uint64(0)
	if m.in.Length >= 16 {
		arg = binary.LittleEndian.Uint64(m.rec.Data[8:])
	}
	switch op {
	case controlRegister:
		if len(c.last.died) >= MostRegistrations {
			return
		}
		if k := d.kernelMessage(c, wire.TypeClientDied, arg); k != nil {
			k.rec.Request.ClientID.UniqueThread = thread
			c.last.died = append(c.last.died, registration{thread, k})
		}
	case controlExit:
		d.mu.Lock()
		defer d.mu.Unlock()
		kept := c.last.died[:0]
		for _, r := range c.last.died {
			if r.thread == thread {
				r.m.rec.ReceiveTime, r.m.rec.PortContext = channel.Ticks(), c.rec.PortContext
				d.enqueue(r.m)
				d.wakeNative()
			} else {
				kept = append(kept, r)
			}
		}
		c.last.died = kept
	}
}

// kernelMessage makes a message that comes from the system: 8 bytes of data, no reply.
func (d *dispatcher) kernelMessage(c *Conn, typ uint16, data uint64) *Message {
	h := wire.PortMessage{Type: typ, ClientID: wire.ClientID{UniqueProcess: c.peerPID}, MessageID: d.proc.nextID()}
	m, err := d.made(h, notice(data), c.addr)
	if err != nil {
		d.proc.pool.RecordFailure(0, pool.TagMessage, "the reserve of a connection")
		return nil
	}
	m.rec.Channel = c.number
	return m
}

// lastMessages are what the queue gets at the end of a connection, in NT's order: of the
// threads that registered, then of the port. d.mu is held.
func (c *Conn) lastMessages() (list []*Message) {
	for _, r := range c.last.died {
		list = append(list, r.m)
	}
	if c.last.closed != nil {
		c.last.closed.rec.Request.ClientID.UniqueThread = c.closer.Load()
		list = append(list, c.last.closed)
	}
	c.last = reserve{}
	now := channel.Ticks()
	for _, m := range list {
		m.rec.ReceiveTime, m.rec.PortContext = now, c.rec.PortContext
	}
	return list
}

// dropReserve gives back what a connection's end did not need. d.mu is not held.
func (c *Conn) dropReserve() {
	d := c.disp
	d.mu.Lock()
	list := c.lastMessages()
	d.mu.Unlock()
	for _, m := range list {
		d.giveBack(m)
	}
}

// Register has the port's owner told when t ends. created is the thread's create time,
// the data of that message. release is called then, once; not where there is an error.
func (c *Conn) Register(t *Thread, created uint64, release func()) error {
	if err := t.begin(); err != nil {
		return err
	}
	defer t.leave()
	t.mu.Lock()
	defer t.mu.Unlock()
	n := 0
	for _, r := range t.registered {
		if r.c == c {
			n++
		}
	}
	if n >= MostRegistrations {
		return ErrQuota
	}
	var b [16]byte
	binary.LittleEndian.PutUint32(b[:], controlRegister)
	binary.LittleEndian.PutUint64(b[8:], created)
	if err := c.tell(t, b[:]); err != nil {
		return err
	}
	t.registered = append(t.registered, connRegistration{c, release})
	return nil
}

// lastWord queues the message about a thread of this process that has ended. The port may
// have gone before it.
func (d *dispatcher) lastWord(m *Message) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.over {
		d.proc.pool.Free(m.addr)
		return
	}
	m.rec.ReceiveTime = channel.Ticks()
	d.enqueue(m)
	d.wakeNative()
}

// tell sends a control message.
func (c *Conn) tell(t *Thread, data []byte) error {
	return c.sendNow(&channel.Request{Thread: uint32(t.cid.UniqueThread), Control: true, Data: data})
}

// Register is Conn.Register for a port of this process.
func (p *Port) Register(t *Thread, created uint64, release func()) error {
	if err := t.begin(); err != nil {
		return err
	}
	defer t.leave()
	m, err := p.disp.made(wire.PortMessage{Type: wire.TypeClientDied, ClientID: t.cid, MessageID: p.proc.nextID()}, notice(created), p.addr)
	if err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.registeredHere = append(t.registeredHere, localRegistration{p, m, release})
	return nil
}

type connRegistration struct {
	c       *Conn
	release func()
}

type localRegistration struct {
	p       *Port
	m       *Message
	release func()
}
