package picture

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"

	"github.com/seed-eedd8485/lpc/internal/escape"
	"github.com/seed-eedd8485/lpc/kd/picture/layered"
)

// The measures of the picture, in pixels. The font is named with a width of 0.6 em,
// which monospaced fonts have.
const (
	fontSize  = 12
	charWidth = 7.3
	rowHeight = 20
	headSize  = 26
	pad       = 10
	margin    = 20
	lineSize  = 20 // of what stands above the boxes
	maxText   = 60 // cells of one text; the whole is in its tip
)

var distances = layered.Options{Column: 70, Box: 18, Lane: 11, Part: 32, Aspect: 1.5, Wrap: 2200}

// A drawing is a picture with everything in its place.
type drawing struct {
	p      *Picture
	nodes  []layered.Node
	layout layered.Layout
	top    float64 // of the boxes
	b      strings.Builder
}

// WriteSVG draws the picture. The error is w's.
func (p *Picture) WriteSVG(w io.Writer) error {
	d := &drawing{p: p}
	d.arrange()
	d.document()
	_, err := io.WriteString(w, d.b.String())
	return err
}

// arrange gives the boxes their sizes and places.
func (d *drawing) arrange() {
	for i := range d.p.Boxes {
		box := &d.p.Boxes[i]
		cells := max(escape.Width(short(box.Head))*13/12+1, escape.Width(short(box.Note)))
		for k := range box.Rows {
			cells = max(cells, rowCells(&box.Rows[k]))
		}
		h := float64(headSize + len(box.Rows)*rowHeight)
		if box.Note != "" {
			h += rowHeight
		}
		if len(box.Rows) > 0 {
			h += 4
		}
		d.nodes = append(d.nodes, layered.Node{Width: float64(cells)*charWidth + 2*pad, Height: h})
	}
	edges := make([]layered.Edge, len(d.p.Edges))
	for i := range d.p.Edges {
		e := &d.p.Edges[i]
		edges[i] = layered.Edge{From: e.From, To: e.To, OutY: d.rowY(e.From, e.FromRow), InY: d.rowY(e.To, e.ToRow)}
	}
	d.layout = layered.Lay(d.nodes, edges, distances)
}

// gapCells stand between the two texts of a row.
const gapCells = 2

func rowCells(r *Row) int {
	n := escape.Width(short(r.Text)) + escape.Width(short(r.Dim))
	if r.Text != "" && r.Dim != "" {
		n += gapCells
	}
	return n
}

func short(s string) string { return escape.Cut(s, maxText) }

// rowY is the middle of a row, below the box's upper end; of the head for -1.
func (d *drawing) rowY(box, row int) float64 {
	if row < 0 {
		return headSize / 2
	}
	y := headSize + (float64(row)+0.5)*rowHeight + 1
	if d.p.Boxes[box].Note != "" {
		y += rowHeight
	}
	return y
}

func (d *drawing) printf(format string, args ...any) { fmt.Fprintf(&d.b, format, args...) }

func (d *drawing) document() {
	heads := d.heading()
	d.top = margin + float64(len(heads))*lineSize + 14
	width := d.layout.Width + 2*margin
	for _, h := range heads {
		width = max(width, float64(escape.Width(h.text))*charWidth*h.scale+2*margin)
	}
	width = max(width, legendWidth+2*margin)
	height := d.top + d.layout.Height + 2*margin + lineSize
	d.printf("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n")
	d.printf("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%.0f\" height=\"%.0f\" viewBox=\"0 0 %.0f %.0f\" font-family=\"ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace\" font-size=\"%d\">\n", width, height, width, height, fontSize)
	d.printf("<title>%s</title>\n<style>%s</style>\n", xmlText(d.p.Summary), style)
	d.markers()
	d.printf("<rect class=\"ground\" width=\"100%%\" height=\"100%%\"/>\n")
	for i, h := range heads {
		d.printf("<text class=\"%s\" x=\"%d\" y=\"%d\">%s</text>\n", h.class, margin, margin+i*lineSize+12, xmlText(h.text))
	}
	d.printf("<g transform=\"translate(%d %.1f)\">\n", margin, d.top)
	for _, mark := range []Mark{Plain, Old, Possible, Proved} { // the worst is on top
		for i := range d.p.Edges {
			if d.p.Edges[i].Mark == mark {
				d.edge(i)
			}
		}
	}
	for i := range d.p.Boxes {
		d.box(i)
	}
	d.printf("</g>\n")
	d.legend(height - margin)
	d.printf("</svg>\n")
}

// A headline stands above the boxes.
type headline struct {
	class, text string
	scale       float64
}

