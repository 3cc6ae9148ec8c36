package bootcode

import (
	"fmt"
	"io"
	"strings"
)

// WriteDOT prints the flow of control for Graphviz.
func (c *Code) WriteDOT(w io.Writer) error {
	var b strings.Builder
	b.WriteString("digraph bootcode {\n\tnode [shape=box, fontname=\"monospace\", fontsize=10];\n\tedge [fontname=\"monospace\", fontsize=9];\n")
	for _, bl := range c.Blocks() {
		var lines strings.Builder
		for _, row := range c.blockRows(bl) {
			lines.WriteString(dotEscape(row.text()) + `\l`)
		}
		extra := ""
		if bl.Start() == c.Entry() {
			extra = ", penwidth=2"
		}
		fmt.Fprintf(&b, "\tn%x [label=\"%s\"%s];\n", bl.Start(), lines.String(), extra)
		for _, e := range bl.Out {
			style := map[EdgeKind]string{Fall: "", Taken: "color=\"#1a7f37\"", Called: "style=dashed, color=\"#0550ae\"", Back: "style=dotted, color=\"#57606a\", constraint=false", Hook: "style=dashed, color=\"#8250df\""}[e.Kind]
			fmt.Fprintf(&b, "\tn%x -> n%x [%s];\n", bl.Start(), e.To, style)
		}
		for i, exit := range c.exitsOf(bl) {
			fmt.Fprintf(&b, "\tx%x_%d [shape=plaintext, label=\"%s\"];\n\tn%x -> x%x_%d [color=\"#cf222e\"];\n", bl.Start(), i, dotEscape(exit), bl.Start(), bl.Start(), i)
		}
	}
	b.WriteString("}\n")
	_, err := io.WriteString(w, b.String())
	return err
}

func dotEscape(s string) string {
	return strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", " ", "\r", " ").Replace(s)
}

// exitsOf returns where control leaves the code at the end of a block.
func (c *Code) exitsOf(b *Block) []string {
	var out []string
	for _, e := range c.Exits {
		if e.At != b.Last().Linear {
			continue
		}
		s := "to " + e.Target()
		if e.Loaded {
			s += ", as read from disk"
		}
		out = addOnce(out, s)
	}
	return out
}

// row is one instruction in a picture.
type row struct {
	addr, inst, note string
}

func (r row) text() string {
	s := r.addr + "  " + r.inst
	if r.note != "" {
		s += "  ; " + r.note
	}
	return s
}

// maxNote keeps a box from becoming wider than a page.
const maxNote = 60

// blockRows returns the instructions of a block as text.
func (c *Code) blockRows(b *Block) []row {
	rows := make([]row, len(b.Nodes))
	for i, n := range b.Nodes {
		note := strings.Join(n.Notes, "; ")
		if r := []rune(note); len(r) > maxNote {
			note = string(r[:maxNote-1]) + "…"
		}
		rows[i] = row{addr: fmt.Sprintf("%04x:%04x", n.Seg, n.Off), inst: n.Inst.String(), note: note}
	}
	return rows
}
