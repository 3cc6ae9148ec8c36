package waitgraph

import "sort"

// Certainty is what an edge is worth; a larger one is worth more.
type Certainty uint8

// The certainties.
const (
	Possible Certainty = iota + 1
	Claimed
	Confirmed
)

func (c Certainty) String() string {
	switch c {
	case Possible:
		return "possible"
	case Claimed:
		return "claimed"
	case Confirmed:
		return "confirmed"
	}
	return "unknown"
}

// Kinds of nodes.
type kind uint8

const (
	waitNode    kind = iota // a thread that waits: for its message
	messageNode             // a message: for the calls made on its behalf, or for its port
	portNode                // a port with a queue: for one of the messages that it serves
	hubNode                 // calls of a process, from one start on, whose parent nobody named
	processNode             // a process that may not be read
)

// doubt says why an edge is not confirmed.
type doubt uint8

const (
	sure      doubt = iota
	fresh           // the call names no parent
	unlimited       // the port's limit of handlers is not recorded
	unread          // the process may not be read
	reentered       // the process is on the way already, and its handler does not wait in a call
)

type arc struct {
	to   int32
	how  Certainty
	why  doubt
	next int32 // of the same node, -1: none
}

// A Graph joins the records of a State.
type Graph struct {
	s     *State
	kinds []kind
	refs  []int32 // into the State's slice of that kind
	first []int32 // arc of each node, -1: none
	arcs  []arc

	waitFor   []int32          // message index of each wait, -1: not found
	waiterOf  []int32          // wait index of each message, -1: nobody is seen to wait
	byRef     map[uint64]int32 // message index
	portIndex map[uint64]int
	busy      [][]int32 // served messages by port index
	queued    []int     // by port index
}

// reentrantAge: a handler that has run so long while its process waits for it
// further up may hang on something that lpc does not see. A shorter one is taken
// for at work.
const reentrantAge = 1e9 // ns

// Build joins a state's records. The state must not change any more.
func Build(s *State) *Graph {
	g := &Graph{s: s, byRef: make(map[uint64]int32, len(s.Messages)), portIndex: make(map[uint64]int, len(s.Ports))}
	n := len(s.Waits) + len(s.Messages) + len(s.Ports)
	g.kinds, g.refs, g.first = make([]kind, 0, n), make([]int32, 0, n), make([]int32, 0, n)
	for i := range s.Waits {
		g.node(waitNode, i)
	}
	for i := range s.Messages {
		g.node(messageNode, i)
		g.byRef[s.Messages[i].Ref] = int32(i)
	}
	for i := range s.Ports {
		g.node(portNode, i)
		g.portIndex[s.Ports[i].Addr] = i
	}
	g.match()
	g.portArcs()
	g.parentArcs()
	g.hubArcs()
	g.unreadArcs()
	g.reentrantArcs()
	return g
}

// State is what the graph was built from.
func (g *Graph) State() *State { return g.s }

func (g *Graph) node(k kind, ref int) int32 {
	g.kinds = append(g.kinds, k)
	g.refs = append(g.refs, int32(ref))
	g.first = append(g.first, -1)
	return int32(len(g.kinds) - 1)
}

func (g *Graph) message(i int) int32 { return int32(len(g.s.Waits) + i) }
func (g *Graph) port(i int) int32    { return int32(len(g.s.Waits) + len(g.s.Messages) + i) }

func (g *Graph) arc(from, to int32, how Certainty, why doubt) {
	g.arcs = append(g.arcs, arc{to, how, why, g.first[from]})
	g.first[from] = int32(len(g.arcs) - 1)
}

// match finds each wait's message: by slot and generation, which only one use has,
// or where there are no channels by id, process and thread.
func (g *Graph) match() {
	s := g.s
	byKey := make(map[Key]int32, len(s.Messages))
	type sender struct {
		id, process uint32
		thread      uint64
	}
	byID := map[sender]int32{}
	for i := range s.Messages {
		m := &s.Messages[i]
		if m.Key != (Key{}) {
			byKey[m.Key] = int32(i)
		} else {
			byID[sender{m.ID, m.Sender, m.SenderTID}] = int32(i)
		}
	}
	g.waitFor, g.waiterOf = make([]int32, len(s.Waits)), make([]int32, len(s.Messages))
	for i := range g.waiterOf {
		g.waiterOf[i] = -1
	}
	for i := range s.Waits {
		w := &s.Waits[i]
		m, ok := int32(-1), false
		if w.Key != (Key{}) {
			m, ok = byKey[w.Key]
			ok = ok && s.Messages[m].ID == w.Message && s.Messages[m].Process == w.Peer && s.Messages[m].Sender == w.Process
		} else {
			m, ok = byID[sender{w.Message, w.Process, w.ThreadID}]
		}
		g.waitFor[i] = -1
		if ok {
			g.waitFor[i], g.waiterOf[m] = m, int32(i)
			g.arc(int32(i), g.message(int(m)), Confirmed, sure)
		}
	}
}

