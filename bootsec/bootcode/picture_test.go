package bootcode

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"testing"

	"github.com/seed-eedd8485/lpc/bootsec/boottest"
	"github.com/seed-eedd8485/lpc/internal/golden"
	"github.com/seed-eedd8485/lpc/internal/needs"
)

// element is what the tests read of an SVG element.
type element struct {
	name, class, id     string
	x, y, width, height float64
	path                string
}

// readSVG returns the elements of a picture, which must be well-formed.
func readSVG(t *testing.T, svg []byte) []element {
	t.Helper()
	var out []element
	d := xml.NewDecoder(bytes.NewReader(svg))
	for {
		tok, err := d.Token()
		if err == io.EOF {
			return out
		}
		if err != nil {
			t.Fatalf("the picture is not well-formed: %v", err)
		}
		s, ok := tok.(xml.StartElement)
		if !ok {
			continue
		}
		e := element{name: s.Name.Local}
		for _, a := range s.Attr {
			switch a.Name.Local {
			case "class":
				e.class = a.Value
			case "id":
				e.id = a.Value
			case "d":
				e.path = a.Value
			case "x", "y", "width", "height":
				v := map[string]*float64{"x": &e.x, "y": &e.y, "width": &e.width, "height": &e.height}[a.Name.Local]
				_, _ = fmt.Sscan(a.Value, v) // "100%" stays 0
			}
		}
		out = append(out, e)
	}
}

// Every block has its box, every edge its arrow, no box lies on another, and no
// arrow runs through a box.
func TestSVG(t *testing.T) {
	for _, name := range []string{"standard", "stealth", "nodisk", "tangle"} {
		c := analyze(t, boottest.Code(name), Options{Table: name != "nodisk"})
		var b bytes.Buffer
		if err := c.WriteSVG(&b); err != nil {
			t.Fatal(err)
		}
		if name == "standard" {
			golden.Text(t, "standard.svg", b.String())
		}
		edges, boxes := 0, 0
		var list []element
		for _, e := range readSVG(t, b.Bytes()) {
			switch e.class {
			case "block":
				for _, o := range list {
					if e.y < o.y+o.height && o.y < e.y+e.height {
						t.Errorf("%s: box %s lies on box %s", name, e.id, o.id)
					}
				}
				list = append(list, e)
				boxes++
			case "edge":
				edges++
				var x, y, out float64
				if n, _ := fmt.Sscanf(strings.NewReplacer("M", "", "H", " ", "V", " ").Replace(e.path), "%f %f %f", &x, &y, &out); n == 3 && strings.Contains(e.path, "H") {
					if out > list[0].x && out < list[0].x+list[0].width {
						t.Errorf("%s: an arrow runs within the boxes: %s", name, e.path)
					}
				}
			}
		}
		want := 0
		for _, bl := range c.Blocks() {
			want += len(bl.Out)
		}
		if boxes != len(c.Blocks()) || edges != want {
			t.Errorf("%s: %d boxes and %d arrows, want %d and %d", name, boxes, edges, len(c.Blocks()), want)
		}
	}
}

// Blocks hold every instruction once, and are entered at their start only.
func TestBlocks(t *testing.T) {
	for _, name := range []string{"standard", "stealth", "nodisk", "tangle"} {
		c := analyze(t, boottest.Code(name), Options{Table: true})
		at := map[uint32]bool{}
		inner := map[uint32]bool{}
		for _, b := range c.Blocks() {
			for i, n := range b.Nodes {
				if at[n.Linear] {
					t.Errorf("%s: %05x is in two blocks", name, n.Linear)
				}
				at[n.Linear] = true
				inner[n.Linear] = i > 0
			}
		}
		if len(at) != len(c.Nodes) {
			t.Errorf("%s: %d of %d instructions are in blocks", name, len(at), len(c.Nodes))
		}
		for _, b := range c.Blocks() {
			for _, e := range b.Out {
				if inner[e.To] {
					t.Errorf("%s: %s leads into the middle of a block, to %05x", name, b.Name(), e.To)
				}
			}
		}
	}
}

func TestDOT(t *testing.T) {
	c := analyze(t, boottest.Code("tangle"), Options{Table: true})
	var b bytes.Buffer
	if err := c.WriteDOT(&b); err != nil {
		t.Fatal(err)
	}
	golden.Text(t, "tangle.dot", b.String())
	cmd := exec.Command(needs.Tool(t, "dot", "graphviz"), "-Tsvg")
	cmd.Stdin = &b
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("dot: %v\n%s", err, out)
	}
}
