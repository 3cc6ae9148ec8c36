package bootcode

import (
	"encoding/xml"
	"fmt"
	"io"
	"sort"
	"strings"
)

// The measures of the picture, in pixels. The font is named with a width of 0.6
// em, which monospaced fonts have.
const (
	charWidth  = 7.2
	lineHeight = 15
	boxPad     = 6
	boxGap     = 26
	laneWidth  = 9
	margin     = 16
)

// edgeColours are for light backgrounds; the kinds differ in dashes too.
var edgeColours = map[EdgeKind]string{Fall: "#24292f", Taken: "#1a7f37", Called: "#0550ae", Back: "#8c959f", Hook: "#8250df"}

var edgeDashes = map[EdgeKind]string{Called: "6 3", Back: "2 3", Hook: "8 2 2 2"}

// lane is an edge that runs beside the column of boxes.
type lane struct {
	from, to int // index of the blocks
	kind     EdgeKind
	left     bool // upwards edges run on the left
	track    int  // distance from the boxes
}

// WriteSVG draws the flow of control: the blocks in one column in the order of
// their addresses, as in the listing, jumps down on their right, jumps back on
// their left, the shorter the nearer. So nothing crosses a box, however tangled
// the code. The picture needs no script and no other file.
func (c *Code) WriteSVG(w io.Writer) error {
	blocks := c.Blocks()
	index := map[uint32]int{}
	width := 40.0
	rows := make([][]row, len(blocks))
	for i, b := range blocks {
		index[b.Start()] = i
		rows[i] = c.blockRows(b)
		for _, r := range rows[i] {
			width = max(width, float64(len([]rune(r.text())))*charWidth)
		}
	}
	width += 2 * boxPad
	lanes, left, right := layLanes(blocks, index)
	x := float64(margin + (left+1)*laneWidth)
	top := make([]float64, len(blocks))
	y := float64(margin + 2*lineHeight)
	for i := range blocks {
		top[i] = y
		y += float64(len(rows[i])*lineHeight+2*boxPad) + boxGap + float64(len(c.exitsOf(blocks[i]))*lineHeight)
	}
	total := x + width + float64((right+1)*laneWidth) + margin

	var b strings.Builder
	fmt.Fprintf(&b, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%.0f\" height=\"%.0f\" viewBox=\"0 0 %.0f %.0f\" font-family=\"ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace\" font-size=\"12\">\n", total, y+margin, total, y+margin)
	fmt.Fprintf(&b, "<title>Flow of control of the boot code at 0000:%04x</title>\n<rect width=\"100%%\" height=\"100%%\" fill=\"#ffffff\"/>\n<defs>\n", c.Load)
	for _, k := range []EdgeKind{Fall, Taken, Called, Back, Hook} {
		fmt.Fprintf(&b, "<marker id=\"%s\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"7\" markerHeight=\"7\" orient=\"auto-start-reverse\"><path d=\"M0 0L8 4L0 8z\" fill=\"%s\"/></marker>\n", k, edgeColours[k])
	}
	b.WriteString("</defs>\n")
	writeLegend(&b, x)
	for i := range blocks {
		c.writeBox(&b, blocks[i], rows[i], x, top[i], width)
	}
	bottom := func(i int) float64 { return top[i] + float64(len(rows[i])*lineHeight+2*boxPad) }
	writeLanes(&b, lanes, x, width, top, bottom)
	b.WriteString("</svg>\n")
	_, err := io.WriteString(w, b.String())
	return err
}

// layLanes gives each edge that does not lead to the next box a track: short
// edges first, each in the nearest one that is free over its whole length.
func layLanes(blocks []*Block, index map[uint32]int) (lanes []lane, left, right int) {
	for i, b := range blocks {
		for _, e := range b.Out {
			if to, ok := index[e.To]; ok {
				lanes = append(lanes, lane{from: i, to: to, kind: e.Kind, left: to <= i})
			}
		}
	}
	sort.SliceStable(lanes, func(i, j int) bool { return lanes[i].span() < lanes[j].span() })
	var used [2][][]lane
	for i := range lanes {
		l := &lanes[i]
		if l.direct() {
			continue
		}
		side := 0
		if l.left {
			side = 1
		}
		for l.track = 1; ; l.track++ {
			if len(used[side]) < l.track {
				used[side] = append(used[side], nil)
			}
			if free(used[side][l.track-1], *l) {
				used[side][l.track-1] = append(used[side][l.track-1], *l)
				break
			}
		}
	}
	return lanes, len(used[1]), len(used[0])
}

