package layered

// turn turns edges around until no cycle is left. A walk in depth from the nodes that
// no edge leads to, then from the node with the most edges out of it, turns those that
// lead back to where it came from: of a ring one edge.
func (p *part) turn() {
	n := len(p.nodes)
	out, in := make([][]*route, n), make([]int, n)
	for _, e := range p.edges {
		if e.from != e.to {
			out[e.from] = append(out[e.from], e)
			in[e.to]++
		}
	}
	const (
		fresh = iota
		open
		done
	)
	state := make([]int, n)
	type frame struct{ node, next int }
	walk := func(v int) {
		stack := []frame{{v, 0}}
		state[v] = open
		for len(stack) > 0 {
			f := &stack[len(stack)-1]
			if f.next == len(out[f.node]) {
				state[f.node] = done
				stack = stack[:len(stack)-1]
				continue
			}
			e := out[f.node][f.next]
			f.next++
			switch to := e.to; state[to] {
			case open:
				e.turned = true
			case fresh:
				state[to] = open
				stack = append(stack, frame{to, 0})
			}
		}
	}
	for v := range n {
		if in[v] == 0 && state[v] == fresh {
			walk(v)
		}
	}
	for {
		best := -1
		for v := range n {
			if state[v] == fresh && (best < 0 || len(out[v])-in[v] > len(out[best])-in[best]) {
				best = v
			}
		}
		if best < 0 {
			break
		}
		walk(best)
	}
	for _, e := range p.edges {
		if e.turned {
			e.from, e.to, e.outY, e.inY = e.to, e.from, e.inY, e.outY
		}
	}
}
