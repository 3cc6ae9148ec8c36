// Package picturetest reads a picture of package picture back from its SVG, for tests:
// what boxes, lines and edges it has and how they are marked, not where they stand. It
// has no part in the product.
package picturetest

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Structure is an SVG as lines of text: what stands above the boxes, each box with its
// rows, each edge from row to row. An edge whose end is no box or row is an error, and
// so is what is not well formed.
func Structure(svg string) (string, error) {
	r := reader{names: map[string]string{}}
	dec := xml.NewDecoder(strings.NewReader(svg))
	for {
		tok, err := dec.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return "", fmt.Errorf("reading the SVG: %w", err)
		}
		switch tok := tok.(type) {
		case xml.StartElement:
			r.open(tok)
		case xml.EndElement:
			r.close()
		case xml.CharData:
			r.text += string(tok)
		}
	}
	return r.lines()
}

// A reader follows the elements of an SVG.
type reader struct {
	stack []element
	text  string
	out   []string
	box   string
	names map[string]string // of boxes and rows, by id
	edges []edge
}

type element struct {
	name, class, id string
	texts           []string
}

type edge struct{ class, from, to string }

func attr(e xml.StartElement, name string) string {
	for _, a := range e.Attr {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

func (r *reader) open(e xml.StartElement) {
	r.text = ""
	r.stack = append(r.stack, element{name: e.Name.Local, class: attr(e, "class"), id: attr(e, "id")})
	if from := attr(e, "data-from"); from != "" {
		r.edges = append(r.edges, edge{attr(e, "class"), from, attr(e, "data-to")})
	}
}

func (r *reader) close() {
	e := r.stack[len(r.stack)-1]
	r.stack = r.stack[:len(r.stack)-1]
	up := &element{}
	if len(r.stack) > 0 {
		up = &r.stack[len(r.stack)-1]
	}
	switch {
	case e.name == "text" && strings.HasPrefix(up.class, "row "):
		up.texts = append(up.texts, r.text)
	case e.name == "text" && e.class == "head":
		r.box = r.text
		r.names[up.id] = r.text
		r.out = append(r.out, fmt.Sprintf("%s: %s", up.class, r.text))
	case e.name == "text" && up.name == "svg" && (e.class == "summary" || e.class == "verdict" || e.class == "note"):
		r.out = append(r.out, e.class+": "+r.text)
	case e.name == "text" && strings.HasPrefix(up.class, "box"):
		r.out = append(r.out, "  note: "+r.text)
	case e.name == "g" && strings.HasPrefix(e.class, "row "):
		text := strings.Join(e.texts, " | ")
		r.names[e.id] = r.box + " " + text
		r.out = append(r.out, fmt.Sprintf("  %s: %s", strings.TrimPrefix(e.class, "row "), r.box+" "+text))
	}
	r.text = ""
}

func (r *reader) lines() (string, error) {
	for _, e := range r.edges {
		from, ok := r.names[e.from]
		to, ok2 := r.names[e.to]
		if !ok || !ok2 {
			return "", fmt.Errorf("an edge leads from %q to %q, which are not both there", e.from, e.to)
		}
		r.out = append(r.out, fmt.Sprintf("%s: %s -> %s", e.class, from, to))
	}
	return strings.Join(r.out, "\n") + "\n", nil
}