// portArcs: what is queued waits for its port, and that for one of the messages
// that its handlers have. A port that may run more handlers is no obstacle.
func (g *Graph) portArcs() {
	s := g.s
	g.busy, g.queued = make([][]int32, len(s.Ports)), make([]int, len(s.Ports))
	for i := range s.Messages {
		p, ok := g.portIndex[s.Messages[i].Port]
		if !ok {
			continue
		}
		switch s.Messages[i].State {
		case Queued:
			g.queued[p]++
		case Served:
			g.busy[p] = append(g.busy[p], int32(i))
		}
	}
	for i := range s.Messages {
		if m := &s.Messages[i]; m.State == Queued {
			if p, ok := g.portIndex[m.Port]; ok {
				g.arc(g.message(i), g.port(p), Confirmed, sure)
			}
		}
	}
	for p := range s.Ports {
		if g.queued[p] == 0 {
			continue
		}
		how, why := Confirmed, sure
		if limit := s.Ports[p].Limit; limit == 0 {
			how, why = Possible, unlimited
		} else if len(g.busy[p]) < limit {
			continue
		}
		for _, m := range g.busy[p] {
			g.arc(g.port(p), g.message(int(m)), how, why)
		}
	}
}

// parentArcs: a message waits for the calls that were made on its behalf.
func (g *Graph) parentArcs() {
	s := g.s
	for i := range s.Waits {
		w := &s.Waits[i]
		if w.Parent == 0 {
			continue
		}
		m, ok := g.byRef[w.Parent]
		if ok && s.Messages[m].ID == w.ParentID && s.Messages[m].Process == w.Process && s.Messages[m].State != Queued {
			g.arc(g.message(int(m)), int32(i), Confirmed, sure)
		}
	}
}

// hubArcs: a call that names no parent may have been made by any handler of its
// process that had begun. Each process has a chain of hubs, one a call in the
// order of their start, so that a message needs one edge only: to the first call
// that began after it.
func (g *Graph) hubArcs() {
	s := g.s
	orphans := map[uint32][]int32{}
	for i := range s.Waits {
		if w := &s.Waits[i]; !w.ParentKnown && w.Parent == 0 && g.began(int32(i)) != 0 {
			orphans[w.Process] = append(orphans[w.Process], int32(i))
		}
	}
	hubs := map[uint32][]int32{}
	for p, list := range orphans {
		sort.Slice(list, func(a, b int) bool { return g.began(list[a]) < g.began(list[b]) })
		chain := make([]int32, len(list))
		for k := len(list) - 1; k >= 0; k-- {
			chain[k] = g.node(hubNode, int(list[k]))
			g.arc(chain[k], list[k], Possible, fresh)
			if k+1 < len(list) {
				g.arc(chain[k], chain[k+1], Possible, fresh)
			}
		}
		hubs[p] = chain
	}
	for i := range s.Messages {
		m := &s.Messages[i]
		if m.State != Served || m.Served == 0 || g.first[g.message(i)] >= 0 {
			continue // it is known what it waits for
		}
		list := orphans[m.Process]
		k := sort.Search(len(list), func(k int) bool { return g.began(list[k]) >= m.Served })
		if k < len(list) {
			g.arc(g.message(i), hubs[m.Process][k], Possible, fresh)
		}
	}
}

// began is the latest tick at which a call can have been made: its wait may be
// stamped late, but its message was received after it was sent. 0: not known.
func (g *Graph) began(wait int32) uint64 {
	start := g.s.Waits[wait].Start
	if m := g.waitFor[wait]; m >= 0 {
		if at := g.s.Messages[m].Received; at != 0 && (start == 0 || at < start) {
			return at
		}
	}
	return start
}

// unreadArcs: who waits for a process that may not be read waits, as far as can be
// seen, for whatever that process waits for: the messages that it has sent.
func (g *Graph) unreadArcs() {
	s := g.s
	nodes := map[uint32]int32{}
	for i := range s.Waits {
		w := &s.Waits[i]
		if p := s.Processes[w.Peer]; g.waitFor[i] >= 0 || p.Unreadable == "" {
			continue
		}
		n, ok := nodes[w.Peer]
		if !ok {
			n = g.node(processNode, int(w.Peer))
			nodes[w.Peer] = n
		}
		g.arc(int32(i), n, Claimed, unread)
	}
	for i := range s.Messages {
		m := &s.Messages[i]
		if n, ok := nodes[m.Sender]; ok && m.Reply {
			g.arc(n, g.message(i), Claimed, unread)
		}
	}
}

// maxAncestors bounds the walk from a message up to those that wait for it.
const maxAncestors = 64

// reentrantArcs: a handler that has run for long without waiting in a call, and on
// behalf of a message of its own process that waits for it, may wait for something
// that the older handler holds: a lock. lpc does not see locks.
func (g *Graph) reentrantArcs() {
	s := g.s
	for i := range s.Messages {
		m := &s.Messages[i]
		if m.State != Served || m.ServedAge < reentrantAge || g.first[g.message(i)] >= 0 {
			continue
		}
		up := int32(i)
		for range maxAncestors {
			w := g.waiterOf[up]
			if w < 0 || s.Waits[w].Parent == 0 {
				break
			}
			older, ok := g.byRef[s.Waits[w].Parent]
			if !ok || s.Messages[older].ID != s.Waits[w].ParentID || older == int32(i) {
				break
			}
			if s.Messages[older].Process == m.Process && s.Messages[older].State == Served {
				g.arc(g.message(i), g.message(int(older)), Possible, reentered)
				break
			}
			up = older
		}
	}
}

// Received tells whether the message that the wait at that index of the State waits
// for is seen at the other end.
func (g *Graph) Received(wait int) bool { return g.waitFor[wait] >= 0 }

// Awaits is the message that the wait at that index of the State waits for, nil where
// the other end does not show it.
func (g *Graph) Awaits(wait int) *Message {
	if m := g.waitFor[wait]; m >= 0 {
		return &g.s.Messages[m]
	}
	return nil
}
