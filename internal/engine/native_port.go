package engine

import (
	"fmt"
	"sync"

	"github.com/seed-eedd8485/lpc/namespace"
	"github.com/seed-eedd8485/lpc/wire"
)

// NativeOptions are those of a port of the native face.
type NativeOptions struct {
	PortOptions
	MaxMessageLength        uint16 // header included
	MaxConnectionInfoLength uint16
	Waitable                bool
	Creator                 wire.ClientID
}

// CreatePort makes a connection port of the native face, or with a nil name an
// unconnected communication port.
func CreatePort(name *namespace.Name, o NativeOptions) (*Port, error) {
	o.native = true
	o.MaxMessage = max(int(o.MaxMessageLength)-wire.HeaderSize, 0)
	o.maxLength, o.maxInfo, o.waitable = o.MaxMessageLength, int(o.MaxConnectionInfoLength), o.Waitable
	p, err := createPort(name, o.PortOptions)
	if err != nil {
		return nil, err
	}
	p.rec.Creator = o.Creator
	if name != nil {
		p.enterNative()
	}
	return p, nil
}

// Receive takes the port's next message for t into dst, and gives its context.
func (p *Port) Receive(t *Thread, limit Limit, dst *Native) (context uint64, err error) {
	return p.disp.receiveFor(t, limit, func() error {
		if p.disp.over || p.disp.stopped {
			return ErrPortClosed
		}
		return nil
	}, dst)
}

// Receive takes the next message for t into dst: at a server's end from the connection
// port's queue, at a client's from its own. Who waits through a server's end whose client
// goes waits on: what comes is the queue's.
func (c *Conn) Receive(t *Thread, limit Limit, dst *Native) (context uint64, err error) {
	if c.server && c.over.Load() {
		return 0, c.Err()
	}
	return c.disp.receiveFor(t, limit, func() error {
		switch {
		case c.server && c.closedHere.Load(), !c.server && c.retired && c.disp.queueLen == 0:
			return c.Err()
		case c.server && c.disp.stopped:
			return fmt.Errorf("%w: the connection port is gone", ErrPortClosed)
		}
		return nil
	}, dst)
}

// Waken has every thread in Receive look whether it still may: the object that it
// receives through was closed.
func Waken(o Object) { o.dispatcher().wakeAllNative() }

// nativePorts are the named ports of the native face that this process has.
var nativePorts struct {
	sync.Mutex
	all map[*Port]struct{}
}

func (p *Port) enterNative() {
	nativePorts.Lock()
	defer nativePorts.Unlock()
	if nativePorts.all == nil {
		nativePorts.all = map[*Port]struct{}{}
	}
	nativePorts.all[p] = struct{}{}
}

// CloseName takes the port's name back and refuses who asks to be let in; connections
// go on. When the last of them is gone the port is. NT: the last handle of a connection
// port was closed.
func (p *Port) CloseName() error {
	conns, half, err := p.unname()
	if conns == nil {
		return nil // it was closed already
	}
	for _, r := range half {
		r.drop(ErrPortClosed)
	}
	loseLocal(p)
	if len(conns) == 0 {
		p.gone()
	} else {
		p.purgeIfLost()
	}
	return err
}

// gone ends a port of the native face that has neither name nor connections.
func (p *Port) gone() {
	nativePorts.Lock()
	delete(nativePorts.all, p)
	nativePorts.Unlock()
	d := p.disp
	d.stop()
	d.wakeAllNative()
	d.purge()
	p.freeOnce()
}

// purge throws the queue away: nobody can receive from it any more.
func (d *dispatcher) purge() {
	var rest, made []*Message
	d.mu.Lock()
	for {
		m := d.dequeue()
		if m == nil {
			break
		}
		if m.conn == nil && m.pending == nil {
			made = append(made, m)
			continue
		}
		rest = append(rest, m)
	}
	d.mu.Unlock()
	for _, m := range made {
		m.finish()
	}
	for _, m := range rest {
		if u := (Use{m, m.use.Load(), m.conn}); m.conn != nil && u.claim() {
			m.finish()
		}
	}
}

// purgeIfLost throws away what nobody can receive any more: of a client's end that was
// closed, or of a port that is lost.
func (c *Conn) purgeIfLost() {
	if c.port != nil {
		c.port.purgeIfLost()
		return
	}
	c.mu.Lock()
	held := c.held
	c.mu.Unlock()
	if !held {
		c.disp.purge()
	}
}

// purgeIfLost throws the queue away of a port whose name is gone and whose connections
// have all ended: else they would wait for what they left in it.
func (p *Port) purgeIfLost() {
	p.mu.Lock()
	lost := p.closed
	for c := range p.conns {
		lost = lost && c.over.Load()
	}
	p.mu.Unlock()
	if lost {
		p.disp.purge()
	}
}

// MaxLength is NT's MaxMessageLength of the connection's port, bytes with the header.
func (c *Conn) MaxLength() int {
	if c.port != nil {
		return int(c.port.opts.maxLength)
	}
	return int(c.maxTotal)
}

// MaxLength is NT's MaxMessageLength of the port.
func (p *Port) MaxLength() int { return int(p.opts.maxLength) }
