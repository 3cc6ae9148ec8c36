package waitgraph

// A Link is one line of a chain: a hop and how deep it lies under the first.
type Link struct {
	Hop
	Depth int
	Again bool // this thread stands in the chain already: it ends here
}

// maxLinks bounds a chain: a message can wait for many calls.
const maxLinks = 1000

// Chain follows a thread: what it waits for, what that waits for, and so on. A
// message that waits for several calls opens a branch each; each thread is followed
// once. more tells that the chain was cut, or branches left out. It is empty for a thread that does not
// wait for a reply.
func (g *Graph) Chain(thread uint64) (links []Link, more bool) {
	seen := map[int32]bool{}
	type item struct {
		wait  int32
		depth int
	}
	var todo []item
	for i := range g.s.Waits {
		if g.s.Waits[i].Thread == thread {
			todo = append(todo, item{int32(i), 0})
		}
	}
	for len(todo) > 0 {
		it := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if len(links) == maxLinks {
			return links, true
		}
		if seen[it.wait] {
			links = append(links, Link{Hop: Hop{Wait: &g.s.Waits[it.wait]}, Depth: it.depth, Again: true})
			continue
		}
		seen[it.wait] = true
		ways, ends, cut := g.ways(it.wait)
		more = more || cut
		if len(ways) == 0 {
			h := g.hop(ends)
			h.Next = 0
			links = append(links, Link{Hop: h, Depth: it.depth})
			continue
		}
		links = append(links, Link{Hop: g.hop(ways[0]), Depth: it.depth})
		for i := len(ways) - 1; i >= 0; i-- {
			todo = append(todo, item{ways[i][len(ways[i])-1], it.depth + 1})
		}
	}
	return links, more
}

// maxWays bounds the branches under one wait, but for those of one message or port,
// which are shown together.
const maxWays = 64

// ways are the paths from a wait to the next waits, over whatever lies between; cut
// tells of further ones. Where there is none, end is as far as it goes.
func (g *Graph) ways(wait int32) (ways [][]int32, end []int32, cut bool) {
	prev := map[int32]int32{}
	queue := []int32{wait}
	path := func(v int32) []int32 {
		p := []int32{v}
		for v != wait {
			v = prev[v]
			p = append(p, v)
		}
		for i, j := 0, len(p)-1; i < j; i, j = i+1, j-1 {
			p[i], p[j] = p[j], p[i]
		}
		return p
	}
	last := wait
	for len(queue) > 0 {
		u, full := queue[0], len(ways) >= maxWays
		queue = queue[1:]
		for a := g.first[u]; a >= 0; a = g.arcs[a].next {
			to := g.arcs[a].to
			if _, seen := prev[to]; seen {
				continue
			}
			if g.kinds[to] == waitNode {
				if full {
					return ways, path(last), true
				}
				if to == wait {
					ways = append(ways, append(path(u), wait))
				} else {
					prev[to] = u
					ways = append(ways, path(to))
				}
				continue
			}
			prev[to] = u
			last = to
			queue = append(queue, to)
		}
	}
	return ways, path(last), false
}
