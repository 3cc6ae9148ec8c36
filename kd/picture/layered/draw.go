package layered

import (
	"math"
	"slices"
)

// pack puts the parts in rows, in their order, as wide as gives the picture about the
// shape that is aimed at.
func pack(parts []*part, o Options) (width, height float64) {
	area, widest := 0.0, 0.0
	for _, p := range parts {
		area += (p.width + o.Part) * (p.height + o.Part)
		widest = max(widest, p.width)
	}
	room := max(widest, math.Sqrt(area*o.Aspect))
	x, y, row := 0.0, 0.0, 0.0
	for _, p := range parts {
		if x > 0 && x+p.width > room {
			x, y, row = 0, y+row+o.Part, 0
		}
		p.x, p.y = x, y
		x += p.width + o.Part
		row = max(row, p.height)
		width, height = max(width, p.x+p.width), max(height, p.y+p.height)
	}
	return width, height
}

// draw writes down where everything of the part stands.
func (p *part) draw(out *Layout) {
	for i, n := range p.nodes {
		it := &p.items[i]
		out.At[n] = Point{p.x + p.left[it.column], p.y + it.y}
	}
	for _, e := range p.edges {
		var path []Bend
		if e.from == e.to {
			path = []Bend{{p.right(e.from, e.outY), p.right(e.from, e.inY), p.o.Column / 2}}
		} else {
			for k := range len(e.lanes) + 1 {
				path = append(path, p.bends(e.hop+k)...)
			}
			// Its box may be narrower than others of the column: straight on to its end.
			path = append([]Bend{{From: p.right(e.from, e.outY), To: p.right(e.from, e.outY)}}, path...)
		}
		if e.turned {
			slices.Reverse(path)
			for i := range path {
				path[i].From, path[i].To = path[i].To, path[i].From
			}
		}
		out.Paths[e.number] = path
	}
}

// right is a point on the right side of a box.
func (p *part) right(v int, y float64) Point {
	it := &p.items[v]
	return Point{p.x + p.left[it.column] + it.width, p.y + it.y + y}
}

// bends are those of a hop: one from column to column, two where the next column
// stands in the row below.
func (p *part) bends(number int) []Bend {
	h := &p.hops[number]
	a, b := &p.items[h.from], &p.items[h.to]
	from := Point{p.x + p.left[a.column] + p.breadth[a.column], p.y + a.y + h.outY}
	to := Point{p.x + p.left[b.column], p.y + b.y + h.inY}
	lane, folded := p.turns[a.column].lanes[number]
	if !folded {
		return []Bend{{From: from, To: to}}
	}
	y := p.y + lane
	return []Bend{
		{From: from, To: Point{from.X, y}, Around: around(y - from.Y)},
		{From: Point{to.X, y}, To: to, Around: -around(to.Y - y)},
	}
}

// around is how far a bend goes around: the further, the higher it is, so that one
// stands around the other.
func around(height float64) float64 { return 24 + math.Abs(height)/8 }
