package layered

import (
	"cmp"
	"slices"
)

// maxSweeps are the passes over the columns that look for an order with few crossings,
// maxHops how many hops they look at in all: a picture of thousands of boxes is not
// made readable by more.
const (
	maxSweeps = 24
	maxHops   = 1 << 20
)

// order orders the items of each column: every pass puts each item at the mean place of
// its neighbours in the column before (the barycentre), to the right and to the left in
// turn, and the best order that was seen is kept.
func (p *part) order() {
	p.rank()
	best, least := p.snapshot(), p.crossings()
	sweeps := min(maxSweeps, max(2, maxHops/(len(p.hops)+1)))
	for i := 0; i < sweeps && least > 0; i++ {
		if i%2 == 0 {
			for c := 1; c < len(p.columns); c++ {
				p.sortColumn(c, true)
			}
		} else {
			for c := len(p.columns) - 2; c >= 0; c-- {
				p.sortColumn(c, false)
			}
		}
		p.swap()
		if n := p.crossings(); n < least {
			best, least = p.snapshot(), n
		}
	}
	p.columns = best
	p.rank()
}

func (p *part) snapshot() [][]int {
	s := make([][]int, len(p.columns))
	for i, c := range p.columns {
		s[i] = slices.Clone(c)
	}
	return s
}

func (p *part) rank() {
	for _, c := range p.columns {
		for i, v := range c {
			p.items[v].rank = i
		}
	}
}

// leftEnd and rightEnd are where a hop's ends stand in their columns: by item, then by
// height within it.
func (p *part) leftEnd(h *hop) float64 {
	return float64(p.items[h.from].rank) + h.outY/(p.items[h.from].height+1)
}

func (p *part) rightEnd(h *hop) float64 {
	return float64(p.items[h.to].rank) + h.inY/(p.items[h.to].height+1)
}

// sortColumn puts the items of a column in the order of their neighbours in the column
// to its left, or to its right. One without neighbours keeps its place.
func (p *part) sortColumn(c int, fromLeft bool) {
	col := p.columns[c]
	mean := make(map[int]float64, len(col))
	for i, v := range col {
		it := &p.items[v]
		sum, n := 0.0, 0
		if fromLeft {
			for _, k := range it.in {
				sum, n = sum+p.leftEnd(&p.hops[k]), n+1
			}
		} else {
			for _, k := range it.out {
				sum, n = sum+p.rightEnd(&p.hops[k]), n+1
			}
		}
		if mean[v] = float64(i); n > 0 {
			mean[v] = sum / float64(n)
		}
	}
	slices.SortStableFunc(col, func(a, b int) int { return cmp.Compare(mean[a], mean[b]) })
	for i, v := range col {
		p.items[v].rank = i
	}
}

// maxSwap bounds the columns in which neighbours are tried in both orders: the cost is
// that of their edges for each pair.
const maxSwap = 200

// swap exchanges neighbours in a column where that saves crossings.
func (p *part) swap() {
	for _, col := range p.columns {
		if len(col) > maxSwap {
			continue
		}
		for i := 0; i+1 < len(col); i++ {
			a, b := col[i], col[i+1]
			if p.between(a, b) > p.between(b, a) {
				col[i], col[i+1] = b, a
				p.items[a].rank, p.items[b].rank = i+1, i
			}
		}
	}
}

// maxPairs bounds the edges of two neighbours that are compared with each other.
const maxPairs = 4096

// between counts the crossings of the edges of two neighbours, a above b.
func (p *part) between(a, b int) (n int) {
	x, y := &p.items[a], &p.items[b]
	if len(x.in)*len(y.in)+len(x.out)*len(y.out) > maxPairs {
		return 0
	}
	for _, i := range x.in {
		for _, k := range y.in {
			if p.leftEnd(&p.hops[i]) > p.leftEnd(&p.hops[k]) {
				n++
			}
		}
	}
	for _, i := range x.out {
		for _, k := range y.out {
			if p.rightEnd(&p.hops[i]) > p.rightEnd(&p.hops[k]) {
				n++
			}
		}
	}
	return n
}

// crossings counts pairs of hops that cross: those whose ends stand in one order on the
// left and in the other on the right, by counting inversions (Barth, Jünger, Mutzel).
func (p *part) crossings() (n int) {
	byColumn := make([][][2]float64, len(p.columns))
	for i := range p.hops {
		h := &p.hops[i]
		c := p.items[h.from].column
		byColumn[c] = append(byColumn[c], [2]float64{p.leftEnd(h), p.rightEnd(h)})
	}
	for _, ends := range byColumn {
		slices.SortFunc(ends, func(a, b [2]float64) int { return cmp.Or(cmp.Compare(a[0], b[0]), cmp.Compare(a[1], b[1])) })
		right := make([]float64, len(ends))
		for i, e := range ends {
			right[i] = e[1]
		}
		n += inversions(right, make([]float64, len(right)))
	}
	return n
}

// inversions counts the pairs in the wrong order, and sorts.
func inversions(v, room []float64) (n int) {
	if len(v) < 2 {
		return 0
	}
	m := len(v) / 2
	n = inversions(v[:m], room[:m]) + inversions(v[m:], room[m:])
	copy(room, v)
	a, b := room[:m], room[m:]
	for i := range v {
		switch {
		case len(b) == 0 || len(a) > 0 && a[0] <= b[0]:
			v[i], a = a[0], a[1:]
		default:
			v[i], b = b[0], b[1:]
			n += len(a)
		}
	}
	return n
}
