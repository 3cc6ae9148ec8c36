package main

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/seed-eedd8485/lpc/kd/top"
	"github.com/seed-eedd8485/lpc/target"
)

// escapeTime is how long the rest of a key's sequence may take behind its first byte;
// then it was the key Escape.
const escapeTime = 50 * time.Millisecond

// converse shows the screen until the user leaves or a signal ends it. The terminal is
// given back as it was, whatever happens: on an error, a signal and a panic too.
func (c *topCmd) converse(t target.Target) (err error) {
	term, err := openTerminal()
	if err != nil {
		return err
	}
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGHUP, os.Interrupt, syscall.SIGWINCH, syscall.SIGCONT)
	defer signal.Stop(signals)
	ctx, cancel := context.WithCancel(context.Background())
	looked := make(chan struct{})
	defer func() { // the target is closed behind this
		cancel()
		<-looked
	}()
	defer term.leave() // first of all
	looks := make(chan look, 1)
	go func() {
		defer close(looked)
		c.looks(ctx, t, looks)
	}()
	s := top.NewScreen()
	s.SortBy(c.Sort, c.Reverse)
	s.Filter(c.Filter)
	painter := top.Painter{Plain: os.Getenv("NO_COLOR") != ""}
	var keys top.Parser
	if err := term.enter(); err != nil {
		return err
	}
	typed := make(chan []byte)
	go readTerminal(ctx, typed) // not before: a read would wait for a line
	for {
		width, height := term.size()
		if _, err := os.Stdout.WriteString(painter.Paint(s.Frame(width, height))); err != nil {
			return err
		}
		var lone <-chan time.Time
		if keys.Pending() {
			lone = time.After(escapeTime)
		}
		var pressed []top.Key
		select {
		case l := <-looks:
			if l.err != nil {
				s.Lost(l.err.Error())
			} else {
				s.Update(l.target, l.census, l.rows, l.at)
			}
		case b, ok := <-typed:
			if !ok {
				return nil // the terminal is gone
			}
			pressed = keys.Feed(b)
		case <-lone:
			pressed = keys.Flush()
		case sig := <-signals:
			switch sig {
			case syscall.SIGWINCH:
				painter.Again()
			case syscall.SIGCONT:
				if err := term.enter(); err != nil { // whoever ran meanwhile may have changed it
					return err
				}
				painter.Again()
			default:
				term.leave()
				return exitError(128 + int(sig.(syscall.Signal))) // as a shell says it
			}
		}
		for _, k := range pressed {
			switch {
			case k == top.Suspend:
				term.leave()
				suspend()
			case k == top.Redraw:
				painter.Again()
			case s.Press(k):
				return nil
			}
		}
	}
}

// looks looks at the target at each interval and gives what it found; of a file once.
func (c *topCmd) looks(ctx context.Context, t target.Target, to chan<- look) {
	var meter top.Meter
	tick := time.NewTicker(c.Interval)
	defer tick.Stop()
	for {
		l := lookOnce(ctx, t, &meter)
		if errors.Is(l.err, errInterrupted) {
			return
		}
		select {
		case to <- l:
		case <-ctx.Done():
			return
		}
		if !c.moves() {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// readTerminal passes on what is typed, until the terminal is gone. It stays behind in
// a read when the screen is left: the process ends then.
func readTerminal(ctx context.Context, to chan<- []byte) {
	defer close(to)
	for {
		b := make([]byte, 256)
		n, err := os.Stdin.Read(b)
		if err != nil || n == 0 {
			return
		}
		select {
		case to <- b[:n]:
		case <-ctx.Done():
			return
		}
	}
}
