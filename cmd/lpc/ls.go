package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"text/tabwriter"

	"github.com/seed-eedd8485/lpc"
	"github.com/seed-eedd8485/lpc/internal/escape"
)

// lsCmd is lpc ls.
type lsCmd struct {
	JSON bool `name:"json" help:"One JSON object a line for each port."`
}

// Run lists the ports.
func (l *lsCmd) Run() error {
	ports, err := lpc.Ports(context.Background())
	if err != nil {
		return fmt.Errorf("listing the ports: %w", cause(err))
	}
	list := make([]lsEntry, 0, len(ports))
	for _, p := range ports {
		list = append(list, newLsEntry(p))
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

// newLsEntry leaves out all but the name of a port whose pool could not be read.
func newLsEntry(p lpc.PortInfo) lsEntry {
	e := lsEntry{Name: p.Name, Stale: p.Stale}
	if !p.Readable || p.Stale {
		e.Reason = &p.Why
		return e
	}
	e.PID, e.Connections, e.Queue = &p.PID, &p.Connections, &p.Queued
	if p.Program != "" {
		e.Program = &p.Program
	}
	return e
}

// lsLines is the list as JSON, one object a line.
func lsLines(list []lsEntry) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	for _, e := range list {
		// Strings, numbers and booleans into memory: Encode cannot fail.
		_ = enc.Encode(e)
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
