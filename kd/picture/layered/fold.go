package layered

import (
	"cmp"
	"math"
	"slices"
)

// maxFolded is how many edges may go down from one row to the next: more would not be
// followed by anybody.
const maxFolded = 6

// A turn is where a row of columns ends.
type turn struct {
	lanes map[int]float64 // by hop: the height at which it goes back to the left
}

// fold breaks a part that is too wide into rows, one below the other, as a text is
// broken into lines: a ring of many processes. Only between columns with few edges.
func (p *part) fold() {
	p.turns = make([]turn, len(p.columns))
	if p.o.Wrap <= 0 || p.width <= p.o.Wrap {
		return
	}
	between := make([][]int, len(p.columns)) // hops from each column
	for i := range p.hops {
		c := p.items[p.hops[i].from].column
		between[c] = append(between[c], i)
	}
	rows := math.Ceil(p.width / p.o.Wrap)
	room := p.width / rows
	starts := []int{0}
	for c := range p.columns {
		end := p.left[c] + p.breadth[c] - p.left[starts[len(starts)-1]]
		if c+1 < len(p.columns) && len(between[c]) <= maxFolded && end+p.breadth[c+1]/2 > room {
			starts = append(starts, c+1)
		}
	}
	if len(starts) == 1 {
		return
	}
	p.rows(append(starts, len(p.columns)), between)
}

// rows places each row of columns below the last. Edges to the next row have a lane
// each in between: the lowest turns first, so that the others stand around it.
func (p *part) rows(starts []int, between [][]int) {
	y, width, margin := 0.0, 0.0, 0.0
	for i := range len(starts) - 1 {
		from, to := starts[i], starts[i+1]
		x := p.left[from]
		for c := from; c < to; c++ {
			p.left[c] -= x
		}
		p.straighten(from, to)
		p.level(from, to, y)
		bottom := y + p.extent(from, to)
		right := p.left[to-1] + p.breadth[to-1]
		width = max(width, right)
		y = bottom
		if to == len(p.columns) {
			break
		}
		hops := between[to-1]
		slices.SortStableFunc(hops, func(a, b int) int {
			return cmp.Compare(p.items[p.hops[b].from].y+p.hops[b].outY, p.items[p.hops[a].from].y+p.hops[a].outY)
		})
		lanes := map[int]float64{}
		y += p.o.Box
		for _, h := range hops {
			lanes[h] = y
			y += p.o.Lane
		}
		p.turns[to-1].lanes = lanes
		y += p.o.Box
	}
	p.height = y
	width = max(width, p.loops())
	for c, t := range p.turns { // room for what goes around
		for h, lane := range t.lanes {
			a, b := &p.items[p.hops[h].from], &p.items[p.hops[h].to]
			width = max(width, p.left[c]+p.breadth[c]+around(lane-a.y-p.hops[h].outY))
			margin = max(margin, around(b.y+p.hops[h].inY-lane))
		}
	}
	for c := range p.left {
		p.left[c] += margin
	}
	p.width = width + margin
}
