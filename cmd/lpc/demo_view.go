package main

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/seed-eedd8485/lpc/internal/escape"
)

// demoView prints the demo: a heading a step, a line an event.
type demoView struct {
	w     io.Writer
	err   error // the first that writing gave; nothing is written after it
	clock       // since the demo's start
	color bool
}

func newDemoView(f *os.File) *demoView {
	// A character device that is no terminal is /dev/null: colors do no harm there.
	st, err := f.Stat()
	tty := err == nil && st.Mode()&os.ModeCharDevice != 0
	v := &demoView{
		w: f, clock: clock{time.Now()},
		color: tty && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb",
	}
	v.printf("Two processes and one port, %s. Each line is an event that one of them reported.\n\n", demoPort)
	v.printf("%s\n", v.columns("ms", "process", "NT call", "message", "what happened", styleBold))
	return v
}

// Select Graphic Rendition parameters (ECMA-48).
const (
	styleBold   = "1"
	styleDim    = "2"
	styleServer = "36"
	styleClient = "33"
	styleFailed = "31"
)

func (v *demoView) printf(format string, args ...any) {
	if v.err == nil {
		_, v.err = fmt.Fprintf(v.w, format, args...)
	}
}

func (v *demoView) style(s, sgr string) string {
	if !v.color {
		return s
	}
	return "\x1b[" + sgr + "m" + s + "\x1b[0m"
}

// step prints step i: its heading, and the events in the order of time.
func (v *demoView) step(i int, events []demoEvent) {
	v.printf("\n%s\n", v.style(fmt.Sprintf("%d. %s", i+1, demoSteps[i].title), styleBold))
	slices.SortStableFunc(events, func(a, b demoEvent) int { return cmp.Compare(a.At, b.At) })
	for _, e := range events {
		v.line(e)
	}
}

// line prints one event.
func (v *demoView) line(e demoEvent) {
	call, text := describe(e)
	style := styleServer
	switch e.Role {
	case "client":
		style = styleClient
	case "demo":
		style = styleFailed
	}
	id := ""
	if e.MsgID != 0 {
		id = fmt.Sprintf("%#x", e.MsgID)
	}
	v.printf("%s\n", v.columns(fmt.Sprintf("%.2f", float64(e.At-v.start.UnixNano())/1e6),
		fmt.Sprintf("%-6s %d", e.Role, e.PID), call, id, escape.Text(text), style))
}

// columns lays out one line; style is for the process.
func (v *demoView) columns(ms, who, call, id, what, style string) string {
	return strings.TrimRight(fmt.Sprintf("%s  %s  %s  %s  %s",
		v.style(fmt.Sprintf("%8s", ms), styleDim), v.style(fmt.Sprintf("%-14s", who), style),
		v.style(fmt.Sprintf("%-22s", call), styleBold), v.style(fmt.Sprintf("%-10s", id), styleDim), what), " ")
}

// done is the last line of a demo in which all went as it should.
func (v *demoView) done() {
	v.printf("\n%s\n", v.style(fmt.Sprintf("All %d steps went as they should, in %d ms.",
		len(demoSteps), time.Since(v.start).Milliseconds()), styleBold))
}

// stopped is the last line of the others.
func (v *demoView) stopped(i int) {
	v.printf("\n%s\n", v.style(fmt.Sprintf("The demo ended in step %d of %d.", i+1, len(demoSteps)), styleFailed))
}

// size is a number of bytes as people read it.
func size(n int) string {
	if n >= 1<<20 && n%(1<<20) == 0 {
		return fmt.Sprintf("%d MiB", n>>20)
	}
	if n == 1 {
		return "1 byte"
	}
	return fmt.Sprintf("%d bytes", n)
}
