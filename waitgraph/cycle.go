package waitgraph

import (
	"cmp"
	"slices"
)

// A Cycle is threads that wait for each other.
type Cycle struct {
	Hops   []Hop
	Proved bool
	Doubts []string // why it is possible only, one sentence each
	nodes  []int32
	least  Certainty
}

// A Hop is one thread of a cycle or a chain, what it waits for, and how that leads
// to the next.
type Hop struct {
	Wait    *Wait
	Message *Message  // that it waits for, nil when the other end does not show it
	How     Certainty // of the wait
	Port    *Port     // in whose queue the message stands; nil when it is being served
	Busy    *Message  // the served message that the queue, or a lock, waits for
	Busies  int       // how many the port serves
	Next    Certainty // of what leads on, 0 when nothing does
	Why     []string  // sentences, where that is not confirmed
}

// maxCycles bounds the cycles of one knot of threads: each thread of the first
// ones stands in at least one of them.
const maxCycles = 16

// Find gives the cycles, those that are proved first, the oldest first. Of threads
// that are tied in one knot it gives the shortest cycle through each, at most 16,
// and every thread only once. more tells that a knot has further ones.
func (g *Graph) Find() (cycles []Cycle, more bool) {
	proved := g.stuck(Confirmed)
	cycles, more = g.find(proved, nil, Confirmed)
	maybe, also := g.find(g.stuck(Possible), proved, Possible)
	return append(cycles, maybe...), more || also
}

// find gives the cycles in a set of nodes, without those that lie in known.
func (g *Graph) find(in, known []bool, least Certainty) (cycles []Cycle, more bool) {
	of, cyclic := g.components(in, least)
	covered := make([]bool, len(of))
	found := make([]int, len(cyclic))
	waits := make([]int32, 0, 64)
	for v := range g.s.Waits {
		if c := of[v]; c >= 0 && cyclic[c] && (known == nil || !known[v]) {
			waits = append(waits, int32(v))
		}
	}
	slices.SortStableFunc(waits, func(a, b int32) int {
		x, y := &g.s.Waits[a], &g.s.Waits[b]
		return cmp.Or(cmp.Compare(g.began(a), g.began(b)), cmp.Compare(x.Process, y.Process), cmp.Compare(x.Thread, y.Thread))
	})
	for _, v := range waits {
		c := of[v]
		if covered[v] {
			continue
		}
		if found[c] == maxCycles {
			more = true
			continue
		}
		nodes := g.shortest(v, of, least)
		if nodes == nil {
			continue
		}
		found[c]++
		for _, u := range nodes {
			covered[u] = true
		}
		cycles = append(cycles, g.cycle(nodes, least))
	}
	return cycles, more
}

// shortest is the shortest cycle through v within its component, v first.
func (g *Graph) shortest(v int32, of []int32, least Certainty) []int32 {
	prev := map[int32]int32{}
	queue := []int32{v}
	for len(queue) > 0 {
		u := queue[0]
		queue = queue[1:]
		for a := g.first[u]; a >= 0; a = g.arcs[a].next {
			to := g.arcs[a].to
			if g.arcs[a].how < least || of[to] != of[v] {
				continue
			}
			if to == v {
				nodes := []int32{u}
				for u != v {
					u = prev[u]
					nodes = append(nodes, u)
				}
				slices.Reverse(nodes)
				return nodes
			}
			if _, seen := prev[to]; !seen {
				prev[to] = u
				queue = append(queue, to)
			}
		}
	}
	return nil
}

// cycle words the nodes of a cycle, which begins with a wait.
func (g *Graph) cycle(nodes []int32, least Certainty) Cycle {
	c := Cycle{nodes: nodes, least: least, Proved: true}
	for i := 0; i < len(nodes); {
		end := i + 1
		for end < len(nodes) && g.kinds[nodes[end]] != waitNode {
			end++
		}
		next := nodes[0]
		if end < len(nodes) {
			next = nodes[end]
		}
		h := g.hop(append(slices.Clone(nodes[i:end]), next))
		if h.How != Confirmed || h.Next != Confirmed {
			c.Proved = false
		}
		for _, w := range h.Why {
			if !slices.Contains(c.Doubts, w) {
				c.Doubts = append(c.Doubts, w)
			}
		}
		c.Hops = append(c.Hops, h)
		i = end
	}
	return c
}

// hop words the way from one wait to the next.
func (g *Graph) hop(nodes []int32) Hop {
	s := g.s
	h := Hop{Wait: &s.Waits[nodes[0]], How: Confirmed, Next: Confirmed}
	var why []doubt
	unread := false // what lies behind a process that may not be read is not this wait's
	for i, v := range nodes[1:] {
		a := g.between(nodes[i], v)
		if a.how != Confirmed {
			why = append(why, a.why)
			if g.kinds[nodes[i]] == waitNode {
				h.How = a.how
			} else {
				h.Next = min(h.Next, a.how)
			}
		}
		switch g.kinds[v] {
		case messageNode:
			m := &s.Messages[g.refs[v]]
			switch {
			case unread:
			case h.Message == nil:
				h.Message = m
			default:
				h.Busy = m
			}
		case processNode:
			unread = true
		case portNode:
			p := int(g.refs[v])
			h.Port, h.Busies = &s.Ports[p], len(g.busy[p])
		}
	}
	for _, d := range why {
		if t := g.explain(&h, d); t != "" && !slices.Contains(h.Why, t) {
			h.Why = append(h.Why, t)
		}
	}
	return h
}

// between is the best edge from one node to another.
func (g *Graph) between(from, to int32) (best arc) {
	for a := g.first[from]; a >= 0; a = g.arcs[a].next {
		if g.arcs[a].to == to && g.arcs[a].how > best.how {
			best = g.arcs[a]
		}
	}
	return best
}
