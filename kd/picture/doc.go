// Package picture draws a census: processes as boxes, their ports and waiting threads
// as lines in them, connections and waits as edges between lines, cycles in red.
//
//	p := picture.Build(c, picture.Limit)
//	err := p.WriteSVG(w)   // or WriteDOT, for Graphviz
//
// Build decides what is shown. All text stands inside the boxes, so that no edge needs
// a label and none can be covered. Up to the limit each process, port and waiting
// thread is shown, but for threads of one process that wait for the same port: from
// four on they are one line with a count. Above it lines are joined, and processes that
// do the same, then processes of one program (collapse.go). What belongs to a
// cycle is never joined with anything. What was joined is counted in the picture.
//
// Package layered gives the boxes their places. The SVG needs no script, no font and
// no other file, and is legible on a light and on a dark ground. Every string of a
// target is escaped twice, for control characters and for XML.
//
// A Picture does not change after Build.
package picture
