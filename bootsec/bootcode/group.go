package bootcode

// group is the ways to get to an instruction from the same callers, on which
// the code has written the same over itself.
type group struct {
	patch   string    // what was written
	callers [2]uint32 // the innermost first
	states  []*state  // one for each way
	full    bool      // they were joined into one
}

// arrive adds a way to get to n, and returns the state to go on with; nil if
// it brings nothing new. Ways on which the code has written differently over
// itself run different code, and ways with different callers have different
// arguments: they are joined only when there are too many.
func (n *Node) arrive(s *state, m *image) *state {
	for i := range n.groups {
		if n.groups[i].patch == s.patch && n.groups[i].callers == s.callers {
			return n.groups[i].arrive(s, m)
		}
	}
	if len(n.groups) == maxGroups {
		s.patch, s.callers = n.groups[0].patch, n.groups[0].callers
		return n.groups[0].arrive(s, m)
	}
	n.groups = append(n.groups, group{patch: s.patch, callers: s.callers})
	return n.groups[len(n.groups)-1].arrive(s, m)
}

func (g *group) arrive(s *state, m *image) *state {
	if g.full {
		if !g.states[0].join(s, m) {
			return nil
		}
		return g.states[0].clone()
	}
	for _, have := range g.states {
		if have.equal(s) {
			return nil
		}
	}
	g.states = append(g.states, s.clone())
	if len(g.states) <= maxStates {
		return s
	}
	all := g.states[0]
	for _, have := range g.states[1:] {
		all.join(have, m)
	}
	g.states, g.full = g.states[:1], true
	return all.clone()
}
