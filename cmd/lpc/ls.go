package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"text/tabwriter"

	"github.com/seed-eedd8485/lpc/internal/escape"
	"github.com/seed-eedd8485/lpc/kd/census"
	"github.com/seed-eedd8485/lpc/namespace"
	"github.com/seed-eedd8485/lpc/target/live"
)

// lsCmd is lpc ls.
type lsCmd struct {
	JSON bool `name:"json" help:"One JSON object a line for each port."`
}

// Run lists the ports: the names that the namespace holds, and of each what the census
// of the running processes says, which lpc graph and lpc top print too.
func (l *lsCmd) Run() error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	entries, err := namespace.List(ctx, namespace.SearchRoots())
	if err != nil {
		return fmt.Errorf("listing the ports: %w", cause(err))
	}
	t, err := live.Open(0)
	if err != nil {
		return fmt.Errorf("listing the ports: %w", err)
	}
	defer func() { _ = t.Close() }()
	c, err := takeCensus(ctx, "ls", t)
	if err != nil {
		return err
	}
	list := make([]lsEntry, 0, len(entries))
	for _, e := range entries {
		list = append(list, newLsEntry(e, c))
	}
	text := lsTable
	if l.JSON {
		text = lsLines
	}
	_, err = os.Stdout.Write(text(list))
	return err
}

// lsEntry is one port as ls shows it. A nil field could not be read: "-" in the
// table, null in JSON.
type lsEntry struct {
	Name        string  `json:"name"`
	PID         *int    `json:"pid"`
	Program     *string `json:"program"`
	Connections *int    `json:"connections"`
	Queue       *int    `json:"queue"` // messages that wait to be picked up
	Stale       bool    `json:"stale"` // the server is gone, its name is left
	Reason      *string `json:"reason"`
}

// newLsEntry is a name with its port of the census; of one that is not there, or may
// not be read, no more than the name and the reason.
func newLsEntry(e namespace.Entry, c *census.Census) lsEntry {
	l := lsEntry{Name: e.Name.Short(), Stale: e.Stale}
	if l.Name == "" {
		l.Name = e.Path
	}
	why := "not readable (its process shows no port of this name)"
	switch {
	case e.Err != nil:
		why = e.Err.Error()
	case e.Stale:
		why = "stale: its process is gone"
	default:
		p := namedPort(e, c)
		if p != nil && p.Unreadable == "" {
			l.Name, l.PID, l.Connections, l.Queue = p.Name, &e.PID, &p.Connections, &p.Queue
			if q, ok := c.Process(p.Process); ok && q.Image != "" {
				l.Program = &q.Image
			}
			return l
		}
		if p != nil {
			why = "not readable (" + p.Unreadable + ")"
		} else if q, ok := c.Process(uint32(e.PID)); ok && q.Unreadable != "" {
			why = "not readable (" + q.Unreadable + ")"
		}
	}
	l.Reason = &why
	return l
}

// namedPort is the port of the census that a name leads to, nil where there is none.
func namedPort(e namespace.Entry, c *census.Census) *census.Port {
	for i := range c.Ports {
		p := &c.Ports[i]
		if p.Callback || int64(p.Process) != int64(e.PID) {
			continue
		}
		if n, err := namespace.Parse(p.Name); err == nil && n.Equal(e.Name) {
			return p
		}
	}
	return nil
}

// lsLines is the list as JSON, one object a line.
func lsLines(list []lsEntry) []byte {
	var b bytes.Buffer
	for _, e := range list {
		_ = escape.JSON(&b, e) // strings, numbers and booleans into memory: it cannot fail
	}
	return b.Bytes()
}

// lsTable is the list in aligned columns.
func lsTable(list []lsEntry) []byte {
	var b bytes.Buffer
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprint(w, "PORT\tPID\tPROGRAM\tCONNECTIONS\tQUEUE\t\n")
	for _, e := range list {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", escape.Text(e.Name),
			number(e.PID), text(e.Program, "-"), number(e.Connections), number(e.Queue), text(e.Reason, ""))
	}
	w.Flush() // into memory
	return trimLines(b.Bytes())
}

func number(n *int) string {
	if n == nil {
		return "-"
	}
	return strconv.Itoa(*n)
}

func text(s *string, none string) string {
	if s == nil {
		return none
	}
	return escape.Text(*s)
}

// trimLines takes the blanks off the ends of lines.
func trimLines(b []byte) []byte {
	var out []byte
	for line := range bytes.Lines(b) {
		out = append(append(out, bytes.TrimRight(line, " \n")...), '\n')
	}
	return out
}
