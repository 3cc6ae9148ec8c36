package picture

// style is the picture's own. Colours are chosen so that text has a contrast of 4.5 to
// 1 or more on its ground in both schemes (WCAG 2.1, 1.4.3); cycles differ from other
// waits in width too, doubtful ones in dashes.
const style = `
text{fill:#1f2328}
.ground{fill:#ffffff}
.summary{font-size:14px;font-weight:bold}
.verdict{fill:#cf222e;font-weight:bold}
.note,.dim,.legend{fill:#59636e}
.head{font-size:13px;font-weight:bold}
.frame{fill:#f6f8fa;stroke:#818b98}
.unread .frame{stroke-dasharray:4 3}
.row rect{fill:none}
.row.port rect{fill:#e6eaef}
.row.old rect{fill:#fff1c2}
.row.possible rect,.row.proved rect{fill:#ffdcd7}
.row.possible text,.row.proved text{fill:#82071e}
.row.old text{fill:#633c01}
.box.possible .frame,.box.proved .frame{stroke:#cf222e;stroke-width:2}
.box.possible .frame{stroke-dasharray:6 3}
.edge{fill:none;stroke:#9ea7b1;stroke-width:1}
.edge.wait{stroke:#0969da;stroke-width:1.5}
.edge.wait.old{stroke:#9a6700}
.edge.wait.possible,.edge.wait.proved{stroke:#cf222e;stroke-width:2.5}
.edge.unsure,.edge.wait.possible{stroke-dasharray:6 3}
.arrow{fill:#9ea7b1}
.arrow.wait{fill:#0969da}
.arrow.old{fill:#9a6700}
.arrow.cycle{fill:#cf222e}
@media (prefers-color-scheme:dark){
text{fill:#e6edf3}
.ground{fill:#0d1117}
.verdict{fill:#ff7b72}
.note,.dim,.legend{fill:#9198a1}
.frame{fill:#161b22;stroke:#6e7681}
.row.port rect{fill:#262c36}
.row.old rect{fill:#3d2e00}
.row.possible rect,.row.proved rect{fill:#5d1a1d}
.row.possible text,.row.proved text{fill:#ffc1ba}
.row.old text{fill:#f2cc60}
.box.possible .frame,.box.proved .frame{stroke:#ff7b72}
.edge{stroke:#656c76}
.edge.wait{stroke:#58a6ff}
.edge.wait.old{stroke:#d29922}
.edge.wait.possible,.edge.wait.proved{stroke:#ff7b72}
.arrow{fill:#656c76}
.arrow.wait{fill:#58a6ff}
.arrow.old{fill:#d29922}
.arrow.cycle{fill:#ff7b72}
}
`

// markClass is a mark as a class of the style.
func markClass(m Mark) string { return [...]string{"", " old", " possible", " proved"}[m] }

// arrows are the ends of edges; a marker does not take its edge's colour everywhere.
var arrows = [...]struct {
	id, class string
	size      int
}{{"a0", "arrow", 7}, {"a1", "arrow wait", 6}, {"a2", "arrow old", 6}, {"a3", "arrow cycle", 5}}

// arrow is the id of an edge's end.
func arrow(e *Edge) string {
	switch {
	case e.Kind == Connection:
		return arrows[0].id
	case e.Mark >= Possible:
		return arrows[3].id
	case e.Mark == Old:
		return arrows[2].id
	}
	return arrows[1].id
}

func (d *drawing) markers() {
	d.printf("<defs>\n")
	for _, a := range arrows {
		d.printf("<marker id=\"%s\" viewBox=\"0 0 8 8\" refX=\"7.5\" refY=\"4\" markerWidth=\"%d\" markerHeight=\"%d\" orient=\"auto\"><path class=\"%s\" d=\"M0 0L8 4L0 8z\"/></marker>\n", a.id, a.size, a.size, a.class)
	}
	d.printf("</defs>\n")
}

// legendWidth is that of the longest legend.
const legendWidth = 640

// legend explains the edges, below everything.
func (d *drawing) legend(y float64) {
	x := float64(margin)
	for _, l := range []struct {
		edge Edge
		text string
	}{
		{Edge{Kind: Connection}, "connection"}, {Edge{Kind: Wait}, "waits"}, {Edge{Kind: Wait, Mark: Old}, "for 5 s or more"},
		{Edge{Kind: Wait, Mark: Proved}, "in a deadlock"}, {Edge{Kind: Wait, Mark: Possible}, "in a possible one"},
	} {
		d.printf("<path class=\"edge %s%s\" d=\"M%.1f %.1fh30\" marker-end=\"url(#%s)\"/><text class=\"legend\" x=\"%.1f\" y=\"%.1f\">%s</text>\n", l.edge.Kind, markClass(l.edge.Mark), x, y-4, arrow(&l.edge), x+36, y, l.text)
		x += 36 + float64(len(l.text)+2)*charWidth
	}
}
