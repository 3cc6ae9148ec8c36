package waitgraph

// components numbers the strongly connected components of the nodes in a set, by
// Tarjan's algorithm without recursion: a chain of waits may be long. The second
// result tells by component whether it holds a cycle. Nodes outside have -1.
func (g *Graph) components(in []bool, least Certainty) (of []int32, cyclic []bool) {
	n := len(g.kinds)
	index, low := make([]int32, n), make([]int32, n)
	of = make([]int32, n)
	at := make([]int32, n) // the edge at which a node's visit stands
	onStack := make([]bool, n)
	for v := range n {
		index[v], of[v] = -1, -1
	}
	var stack, path []int32
	count := int32(0)
	enter := func(v int32) {
		index[v], low[v], at[v] = count, count, g.first[v]
		count++
		stack, path = append(stack, v), append(path, v)
		onStack[v] = true
	}
	for root := range n {
		if !in[root] || index[root] >= 0 {
			continue
		}
		enter(int32(root))
	visit:
		for len(path) > 0 {
			v := path[len(path)-1]
			for at[v] >= 0 {
				a := g.arcs[at[v]]
				at[v] = a.next
				switch to := a.to; {
				case !in[to] || a.how < least:
				case index[to] < 0:
					enter(to)
					continue visit
				case onStack[to]:
					low[v] = min(low[v], index[to])
				}
			}
			path = path[:len(path)-1]
			if len(path) > 0 {
				up := path[len(path)-1]
				low[up] = min(low[up], low[v])
			}
			if low[v] != index[v] {
				continue
			}
			size := 0
			for {
				w := stack[len(stack)-1]
				stack = stack[:len(stack)-1]
				onStack[w], of[w] = false, int32(len(cyclic))
				size++
				if w == v {
					break
				}
			}
			cyclic = append(cyclic, size > 1) // no node waits for itself
		}
	}
	return of, cyclic
}