func (d *drawing) heading() []headline {
	list := []headline{{"summary", d.p.Summary, 14.0 / fontSize}}
	for _, v := range d.p.Verdicts {
		list = append(list, headline{"verdict", v, 1})
	}
	for _, n := range d.p.Notes {
		list = append(list, headline{"note", n, 1})
	}
	return list
}

// box draws a process with its rows.
func (d *drawing) box(i int) {
	box, at, size := &d.p.Boxes[i], d.layout.At[i], d.nodes[i]
	class := "box" + markClass(box.Mark)
	if box.Note != "" {
		class += " unread"
	}
	d.printf("<g class=\"%s\" id=\"b%d\"><title>%s</title>\n", class, i, xmlText(boxTip(box)))
	d.printf("<rect class=\"frame\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" rx=\"5\"/>\n", at.X, at.Y, size.Width, size.Height)
	d.printf("<text class=\"head\" x=\"%.1f\" y=\"%.1f\">%s</text>\n", at.X+pad, at.Y+headSize-9, xmlText(short(box.Head)))
	if box.Note != "" {
		d.printf("<text class=\"dim\" x=\"%.1f\" y=\"%.1f\">%s</text>\n", at.X+pad, at.Y+headSize+rowHeight-7, xmlText(short(box.Note)))
	}
	for k := range box.Rows {
		d.row(i, k, at, size)
	}
	d.printf("</g>\n")
}

func (d *drawing) row(i, k int, at layered.Point, size layered.Node) {
	r := &d.p.Boxes[i].Rows[k]
	y := at.Y + d.rowY(i, k)
	d.printf("<g class=\"row %s%s\" id=\"b%dr%d\"><title>%s</title>", r.Kind, markClass(r.Mark), i, k, xmlText(strings.TrimSpace(r.Text+"  "+r.Dim+" "+r.Tip)))
	d.printf("<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%d\" rx=\"3\"/>", at.X+3, y-rowHeight/2+1, size.Width-6, rowHeight-2)
	if r.Text != "" {
		d.printf("<text x=\"%.1f\" y=\"%.1f\">%s</text>", at.X+pad, y+4, xmlText(short(r.Text)))
	}
	if r.Dim != "" {
		d.printf("<text class=\"dim\" x=\"%.1f\" y=\"%.1f\" text-anchor=\"end\">%s</text>", at.X+size.Width-pad, y+4, xmlText(short(r.Dim)))
	}
	d.printf("</g>\n")
}

// maxTip bounds the process ids that a box's tip names.
const maxTip = 100

func boxTip(box *Box) string {
	if len(box.Processes) == 1 {
		return box.Head + " " + box.Note
	}
	var b strings.Builder
	b.WriteString(box.Head + ":")
	for i, id := range box.Processes {
		if i == maxTip {
			fmt.Fprintf(&b, " and %d more", len(box.Processes)-i)
			break
		}
		fmt.Fprintf(&b, " %d", id)
	}
	return b.String()
}

// edge draws an edge: bends between the columns, straight lines across them.
func (d *drawing) edge(i int) {
	e, path := &d.p.Edges[i], d.layout.Paths[i]
	class := "edge " + e.Kind.String() + markClass(e.Mark)
	if e.Unsure && e.Kind == Wait {
		class += " unsure"
	}
	var b strings.Builder
	at := path[0].From
	fmt.Fprintf(&b, "M%.1f %.1f", at.X, at.Y)
	for _, c := range path {
		if c.From != at {
			fmt.Fprintf(&b, "L%.1f %.1f", c.From.X, c.From.Y)
		}
		if at = c.To; c.From == c.To {
			continue
		}
		out, in := c.From.X+c.Around*4/3, c.To.X+c.Around*4/3 // a cubic goes three quarters of the way to its controls
		if c.Around == 0 {
			half := (c.To.X - c.From.X) / 2
			out, in = c.From.X+half, c.To.X-half
		}
		fmt.Fprintf(&b, "C%.1f %.1f %.1f %.1f %.1f %.1f", out, c.From.Y, in, c.To.Y, c.To.X, c.To.Y)
	}
	d.printf("<path class=\"%s\" data-from=\"%s\" data-to=\"%s\" d=\"%s\" marker-end=\"url(#%s)\"/>\n", class, end(e.From, e.FromRow), end(e.To, e.ToRow), b.String(), arrow(e))
}

// end is the id of what an edge joins.
func end(box, row int) string {
	if row < 0 {
		return fmt.Sprintf("b%d", box)
	}
	return fmt.Sprintf("b%dr%d", box, row)
}

func xmlText(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s)) // a Builder does not fail
	return b.String()
}
