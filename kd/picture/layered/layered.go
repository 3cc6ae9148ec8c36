package layered

// A Node is a box. Lengths are in the caller's unit; y grows downwards.
type Node struct{ Width, Height float64 }

// An Edge leads from a box to another, or to itself. It leaves and arrives at a height
// below the boxes' upper ends.
type Edge struct {
	From, To  int
	OutY, InY float64
}

// A Point is a place in the picture.
type Point struct{ X, Y float64 }

// A Bend is a part of an edge that is not straight, with level ends.
type Bend struct {
	From, To Point
	// Around is how far it goes around on the right of its ends, or when negative on
	// their left; 0: it goes from one side to the other.
	Around float64
}

// Options are distances.
type Options struct {
	Column float64 // between columns: room for edges to bend
	Box    float64 // between boxes of a column
	Lane   float64 // between an edge that passes and what is beside it
	Part   float64 // between parts that no edge joins
	Aspect float64 // width by height that the packing of parts aims at
	Wrap   float64 // width from which on a long part goes on below itself; 0: never
}

// A Layout is the result.
type Layout struct {
	Width, Height float64
	At            []Point  // upper left corner of each node
	Paths         [][]Bend // of each edge; from bend to bend it is straight
	Crossings     int      // of edges, counted between columns
}

// Lay places the boxes. The edges' From and To must be indexes of nodes. Parts stand in
// the order of their first nodes.
func Lay(nodes []Node, edges []Edge, o Options) Layout {
	out := Layout{At: make([]Point, len(nodes)), Paths: make([][]Bend, len(edges))}
	var parts []*part
	for _, p := range split(nodes, edges) {
		p.o = o
		p.turn()
		p.assign()
		p.order()
		p.place()
		out.Crossings += p.crossings()
		parts = append(parts, p)
	}
	out.Width, out.Height = pack(parts, o)
	for _, p := range parts {
		p.draw(&out)
	}
	return out
}

// A part is nodes that edges join, and the lanes of its edges.
type part struct {
	o     Options
	items []item // the nodes, then the lanes
	nodes []int  // the caller's numbers of the first items
	edges []*route
	hops  []hop // between neighbouring columns; those of a route stand in a row

	from, to int // the columns that are being straightened

	columns [][]int   // items from top to bottom
	left    []float64 // x of each column
	breadth []float64 // of each column
	turns   []turn    // by column: how hops from it to the next go down to another row

	x, y, width, height float64
}

// An item stands in a column: a box, or a lane of an edge that passes.
type item struct {
	width, height float64
	column        int
	rank          int     // place in its column
	y             float64 // upper end
	lane          bool
	out, in       []int // hops to the right and to the left
}

// A route is an edge of the part.
type route struct {
	number   int // the caller's
	from, to int // items; from stands left of to
	outY     float64
	inY      float64
	turned   bool  // it is drawn against its direction
	lanes    []int // items that it passes
	hop      int   // its first; it has one more than lanes
}

// A hop joins two items of neighbouring columns, at heights below their upper ends.
type hop struct {
	from, to  int
	outY, inY float64
	stiff     float64 // how much it wants to be straight
}

// split finds the parts, in the order of their first nodes.
func split(nodes []Node, edges []Edge) (parts []*part) {
	root := make([]int, len(nodes))
	for i := range root {
		root[i] = i
	}
	find := func(v int) int {
		for root[v] != v {
			root[v] = root[root[v]]
			v = root[v]
		}
		return v
	}
	for _, e := range edges {
		a, b := find(e.From), find(e.To)
		root[max(a, b)] = min(a, b)
	}
	of := map[int]*part{}
	index := make([]int, len(nodes))
	for i, n := range nodes {
		r := find(i)
		p := of[r]
		if p == nil {
			p = &part{}
			of[r] = p
			parts = append(parts, p)
		}
		index[i] = len(p.items)
		p.items = append(p.items, item{width: n.Width, height: n.Height})
		p.nodes = append(p.nodes, i)
	}
	for i, e := range edges {
		p := of[find(e.From)]
		p.edges = append(p.edges, &route{number: i, from: index[e.From], to: index[e.To], outY: e.OutY, inY: e.InY})
	}
	return parts
}
