package picture

import (
	"fmt"
	"io"
	"strings"
)

// WriteDOT prints the picture in Graphviz's language. The error is w's.
func (p *Picture) WriteDOT(w io.Writer) error {
	var b strings.Builder
	title := append([]string{p.Summary}, append(p.Verdicts, p.Notes...)...)
	fmt.Fprintf(&b, "digraph lpc {\n\trankdir=LR; ranksep=0.8; nodesep=0.2; labelloc=t; labeljust=l; fontname=\"monospace\"; fontsize=11;\n\tlabel=%s;\n", quoteDOT(strings.Join(title, "\n")+"\n"))
	b.WriteString("\tnode [shape=plain, fontname=\"monospace\", fontsize=11];\n\tedge [color=\"#9ea7b1\", arrowsize=0.7];\n")
	for i := range p.Boxes {
		p.boxDOT(&b, i)
	}
	for i := range p.Edges {
		e := &p.Edges[i]
		fmt.Fprintf(&b, "\tb%d:%s:e -> b%d:%s:w [class=\"%s%s\"%s];\n", e.From, endDOT(e.FromRow), e.To, endDOT(e.ToRow), e.Kind, markClass(e.Mark), edgeDOT(e))
	}
	b.WriteString("}\n")
	_, err := io.WriteString(w, b.String())
	return err
}

func endDOT(row int) string {
	if row < 0 {
		return "h"
	}
	return fmt.Sprintf("r%d", row)
}

func edgeDOT(e *Edge) string {
	style := ""
	if e.Unsure && e.Kind == Wait || e.Mark == Possible {
		style = ", style=dashed"
	}
	switch {
	case e.Kind == Connection:
		return ""
	case e.Mark >= Possible:
		return ", color=\"#cf222e\", penwidth=2.5" + style
	case e.Mark == Old:
		return ", color=\"#9a6700\", penwidth=1.5" + style
	}
	return ", color=\"#0969da\", penwidth=1.5" + style
}

// boxDOT prints a box as a table: HTML-like labels, whose text is escaped as XML is.
func (p *Picture) boxDOT(b *strings.Builder, i int) {
	box := &p.Boxes[i]
	border := "#818b98"
	if box.Mark >= Possible {
		border = "#cf222e"
	}
	fmt.Fprintf(b, "\tb%d [class=\"box%s\", tooltip=%s, label=<<table border=\"1\" color=\"%s\" bgcolor=\"#f6f8fa\" cellborder=\"0\" cellspacing=\"0\" cellpadding=\"4\"><tr><td port=\"h\" align=\"left\" colspan=\"2\"><b>%s</b></td></tr>",
		i, markClass(box.Mark), quoteDOT(boxTip(box)), border, xmlText(short(box.Head)))
	if box.Note != "" {
		fmt.Fprintf(b, "<tr><td align=\"left\" colspan=\"2\">%s</td></tr>", xmlText(short(box.Note)))
	}
	for k := range box.Rows {
		r := &box.Rows[k]
		ground := ""
		switch {
		case r.Mark >= Possible:
			ground = " bgcolor=\"#ffdcd7\""
		case r.Mark == Old:
			ground = " bgcolor=\"#fff1c2\""
		case r.Kind == PortRow:
			ground = " bgcolor=\"#e6eaef\""
		}
		fmt.Fprintf(b, "<tr><td port=\"r%d\" align=\"left\" colspan=\"2\"%s>%s</td></tr>", k, ground, rowDOT(r))
	}
	b.WriteString("</table>>];\n")
}

func rowDOT(r *Row) string {
	text, dim := xmlText(short(r.Text)), ""
	if r.Dim != "" {
		dim = fmt.Sprintf("<font color=\"#59636e\">%s</font>", xmlText(short(r.Dim)))
	}
	if text != "" && dim != "" {
		text += "  "
	}
	return text + dim
}

// quoteDOT is a string of the language: a quotation mark is escaped, a backslash would
// begin an escape of its own, an ampersand an entity, and a line ends so that it is set
// to the left.
func quoteDOT(s string) string {
	r := strings.NewReplacer(`\`, `\\`, `"`, `\"`, "&", "&amp;", "<", "&lt;", ">", "&gt;", "\n", `\l`)
	return `"` + r.Replace(s) + `"`
}
