package layered

import "math"

// passes are how often the columns are moved towards each other.
const passes = 16

// place gives each column its x and each item its y.
func (p *part) place() {
	p.breadth = make([]float64, len(p.columns))
	for c, col := range p.columns {
		for _, v := range col {
			p.breadth[c] = max(p.breadth[c], p.items[v].width)
		}
	}
	p.straighten(0, len(p.columns))
	p.across()
	p.level(0, len(p.columns), 0)
	p.height = p.extent(0, len(p.columns))
	p.fold()
}

// straighten gives the items of some columns their y: close together at first, then
// each column is moved so that the sum of the squares of how far its edges are from
// straight is the least that the order and the distances allow. Edges to other columns
// do not count.
func (p *part) straighten(from, to int) {
	p.from, p.to = from, to
	for _, col := range p.columns[from:to] {
		y := 0.0
		for i, v := range col {
			if i > 0 {
				y += p.gap(col[i-1], v)
			}
			p.items[v].y = y
			y += p.items[v].height
		}
	}
	for i := range passes {
		if i%2 == 0 {
			for c := from + 1; c < to; c++ {
				p.settle(c, true, i >= passes-4)
			}
		} else {
			for c := to - 2; c >= from; c-- {
				p.settle(c, i < passes-4, true)
			}
		}
	}
}

// extent is how high some columns are.
func (p *part) extent(from, to int) float64 {
	top, bottom := math.Inf(1), math.Inf(-1)
	for _, col := range p.columns[from:to] {
		for _, v := range col {
			top, bottom = min(top, p.items[v].y), max(bottom, p.items[v].y+p.items[v].height)
		}
	}
	return bottom - top
}

// level moves some columns so that what stands highest in them is at y.
func (p *part) level(from, to int, y float64) {
	top := math.Inf(1)
	for _, col := range p.columns[from:to] {
		for _, v := range col {
			top = min(top, p.items[v].y)
		}
	}
	for _, col := range p.columns[from:to] {
		for _, v := range col {
			p.items[v].y += y - top
		}
	}
}

// gap is the distance between neighbours of a column.
func (p *part) gap(above, below int) float64 {
	if p.items[above].lane || p.items[below].lane {
		return p.o.Lane
	}
	return p.o.Box
}

// settle moves a column to where its edges to the left, to the right or to both sides
// are straightest: a least squares fit under the order, by pooling neighbours that want
// to pass each other (the pool adjacent violators algorithm).
func (p *part) settle(c int, left, right bool) {
	col := p.columns[c]
	type block struct{ sum, weight, n float64 }
	blocks := make([]block, 0, len(col))
	shift := 0.0 // how far the item stands below the first one if all stand close
	shifts := make([]float64, len(col))
	for i, v := range col {
		if i > 0 {
			shift += p.items[col[i-1]].height + p.gap(col[i-1], v)
		}
		shifts[i] = shift
		want, weight := p.wanted(v, left, right)
		b := block{(want - shift) * weight, weight, 1}
		for len(blocks) > 0 {
			last := blocks[len(blocks)-1]
			if last.sum/last.weight <= b.sum/b.weight {
				break
			}
			b = block{b.sum + last.sum, b.weight + last.weight, b.n + last.n}
			blocks = blocks[:len(blocks)-1]
		}
		blocks = append(blocks, b)
	}
	i := 0
	for _, b := range blocks {
		for range int(b.n) {
			p.items[col[i]].y = b.sum/b.weight + shifts[i]
			i++
		}
	}
}

// wanted is where an item's edges would be straight, and how much that counts.
func (p *part) wanted(v int, left, right bool) (y, weight float64) {
	it := &p.items[v]
	sum := 0.0
	if left {
		for _, k := range it.in {
			if h := &p.hops[k]; p.items[h.from].column >= p.from {
				sum, weight = sum+h.stiff*(p.items[h.from].y+h.outY-h.inY), weight+h.stiff
			}
		}
	}
	if right {
		for _, k := range it.out {
			if h := &p.hops[k]; p.items[h.to].column < p.to {
				sum, weight = sum+h.stiff*(p.items[h.to].y+h.inY-h.outY), weight+h.stiff
			}
		}
	}
	if weight == 0 {
		return it.y, 0.01 // it stays where it is, if nobody pushes
	}
	return sum / weight, weight
}

// across gives the columns their x. Where edges have far to climb, or there are many,
// there is more room for them.
func (p *part) across() {
	p.left = make([]float64, len(p.columns))
	steep := make([]float64, len(p.columns))
	for i := range p.hops {
		h := &p.hops[i]
		climb := math.Abs(p.items[h.to].y + h.inY - p.items[h.from].y - h.outY)
		steep[p.items[h.from].column] = max(steep[p.items[h.from].column], climb)
	}
	x := 0.0
	for c := range p.columns {
		p.left[c] = x
		x += p.breadth[c] + p.o.Column*(1+min(steep[c]/600, 2))
	}
	last := len(p.columns) - 1
	p.width = p.left[last] + p.breadth[last]
	p.width = max(p.width, p.loops())
}

// loops is how far the loops of edges from a box to itself reach to the right.
func (p *part) loops() (x float64) {
	for _, e := range p.edges {
		if e.from == e.to {
			it := &p.items[e.from]
			x = max(x, p.left[it.column]+it.width+p.o.Column/2)
		}
	}
	return x
}
