package waitgraph

// identity is what makes a node the same in two looks at a target: the same use of
// the same record.
type identity struct {
	kind  kind
	ref   uint64
	id    uint32
	key   Key
	state MessageState
}

func (g *Graph) identity(v int32) identity {
	s, i := g.s, g.refs[v]
	switch g.kinds[v] {
	case waitNode:
		w := &s.Waits[i]
		return identity{waitNode, w.Thread, w.Message, w.Key, 0}
	case messageNode:
		m := &s.Messages[i]
		return identity{messageNode, m.Ref, m.ID, m.Key, m.State}
	case portNode:
		return identity{kind: portNode, ref: s.Ports[i].Addr}
	case hubNode:
		return identity{hubNode, s.Waits[i].Thread, s.Waits[i].Message, s.Waits[i].Key, 0}
	}
	return identity{kind: processNode, ref: uint64(i)}
}

// Confirm keeps the cycles that a second look at the target sees too: every record
// in the same use, every edge between them, and still no other way to go on. Two
// looks at records that were torn, or that moved on between being read, do not
// agree; a thread that waits for ever does not move.
func (g *Graph) Confirm(cycles []Cycle, second *Graph) []Cycle {
	if len(cycles) == 0 {
		return nil
	}
	nodes := make(map[identity]int32, len(second.kinds))
	for v := range second.kinds {
		nodes[second.identity(int32(v))] = int32(v)
	}
	stuck := map[Certainty][]bool{}
	var kept []Cycle
	for _, c := range cycles {
		if stuck[c.least] == nil {
			stuck[c.least] = second.stuck(c.least)
		}
		if g.seen(&c, second, nodes, stuck[c.least]) {
			kept = append(kept, c)
		}
	}
	return kept
}

func (g *Graph) seen(c *Cycle, second *Graph, nodes map[identity]int32, stuck []bool) bool {
	for i, v := range c.nodes {
		u, ok := nodes[g.identity(v)]
		w, ok2 := nodes[g.identity(c.nodes[(i+1)%len(c.nodes)])]
		if !ok || !ok2 || !stuck[u] || second.between(u, w).how < c.least {
			return false
		}
	}
	return true
}
