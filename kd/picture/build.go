package picture

import (
	"cmp"
	"slices"

	"github.com/seed-eedd8485/lpc/kd/census"
	"github.com/seed-eedd8485/lpc/waitgraph"
)

// A place is where an edge ends: a row of a box, -1 its head.
type place struct{ box, row int }

// A builder makes pictures of a census.
type builder struct {
	c       *census.Census
	waits   []waiting
	inCycle map[uint32]Mark // by process
	cyclic  map[uint64]Mark // by port
	hasPort map[uint32]bool
	wanted  map[uint64]bool // callback ports that a wait leads to
	serving map[uint64]string

	boxOf  map[uint32]int
	portAt map[uint64]place
	nameAt map[name]place
}

// A name is a port's where its address is not known.
type name struct {
	process uint32
	port    string
}

// A waiting is a thread that waits, with what its other end says.
type waiting struct {
	w    *waitgraph.Wait
	m    *waitgraph.Message // nil: not seen
	mark Mark
}

func newBuilder(c *census.Census) *builder {
	b := &builder{c: c, inCycle: map[uint32]Mark{}, cyclic: map[uint64]Mark{}, hasPort: map[uint32]bool{}, wanted: map[uint64]bool{}, serving: map[uint64]string{}}
	marks := map[*waitgraph.Wait]Mark{}
	for i := range c.Cycles {
		mark := Possible
		if c.Cycles[i].Proved {
			mark = Proved
		}
		for k := range c.Cycles[i].Hops {
			h := &c.Cycles[i].Hops[k]
			marks[h.Wait] = max(marks[h.Wait], mark)
			b.inCycle[h.Wait.Process] = max(b.inCycle[h.Wait.Process], mark)
			to, port := h.Wait.Peer, uint64(0)
			if h.Message != nil {
				to, port = h.Message.Process, h.Message.Port
			}
			b.inCycle[to] = max(b.inCycle[to], mark)
			b.cyclic[port] = max(b.cyclic[port], mark)
		}
	}
	delete(b.cyclic, 0)
	st := c.Graph.State()
	for i := range st.Messages {
		b.serving[st.Messages[i].Ref] = st.Messages[i].PortName
	}
	for i := range st.Waits {
		w := waiting{w: &st.Waits[i], m: c.Graph.Awaits(i), mark: marks[&st.Waits[i]]}
		if w.mark == Plain && w.w.Age >= OldAge {
			w.mark = Old
		}
		if w.m != nil {
			b.wanted[w.m.Port] = true
		}
		b.waits = append(b.waits, w)
	}
	for i := range c.Ports {
		if !c.Ports[i].Callback {
			b.hasPort[c.Ports[i].Process] = true
		}
	}
	return b
}

// build makes the picture of a stage.
func (b *builder) build(s stage, limit int) *Picture {
	p := &Picture{Boxes: b.group(s, limit)}
	b.portAt, b.nameAt = map[uint64]place{}, map[name]place{}
	b.portRows(p, s)
	taken := b.waitRows(p, s)
	b.connectionRows(p, s, taken)
	b.sortBoxes(p)
	return p
}

// target is where a wait leads.
func (b *builder) target(w *waiting) (place, bool) {
	process, port := w.w.Peer, uint64(0)
	if w.m != nil {
		process, port = w.m.Process, w.m.Port
	}
	return b.at(process, port, w.w.PortName)
}

func (b *builder) at(process uint32, port uint64, text string) (place, bool) {
	if at, ok := b.portAt[port]; ok && port != 0 {
		return at, true
	}
	if at, ok := b.nameAt[name{process, text}]; ok {
		return at, true
	}
	box, ok := b.boxOf[process]
	return place{box, -1}, ok
}

// sortBoxes puts what is worst first: parts of the picture stand in the order of their
// first boxes.
func (b *builder) sortBoxes(p *Picture) {
	rank := make([]int, len(p.Boxes)) // by load: what has edges before what has none
	for _, e := range p.Edges {
		weight := 1
		if e.Kind == Wait {
			weight = 1000
		}
		rank[e.From] += weight
		rank[e.To] += weight
	}
	order := make([]int, len(p.Boxes))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(x, y int) int {
		return cmp.Or(cmp.Compare(p.Boxes[y].Mark, p.Boxes[x].Mark), cmp.Compare(rank[y], rank[x]), cmp.Compare(p.Boxes[x].Processes[0], p.Boxes[y].Processes[0]))
	})
	place, boxes := make([]int, len(order)), make([]Box, len(order))
	for i, old := range order {
		place[old], boxes[i] = i, p.Boxes[old]
	}
	p.Boxes = boxes
	for i := range p.Edges {
		p.Edges[i].From, p.Edges[i].To = place[p.Edges[i].From], place[p.Edges[i].To]
	}
}
