package bench

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/seed-eedd8485/lpc/internal/bench/load"
)

// writeTables prints the lines: for each placement a table for each kind of
// work, then the idle items, then the notes.
func writeTables(w io.Writer, lines []*line, notes []string) error {
	for rest := lines; len(rest) > 0; {
		first := rest[0]
		n := slices.IndexFunc(rest, func(l *line) bool { return l.group() != first.group() })
		if n < 0 {
			n = len(rest)
		}
		if err := writeTable(w, rest[:n]); err != nil {
			return err
		}
		rest = rest[n:]
	}
	for _, n := range notes {
		if _, err := fmt.Fprintln(w, n); err != nil {
			return err
		}
	}
	return nil
}

// group is what the lines of one table have in common.
func (l *line) group() string { return l.heading() + "\x00" + l.kind() }

// kind chooses a table's columns.
func (l *line) kind() string {
	s := l.item.spec
	switch {
	case l.idle != nil:
		return l.item.name
	case s.Form == load.View:
		return kindView
	case strings.HasPrefix(l.item.name, "callers/"):
		return kindCallers
	case s.Work == load.Call:
		return kindCopy
	}
	return s.Work
}

// heading says under which conditions a line was measured.
func (l *line) heading() string {
	if l.idle != nil {
		return l.idle.heading(l.item.name)
	}
	var pairs, rounds int
	for _, p := range l.pairs {
		pairs, rounds = pairs+1, max(rounds, len(p))
	}
	return fmt.Sprintf("== placement %s%s: %d %s of processes, %d %s each ==", l.placement, besideHogs(l.hogs),
		pairs, plural(pairs, "pair"), rounds, plural(rounds, "round"))
}

func plural(n int, noun string) string {
	if n == 1 {
		return noun
	}
	return noun + "s"
}

// writeTable prints lines of one group, and a blank line.
func writeTable(w io.Writer, lines []*line) error {
	find := func(name, system string) *line {
		for _, l := range lines {
			if l.item.name == name && l.system == system {
				return l
			}
		}
		return nil
	}
	columns := columnsOf[lines[0].kind()]
	g := grid{{lines[0].title(), "system"}}
	for _, c := range columns {
		g[0] = append(g[0], c.title)
	}
	last := ""
	for _, l := range lines {
		if l.idle == nil && l.rounds() == 0 {
			continue // the run ended before
		}
		row := []string{l.label(), l.system}
		if row[0] == last {
			row[0] = ""
		} else {
			last = row[0]
		}
		for _, c := range columns {
			row = append(row, c.text(l, func(system string) *line { return find(l.item.name, system) }))
		}
		g = append(g, row)
	}
	if len(g) == 1 {
		return nil
	}
	if _, err := fmt.Fprintf(w, "%s\n", lines[0].heading()); err != nil {
		return err
	}
	if err := g.write(w); err != nil {
		return err
	}
	_, err := fmt.Fprintln(w)
	return err
}

// title is the head of the first column.
func (l *line) title() string {
	switch l.kind() {
	case kindCopy:
		return "call, copied (µs)"
	case load.Wait:
		return "call that waits (µs)"
	case kindView:
		return "call, in place (µs)"
	case kindCallers:
		return "callers, 64 B (µs)"
	case load.Send:
		return "datagrams"
	case load.Connect:
		return "connect (µs)"
	}
	return "idle"
}

// label names the item within its table.
func (l *line) label() string {
	_, after, found := strings.Cut(l.item.name, "/")
	switch {
	case l.idle != nil, !found:
		return l.item.name
	case after == "1m-8":
		return "1 MiB to 8 B"
	case strings.HasSuffix(after, "k"):
		return strings.TrimSuffix(after, "k") + " KiB"
	case strings.HasSuffix(after, "m"):
		return strings.TrimSuffix(after, "m") + " MiB"
	case l.kind() == kindCallers:
		return after
	}
	return after + " B"
}