// direct reports an edge that falls into the box below.
func (l lane) direct() bool { return l.to == l.from+1 && l.kind == Fall }

func (l lane) span() int {
	if l.to > l.from {
		return l.to - l.from
	}
	return l.from - l.to
}

// free reports whether a track has room for l: lanes to the same box may share
// it, since they end in the same arrow.
func free(track []lane, l lane) bool {
	lo, hi := min(l.from, l.to), max(l.from, l.to)
	for _, t := range track {
		if min(t.from, t.to) <= hi && lo <= max(t.from, t.to) && (t.to != l.to || t.kind != l.kind) {
			return false
		}
	}
	return true
}

func writeLegend(b *strings.Builder, x float64) {
	y := float64(margin + 4)
	for _, k := range []struct {
		kind EdgeKind
		text string
	}{{Fall, "goes on"}, {Taken, "jump"}, {Called, "call"}, {Back, "return"}, {Hook, "interrupt"}} {
		fmt.Fprintf(b, "<path d=\"M%.1f %.1fh26\" stroke=\"%s\"%s marker-end=\"url(#%s)\"/><text x=\"%.1f\" y=\"%.1f\" fill=\"#57606a\">%s</text>\n", x, y, edgeColours[k.kind], dashes(k.kind), k.kind, x+32, y+4, k.text)
		x += 32 + float64(len(k.text)+3)*charWidth
	}
}

func dashes(k EdgeKind) string {
	if d := edgeDashes[k]; d != "" {
		return fmt.Sprintf(" stroke-dasharray=\"%s\"", d)
	}
	return ""
}

// writeBox draws a block with its instructions, and where it leaves the code.
func (c *Code) writeBox(b *strings.Builder, bl *Block, rows []row, x, y, width float64) {
	height := float64(len(rows)*lineHeight + 2*boxPad)
	fill, line := "#f6f8fa", "#8c959f"
	if bl.Start() == c.Entry() {
		fill, line = "#ddf4ff", "#0550ae"
	}
	fmt.Fprintf(b, "<rect class=\"block\" id=\"b%x\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" rx=\"3\" fill=\"%s\" stroke=\"%s\"/>\n", bl.Start(), x, y, width, height, fill, line)
	for i, r := range rows {
		fmt.Fprintf(b, "<text xml:space=\"preserve\" x=\"%.1f\" y=\"%.1f\"><tspan fill=\"#8c959f\">%s</tspan>  %s", x+boxPad, y+boxPad+float64(i*lineHeight)+12, r.addr, xmlEscape(r.inst))
		if r.note != "" {
			fmt.Fprintf(b, "<tspan fill=\"#1a7f37\">  ; %s</tspan>", xmlEscape(r.note))
		}
		b.WriteString("</text>\n")
	}
	for i, exit := range c.exitsOf(bl) {
		fmt.Fprintf(b, "<text class=\"exit\" x=\"%.1f\" y=\"%.1f\" fill=\"#cf222e\">→ %s</text>\n", x+boxPad, y+height+float64((i+1)*lineHeight), xmlEscape(exit))
	}
}

// writeLanes draws the edges: straight down to the next box, else out of the
// box's lower end, along the lane, and into the upper end of the target.
func writeLanes(b *strings.Builder, lanes []lane, x, width float64, top []float64, bottom func(int) float64) {
	for _, l := range lanes {
		var path string
		switch {
		case l.direct():
			path = fmt.Sprintf("M%.1f %.1fV%.1f", x+width/2, bottom(l.from), top[l.to])
		default:
			edge, out := x+width, x+width+float64(l.track*laneWidth)
			if l.left {
				edge, out = x, x-float64(l.track*laneWidth)
			}
			path = fmt.Sprintf("M%.1f %.1fH%.1fV%.1fH%.1f", edge, bottom(l.from)-5, out, top[l.to]+7, edge)
		}
		fmt.Fprintf(b, "<path class=\"edge\" d=\"%s\" fill=\"none\" stroke=\"%s\"%s marker-end=\"url(#%s)\"/>\n", path, edgeColours[l.kind], dashes(l.kind), l.kind)
	}
}

func xmlEscape(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s)) // a Builder does not fail
	return b.String()
}
