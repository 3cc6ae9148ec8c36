package layered

import "slices"

// assign gives each node a column: behind all that lead to it, and then as near as it
// can be to what it has most edges with. Edges get a lane in each column between.
func (p *part) assign() {
	n := len(p.nodes)
	out, in := make([][]int, n), make([][]int, n)
	for _, e := range p.edges {
		if e.from != e.to {
			out[e.from], in[e.to] = append(out[e.from], e.to), append(in[e.to], e.from)
		}
	}
	topo := make([]int, 0, n)
	wait := make([]int, n)
	for v := range n {
		if wait[v] = len(in[v]); wait[v] == 0 {
			topo = append(topo, v)
		}
	}
	column := make([]int, n)
	for i := 0; i < len(topo); i++ {
		v := topo[i]
		for _, to := range out[v] {
			column[to] = max(column[to], column[v]+1)
			if wait[to]--; wait[to] == 0 {
				topo = append(topo, to)
			}
		}
	}
	pull(topo, out, in, column)
	most := 0
	for v := range n {
		p.items[v].column = column[v]
		most = max(most, column[v])
	}
	p.columns = make([][]int, most+1)
	for _, v := range topo {
		p.columns[column[v]] = append(p.columns[column[v]], v)
	}
	for _, e := range p.edges {
		p.hopsOf(e)
	}
}

// pull moves nodes within the room that their neighbours leave: a client beside the
// server that it calls, not at the far left.
func pull(topo []int, out, in [][]int, column []int) {
	for range 4 {
		for _, v := range slices.Backward(topo) {
			if len(out[v]) <= len(in[v]) {
				continue
			}
			to := column[out[v][0]]
			for _, w := range out[v] {
				to = min(to, column[w])
			}
			column[v] = to - 1
		}
		for _, v := range topo {
			if len(in[v]) <= len(out[v]) {
				continue
			}
			at := 0
			for _, w := range in[v] {
				at = max(at, column[w]+1)
			}
			column[v] = at
		}
	}
	least := column[topo[0]]
	for _, v := range topo {
		least = min(least, column[v])
	}
	for _, v := range topo {
		column[v] -= least
	}
}

// How much a hop wants to be straight: the lane of a long edge most.
const (
	boxToBox   = 1
	boxToLane  = 2
	laneToLane = 8
)

// hopsOf cuts an edge into hops over its lanes.
func (p *part) hopsOf(e *route) {
	if e.from == e.to {
		return
	}
	e.hop = len(p.hops)
	prev, y := e.from, e.outY
	for c := p.items[e.from].column + 1; c < p.items[e.to].column; c++ {
		lane := len(p.items)
		p.items = append(p.items, item{column: c, lane: true})
		p.columns[c] = append(p.columns[c], lane)
		e.lanes = append(e.lanes, lane)
		p.hop(prev, lane, y, 0)
		prev, y = lane, 0
	}
	p.hop(prev, e.to, y, e.inY)
}

func (p *part) hop(from, to int, outY, inY float64) {
	h := hop{from: from, to: to, outY: outY, inY: inY, stiff: boxToBox}
	switch a, b := p.items[from].lane, p.items[to].lane; {
	case a && b:
		h.stiff = laneToLane
	case a || b:
		h.stiff = boxToLane
	}
	p.items[from].out = append(p.items[from].out, len(p.hops))
	p.items[to].in = append(p.items[to].in, len(p.hops))
	p.hops = append(p.hops, h)
}
