package layered

import (
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"testing"
)

var options = Options{Column: 70, Box: 18, Lane: 11, Part: 32, Aspect: 1.5, Wrap: 900}

// random is a graph of n nodes in which about so many edges leave each.
func random(n int, degree float64, seed uint64) (nodes []Node, edges []Edge) {
	r := rand.New(rand.NewPCG(seed, 2))
	for range n {
		nodes = append(nodes, Node{Width: 60 + 200*r.Float64(), Height: 30 + 100*r.Float64()})
	}
	for range int(float64(n) * degree) {
		e := Edge{From: r.IntN(n), To: r.IntN(n)}
		e.OutY, e.InY = nodes[e.From].Height*r.Float64(), nodes[e.To].Height*r.Float64()
		edges = append(edges, e)
	}
	return nodes, edges
}

// sound checks a layout: boxes stand apart and inside the picture, every edge begins
// and ends at its boxes, and runs over no box.
func sound(t *testing.T, nodes []Node, edges []Edge, l Layout) {
	t.Helper()
	const slack = 0.01
	for i, a := range l.At {
		if a.X < -slack || a.Y < -slack || a.X+nodes[i].Width > l.Width+slack || a.Y+nodes[i].Height > l.Height+slack {
			t.Fatalf("box %d at %v of %v is not inside %vx%v", i, a, nodes[i], l.Width, l.Height)
		}
		for k := range i {
			b := l.At[k]
			if a.X < b.X+nodes[k].Width && b.X < a.X+nodes[i].Width && a.Y < b.Y+nodes[k].Height && b.Y < a.Y+nodes[i].Height {
				t.Fatalf("boxes %d and %d overlap", k, i)
			}
		}
	}
	for i, e := range edges {
		path := l.Paths[i]
		if len(path) == 0 {
			t.Fatalf("edge %d has no path", i)
		}
		first, last := path[0].From, path[len(path)-1].To
		if d := first.Y - l.At[e.From].Y - e.OutY; d > slack || d < -slack {
			t.Fatalf("edge %d leaves at %v, want %v below %v", i, first, e.OutY, l.At[e.From])
		}
		if d := last.Y - l.At[e.To].Y - e.InY; d > slack || d < -slack {
			t.Fatalf("edge %d arrives at %v, want %v below %v", i, last, e.InY, l.At[e.To])
		}
		if e.From != e.To {
			clear(t, nodes, l, i, path)
		}
	}
}

// clear walks along an edge, through bends and straight parts.
func clear(t *testing.T, nodes []Node, l Layout, edge int, path []Bend) {
	t.Helper()
	free := func(x, y float64) {
		for n, at := range l.At {
			if x > at.X+0.1 && x < at.X+nodes[n].Width-0.1 && y > at.Y+0.1 && y < at.Y+nodes[n].Height-0.1 {
				t.Fatalf("edge %d runs over box %d at %.1f,%.1f", edge, n, x, y)
			}
		}
		if x < -0.1 || y < -0.1 || x > l.Width+0.1 || y > l.Height+0.1 {
			t.Fatalf("edge %d leaves the picture of %.1fx%.1f at %.1f,%.1f", edge, l.Width, l.Height, x, y)
		}
	}
	at := path[0].From
	for _, c := range path {
		if math.Abs(at.Y-c.From.Y) > 0.01 {
			t.Fatalf("edge %d is not level from %v to %v", edge, at, c.From)
		}
		out, in := c.From.X+c.Around*4/3, c.To.X+c.Around*4/3
		if c.Around == 0 {
			half := (c.To.X - c.From.X) / 2
			out, in = c.From.X+half, c.To.X-half
		}
		for s := 1; s < 20; s++ {
			f := float64(s) / 20
			g := 1 - f
			free(at.X+(c.From.X-at.X)*f, at.Y)
			free(g*g*g*c.From.X+3*g*g*f*out+3*g*f*f*in+f*f*f*c.To.X, g*g*g*c.From.Y+3*g*g*f*c.From.Y+3*g*f*f*c.To.Y+f*f*f*c.To.Y)
		}
		at = c.To
	}
}

func TestLay(t *testing.T) {
	for _, n := range []int{1, 2, 3, 10, 50, 120} {
		for _, degree := range []float64{0, 0.3, 1, 2} {
			for seed := range uint64(4) {
				t.Run(fmt.Sprintf("%d nodes %v %d", n, degree, seed), func(t *testing.T) {
					nodes, edges := random(n, degree, seed)
					l := Lay(nodes, edges, options)
					sound(t, nodes, edges, l)
					if again := Lay(nodes, edges, options); !reflect.DeepEqual(l, again) {
						t.Error("the same graph is laid out in another way")
					}
				})
			}
		}
	}
}

