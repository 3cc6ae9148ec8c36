package records

import (
	"github.com/seed-eedd8485/lpc/target"
)

// Kinds of ports: the low nibble of a port's flags (spec a.2), and the flags above.
const (
	Connection   = 1
	Unconnected  = 2
	ServerComm   = 3
	ClientComm   = 4
	kindMask     = 0xf
	FlagDeleted  = 0x10000000
	FlagNoName   = 0x40000000 // the name was taken back
	pointerFlags = 7          // low bits of a pointer to an object that carry flags
)

// A Port is what is needed of a port object.
type Port struct {
	Addr       uint64
	Object     target.Object
	Flags      uint32
	Kind       uint32
	Process    uint32 // id
	Connection uint64 // connection port, as the record says
	Connected  uint64 // peer, as the record says
	Channel    uint64 // 0: none
	Peer       uint32 // process at the other end, where the record says it
	Limit      int    // handlers at once, 0: not recorded
	Queue      uint64 // messages queued, where the record counts them
	Progress   uint64 // calls received and not replied to
	Counts     Counts
	Err        error

	world *World
}

// Counts are what a port of ours has counted since it was made; all are 0 where the
// record has no such counters.
type Counts struct {
	Counted     bool   // the record has them
	Connections uint32 // of a connection port, now
	Calls       uint64 // received
	Datagrams   uint64 // received
	Failures    uint64 // connections ended by a protocol error, calls refused
	Created     uint64 // ticks: another port in the same place has another time
}

// Name is the port's name as it is called by: its path without `\RPC Control\`. A
// communication port has its connection port's. "" when it is not known.
func (p *Port) Name() string {
	switch {
	case p == nil:
		return ""
	case p.Object.Path != "":
		return ShortName(p.Object.Path)
	case p.Object.Name != "" || p.Kind == Connection:
		return p.Object.Name
	}
	if c := p.Server(); c != nil && c != p {
		return c.Name()
	}
	return ""
}

// Other is the other end of a connection, nil when there is none or it is not seen.
func (p *Port) Other() *Port {
	if o := p.world.PortAt[p.Connected]; o != nil && p.Connected != 0 {
		return o
	}
	if p.Channel == 0 {
		return nil
	}
	for _, o := range p.world.channels[p.Channel] {
		if o != p && o.Kind != p.Kind && o.Process == p.Peer && p.Process == o.Peer {
			return o
		}
	}
	return nil
}

// Server is the connection port that a communication port belongs to, the port
// itself for a connection port, nil when it is not seen.
func (p *Port) Server() *Port {
	if p.Kind == Connection || p.Kind == Unconnected {
		return p
	}
	if c := p.world.PortAt[p.Connection]; c != nil && p.Connection != 0 {
		return c
	}
	if o := p.Other(); o != nil && o.Connection != 0 {
		return p.world.PortAt[o.Connection]
	}
	return nil
}

// Receives is the port in whose queue a message stands that came through this one:
// the connection port for the server's end, the client's end itself.
func (p *Port) Receives() *Port {
	if p.Kind == ServerComm {
		return p.Server()
	}
	return p
}

func (w *World) port(o target.Object) *Port {
	p := &Port{Addr: o.Addr, Object: o, Err: o.Err, world: w}
	if o.Err != nil {
		return p
	}
	r := &w.scratch
	if err := w.into(r, o.Addr, "_LPCP_PORT_OBJECT"); err != nil {
		p.Err = err
		return p
	}
	p.Flags = uint32(r.U("Flags"))
	p.Kind = p.Flags & kindMask
	p.Connection, p.Connected = r.U("ConnectionPort"), r.U("ConnectedPort")
	p.Channel, p.Peer = r.U("Channel"), uint32(r.U("PeerProcess"))
	p.Limit = int(min(r.U("MaxWorkers"), 1<<30))
	p.Queue, p.Progress = r.U("QueueLength"), r.U("InProgress")
	calls, counted := r.Get("Calls")
	p.Counts = Counts{Counted: counted, Connections: uint32(r.U("Connections")), Calls: calls, Datagrams: r.U("Datagrams"), Failures: r.U("Failures"), Created: r.U("Created")}
	if proc := w.processAt[o.Process]; proc != nil {
		p.Process = proc.ID
	} else {
		p.Process = uint32(r.U("Creator.UniqueProcess"))
	}
	return p
}

// AddPort adds a port that the lists do not hold.
func (w *World) AddPort(o target.Object) (*Port, error) {
	p := w.port(o)
	if p.Err != nil {
		return nil, p.Err
	}
	w.PortAt[p.Addr] = p
	return p, nil
}
