package census

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/seed-eedd8485/lpc/kd/records"
	"github.com/seed-eedd8485/lpc/waitgraph"
)

// A Census is one look at a target.
type Census struct {
	Now         time.Time // of the target; zero when it does not know
	Processes   []Process // those that have to do with LPC, by id
	Ports       []Port    // that receive, by name and process
	Connections []Connection
	Graph       *waitgraph.Graph
	Cycles      []waitgraph.Cycle
	More        bool     // there are further cycles in the same knots
	Trouble     []string // what could not be read, a sentence each
}

// A Process has ports, connections or threads that wait.
type Process struct {
	ID         uint32
	Image      string
	Unreadable string // why it may not be looked into; "" when it was
}

// A Port is a port that receives: a connection port, or a client's end on which its
// server calls back.
type Port struct {
	Addr       uint64 // 0 where the record is not readable
	Process    uint32 // 0: not known
	Name       string // without `\RPC Control\`; a client's end has its connection port's
	Callback   bool   // a client's end
	Closed     bool   // it takes no more; handlers may still be at work
	Unreadable string // why only the name is known
	Created    uint64 // ticks; with Addr it tells one port from the next in its place

	Connections int           // to a connection port, now
	Queue       int           // messages that wait for a handler
	Oldest      time.Duration // of those and of what is not replied to; negative: none, or not known
	Busy        int           // handlers, or threads, that have a message
	Limit       int           // handlers that may run at once; 0: not recorded
	Deferred    int           // calls whose handler returned, the reply still to come
	Connecting  int           // connection requests not accepted or refused
	Counted     bool          // the three below are counted
	Calls       uint64        // received since it was made
	Datagrams   uint64
	Failures    uint64 // connections ended by a protocol error, calls refused
}

// A Connection is all connections of one process to one port.
type Connection struct {
	Client uint32
	Server uint32
	Port   uint64 // its Addr, 0 where the port is not seen
	Name   string // of the port
	Count  int
}

// Take looks at a target once, and again if there is a cycle to confirm. The target
// must have Objects and Threads. The error is the context's.
func Take(ctx context.Context, r *records.Reader) (*Census, error) {
	k, err := FindCycles(ctx, r)
	if err != nil {
		return nil, err
	}
	return of(k), nil
}

// of joins the look.
func of(k *Cycles) *Census {
	w := k.World
	c := &Census{Now: w.Now, Graph: k.Graph, Cycles: k.Cycles, More: k.More, Trouble: w.Trouble}
	c.ports(w)
	c.connections(w)
	c.processes(w)
	return c
}

func (c *Census) ports(w *records.World) {
	at := map[uint64]int{}
	for _, p := range w.Ports {
		if p.Kind == records.ServerComm {
			continue // its messages stand in its connection port's queue
		}
		at[p.Addr] = len(c.Ports)
		c.Ports = append(c.Ports, Port{
			Addr: p.Addr, Process: p.Process, Name: p.Name(), Callback: p.Kind == records.ClientComm, Closed: p.Flags&(records.FlagDeleted|records.FlagNoName) != 0,
			Created: p.Counts.Created, Connections: int(p.Counts.Connections), Queue: int(p.Queue), Oldest: -1, Limit: p.Limit,
			Counted: p.Counts.Counted, Calls: p.Counts.Calls, Datagrams: p.Counts.Datagrams, Failures: p.Counts.Failures,
		})
	}
	queued := make([]int, len(c.Ports))
	for _, m := range c.Graph.State().Messages {
		i, ok := at[m.Port]
		if !ok {
			continue
		}
		p := &c.Ports[i]
		p.Oldest = max(p.Oldest, m.Age)
		switch {
		case m.State == waitgraph.Queued:
			queued[i]++
		case m.Connect:
			p.Connecting++
		case m.State == waitgraph.Deferred:
			p.Deferred++
		default:
			p.Busy++
		}
	}
	for i := range c.Ports {
		if p := &c.Ports[i]; !p.Counted { // NT's ports count nothing: their lists were walked
			p.Queue = queued[i]
		}
	}
	for _, p := range w.Unread {
		name := records.ShortName(p.Object.Path)
		if name == "" {
			continue // a process without a name for it is in Processes
		}
		q := Port{Name: name, Unreadable: p.Err.Error(), Oldest: -1}
		if proc := w.Process(p.Object.Process); proc != nil {
			q.Process = proc.ID
		}
		c.Ports = append(c.Ports, q)
	}
	slices.SortStableFunc(c.Ports, func(a, b Port) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Process, b.Process), cmp.Compare(a.Addr, b.Addr))
	})
}

// connections counts them by process and port, from the clients' ends, and from the
// server's where the client's cannot be read.
func (c *Census) connections(w *records.World) {
	type key struct {
		client, server uint32
		port           uint64
		name           string
	}
	n := map[key]int{}
	for _, p := range w.Ports {
		if p.Flags&records.FlagDeleted != 0 {
			continue
		}
		var k key
		o := p.Other()
		switch {
		case p.Kind == records.ClientComm:
			k = key{client: p.Process, server: p.Peer, name: p.Name()}
			if o != nil {
				k.server = o.Process
			}
		case p.Kind == records.ServerComm && o == nil && p.Peer != 0:
			k = key{client: p.Peer, server: p.Process, name: p.Name()}
			if q := w.ProcessID(p.Peer); q == nil || q.Err == nil {
				continue // the client is gone, or has no such connection
			}
		default:
			continue
		}
		if s := p.Server(); s != nil {
			k.port, k.name, k.server = s.Addr, s.Name(), s.Process
		}
		if k.server != 0 {
			n[k]++
		}
	}
	for k, count := range n {
		c.Connections = append(c.Connections, Connection{k.client, k.server, k.port, k.name, count})
	}
	slices.SortFunc(c.Connections, func(a, b Connection) int {
		return cmp.Or(cmp.Compare(a.Client, b.Client), cmp.Compare(a.Server, b.Server), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Port, b.Port))
	})
}

// processes keeps those that are named by anything above, and those that may not be
// read: what they have is not known.
func (c *Census) processes(w *records.World) {
	named := map[uint32]bool{}
	for i := range c.Ports {
		named[c.Ports[i].Process] = true
	}
	for _, k := range c.Connections {
		named[k.Client], named[k.Server] = true, true
	}
	for i := range c.Graph.State().Waits {
		named[c.Graph.State().Waits[i].Process] = true
		named[c.Graph.State().Waits[i].Peer] = true
	}
	for _, p := range w.Processes {
		if p.Err != nil && p.ID != 0 {
			named[p.ID] = true
		}
	}
	delete(named, 0)
	for _, p := range w.Processes {
		if !named[p.ID] {
			continue
		}
		delete(named, p.ID)
		q := Process{ID: p.ID, Image: p.Image}
		if p.Err != nil {
			q.Unreadable = p.Err.Error()
		}
		c.Processes = append(c.Processes, q)
	}
	for id := range named {
		c.Processes = append(c.Processes, Process{ID: id, Unreadable: "this target does not show it"})
	}
	slices.SortFunc(c.Processes, func(a, b Process) int { return cmp.Compare(a.ID, b.ID) })
}

// Process is the process with that id.
func (c *Census) Process(id uint32) (Process, bool) {
	i, ok := slices.BinarySearchFunc(c.Processes, id, func(p Process, id uint32) int { return cmp.Compare(p.ID, id) })
	if !ok {
		return Process{}, false
	}
	return c.Processes[i], true
}