func TestLayNothing(t *testing.T) {
	if l := Lay(nil, nil, options); l.Width != 0 || l.Height != 0 {
		t.Errorf("nothing is %vx%v large", l.Width, l.Height)
	}
}

// A tree and a fan can be drawn without a crossing, and are.
func TestNoCrossings(t *testing.T) {
	box := Node{Width: 100, Height: 40}
	var tree, fan []Edge
	nodes := []Node{box}
	for i := 1; i < 63; i++ {
		nodes = append(nodes, box)
		tree = append(tree, Edge{From: i, To: (i - 1) / 2, OutY: 20, InY: 20})
		fan = append(fan, Edge{From: (i*37)%62 + 1, To: 0, OutY: 20, InY: 20})
	}
	for name, edges := range map[string][]Edge{"tree": tree, "fan": fan} {
		if l := Lay(nodes, edges, options); l.Crossings != 0 {
			t.Errorf("%s: %d crossings", name, l.Crossings)
		}
	}
}

// ring is n nodes, each with an edge to the next one and the last with one to the first.
func ring(n int, node Node, edge Edge) (nodes []Node, edges []Edge) {
	for i := range n {
		edge.From, edge.To = i, (i+1)%n
		nodes, edges = append(nodes, node), append(edges, edge)
	}
	return nodes, edges
}

// Of a ring one edge is drawn backwards: it arrives from the right.
func TestRing(t *testing.T) {
	nodes, edges := ring(7, Node{Width: 100, Height: 40}, Edge{OutY: 30, InY: 10})
	flat := options
	flat.Wrap = 0
	l := Lay(nodes, edges, flat)
	sound(t, nodes, edges, l)
	back := 0
	for i := range edges {
		if l.Paths[i][0].From.X > l.Paths[i][len(l.Paths[i])-1].To.X {
			back++
		}
	}
	if back != 1 {
		t.Errorf("%d edges of the ring lead to the left, want 1", back)
	}
}

// A long ring is broken into rows, and no edge leaves the picture.
func TestFold(t *testing.T) {
	for _, n := range []int{3, 10, 61} {
		nodes, edges := ring(n, Node{Width: 300, Height: 60}, Edge{OutY: 50, InY: 30})
		o := options
		o.Wrap = 2000
		l := Lay(nodes, edges, o)
		sound(t, nodes, edges, l)
		if l.Width > 2300 {
			t.Errorf("a ring of %d is %.0f wide, want about 2000", n, l.Width)
		}
	}
}

// A client stands beside its server, also where that is far from the left.
func TestNear(t *testing.T) {
	box := Node{Width: 100, Height: 40}
	nodes := []Node{box, box, box, box, box}
	edges := []Edge{{From: 0, To: 1}, {From: 1, To: 2}, {From: 2, To: 3}, {From: 4, To: 3}}
	l := Lay(nodes, edges, options)
	if l.At[4].X != l.At[2].X {
		t.Errorf("the client stands at %v, want %v", l.At[4].X, l.At[2].X)
	}
}

func TestInversions(t *testing.T) {
	for _, c := range []struct {
		v    []float64
		want int
	}{{nil, 0}, {[]float64{1}, 0}, {[]float64{1, 1}, 0}, {[]float64{2, 1}, 1}, {[]float64{3, 2, 1}, 3}, {[]float64{2, 4, 1, 3, 5}, 3}} {
		if got := inversions(append([]float64{}, c.v...), make([]float64, len(c.v))); got != c.want {
			t.Errorf("%v: %d inversions, want %d", c.v, got, c.want)
		}
	}
}

// Whatever the edges, the layout is sound.
func FuzzLay(f *testing.F) {
	f.Add([]byte{0, 1, 1, 2, 2, 0, 3, 3})
	f.Add([]byte{0, 1, 0, 1, 1, 0, 5, 4, 4, 5})
	f.Fuzz(func(t *testing.T, b []byte) {
		const n = 12
		var nodes []Node
		for i := range n {
			nodes = append(nodes, Node{Width: float64(20 + 13*i), Height: float64(20 + 7*(i%5))})
		}
		var edges []Edge
		for i := 0; i+1 < len(b) && len(edges) < 60; i += 2 {
			from, to := int(b[i])%n, int(b[i+1])%n
			edges = append(edges, Edge{From: from, To: to, OutY: nodes[from].Height / 2, InY: nodes[to].Height / 3})
		}
		sound(t, nodes, edges, Lay(nodes, edges, options))
	})
}

func BenchmarkLay(b *testing.B) {
	for _, n := range []int{50, 500, 5000} {
		nodes, edges := random(n, 1.5, 1)
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for range b.N {
				Lay(nodes, edges, options)
			}
		})
	}
}
