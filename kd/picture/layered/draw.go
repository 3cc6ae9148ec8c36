package layered

import "math"

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
		if e.from == e.to {
			it := &p.items[e.from]
			right := p.x + p.left[it.column] + it.width
			out.Paths[e.number] = []Point{{right, p.y + it.y + e.outY}, {right, p.y + it.y + e.inY}}
			continue
		}
		path := []Point{p.right(e.from, e.outY)}
		for _, lane := range e.lanes {
			c := p.items[lane].column
			y := p.y + p.items[lane].y
			path = append(path, Point{p.x + p.left[c], y}, Point{p.x + p.left[c] + p.breadth[c], y})
		}
		to := &p.items[e.to]
		path = append(path, Point{p.x + p.left[to.column], p.y + to.y + e.inY})
		path = p.wide(e.from, path)
		if e.turned {
			for i, k := 0, len(path)-1; i < k; i, k = i+1, k-1 {
				path[i], path[k] = path[k], path[i]
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

// wide leads an edge straight out of its column before it bends: its box may be
// narrower than others of the column.
func (p *part) wide(from int, path []Point) []Point {
	c := p.items[from].column
	end := p.x + p.left[c] + p.breadth[c]
	if end-path[0].X < 1 {
		return path
	}
	return append([]Point{path[0], {path[0].X, path[0].Y}, {end, path[0].Y}}, path[1:]...)
}
