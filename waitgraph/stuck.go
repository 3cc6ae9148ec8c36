package waitgraph

// stuck marks the nodes that cannot go on, if edges of at least that certainty are
// all there is: the greatest set in which
//
//   - a wait's message is stuck,
//   - one of the calls that a message waits for is stuck,
//   - all the messages that a full port serves are stuck.
//
// It begins with everything and takes away what can go on, each node once.
func (g *Graph) stuck(least Certainty) []bool {
	n := len(g.kinds)
	in := make([]bool, n)
	out := make([]int32, n) // edges to nodes that are still in
	heads, links := make([]int32, n), make([]int32, 0, len(g.arcs))
	from := make([]int32, 0, len(g.arcs)) // reversed edges: links[i] is the next of the same target
	for v := range heads {
		heads[v] = -1
		in[v] = true
	}
	for v := range n {
		for a := g.first[v]; a >= 0; a = g.arcs[a].next {
			if g.arcs[a].how < least {
				continue
			}
			to := g.arcs[a].to
			out[v]++
			from, links = append(from, int32(v)), append(links, heads[to])
			heads[to] = int32(len(from) - 1)
		}
	}
	var gone []int32
	leave := func(v int32) {
		in[v] = false
		gone = append(gone, v)
	}
	for v := range n {
		if out[v] == 0 {
			leave(int32(v))
		}
	}
	for len(gone) > 0 {
		v := gone[len(gone)-1]
		gone = gone[:len(gone)-1]
		for r := heads[v]; r >= 0; r = links[r] {
			u := from[r]
			if !in[u] {
				continue
			}
			out[u]--
			if out[u] == 0 || g.kinds[u] == portNode { // one free handler is enough
				leave(u)
			}
		}
	}
	return in
}
