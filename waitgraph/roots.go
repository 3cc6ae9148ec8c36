package waitgraph

import (
	"cmp"
	"slices"
)

// Roots are threads from which chains lead to every thread that waits: first those
// that nobody is seen to wait for, then of each cycle that no chain leads into the
// thread that has waited longest. At most limit are given; more tells of further
// ones.
func (g *Graph) Roots(limit int) (threads []uint64, more bool) {
	n := len(g.s.Waits)
	below := make([]bool, len(g.kinds)) // where a wait, and later a root, leads to
	var todo []int32
	spread := func() {
		for len(todo) > 0 {
			v := todo[len(todo)-1]
			todo = todo[:len(todo)-1]
			for a := g.first[v]; a >= 0; a = g.arcs[a].next {
				if to := g.arcs[a].to; !below[to] {
					below[to] = true
					todo = append(todo, to)
				}
			}
		}
	}
	for v := range n {
		todo = append(todo, int32(v))
		spread()
	}
	awaited := below
	below = make([]bool, len(g.kinds))
	add := func(v int32) {
		if len(threads) == limit {
			more = true
			return
		}
		threads = append(threads, g.s.Waits[v].Thread)
		below[v] = true
		todo = append(todo, v)
		spread()
	}
	var rest []int32
	for v := range n {
		if !awaited[v] {
			add(int32(v))
		} else {
			rest = append(rest, int32(v))
		}
	}
	slices.SortStableFunc(rest, func(a, b int32) int { return cmp.Compare(g.began(a), g.began(b)) })
	for _, v := range rest {
		if !below[v] {
			add(v)
		}
	}
	return threads, more
}
