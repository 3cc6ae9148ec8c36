package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/seed-eedd8485/lpc/kd/census"
	"github.com/seed-eedd8485/lpc/kd/top"
	"github.com/seed-eedd8485/lpc/target"
)

// topCmd is lpc top.
type topCmd struct {
	lookAt
	Interval time.Duration `short:"d" name:"delay" default:"1s" placeholder:"DUR" help:"Look so often (1s)."`
	Count    int           `short:"n" name:"count" placeholder:"N" help:"In a pipe: print N times, then leave."`
	Sort     string        `short:"s" name:"sort" default:"calls" placeholder:"COLUMN" help:"Order by this column (calls)."`
	Reverse  bool          `short:"r" name:"reverse" help:"Turn the order around."`
	Filter   string        `short:"f" name:"filter" placeholder:"TEXT" help:"Show ports whose name or program holds TEXT, or of the process with that id."`
	JSON     bool          `name:"json" help:"In a pipe: one JSON object a line for each port."`
	Lines    bool          `name:"lines" help:"Print lines on a terminal too."`
}

// minInterval keeps top from looking all the time.
const minInterval = 50 * time.Millisecond

// Run shows the screen, or prints lines where there is no terminal.
func (c *topCmd) Run() error {
	if c.Interval < minInterval {
		return usageError{fmt.Sprintf("--delay is %s, expected %s or more", c.Interval, minInterval)}
	}
	if c.Count < 0 {
		return usageError{fmt.Sprintf("--count is %d, expected 1 or more", c.Count)}
	}
	if !top.Sort(nil, c.Sort, false) {
		return usageError{fmt.Sprintf("there is no column %s, expected one of: %s", c.Sort, strings.Join(top.Columns(), ", "))}
	}
	t, err := c.open()
	if err != nil {
		return fmt.Errorf("top: %w", err)
	}
	defer func() { _ = t.Close() }()
	if err := showsObjects("top", t); err != nil {
		return err
	}
	if c.Lines || c.JSON || !isTerminal(os.Stdin) || !isTerminal(os.Stdout) {
		return c.print(t)
	}
	return c.converse(t)
}

// print writes rows at each interval; of a file once.
func (c *topCmd) print(t target.Target) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var meter top.Meter
	tick := time.NewTicker(c.Interval)
	defer tick.Stop()
	alive := c.moves()
	for n := 0; ; n++ {
		l := lookOnce(ctx, t, &meter)
		switch {
		case errors.Is(l.err, errInterrupted):
			return nil
		case l.err != nil:
			return l.err
		}
		if n > 0 || !alive { // rates are known from the second look on
			if err := c.write(l, n <= 1); err != nil {
				return err
			}
		}
		if !alive || c.Count > 0 && n == c.Count {
			return nil
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

func (c *topCmd) write(l look, first bool) error {
	rows := make([]top.Row, 0, len(l.rows))
	for i := range l.rows {
		if top.Match(&l.rows[i], c.Filter) {
			rows = append(rows, l.rows[i])
		}
	}
	top.Sort(rows, c.Sort, c.Reverse)
	if c.JSON {
		return top.WriteJSON(os.Stdout, rows, l.at)
	}
	if first {
		if _, err := os.Stdout.WriteString(top.LineHead); err != nil {
			return err
		}
	}
	return top.Lines(os.Stdout, rows, l.at)
}

// moves tells whether what is looked at changes: running processes do, files do not.
func (c *topCmd) moves() bool { return len(c.Files) == 0 }

// A look is what one look at the target found.
type look struct {
	target string // what was looked at
	census *census.Census
	rows   []top.Row
	at     time.Time
	err    error
}

// lookOnce looks at the target. It is for one goroutine, whose panics are errors: the
// terminal is another's to restore.
func lookOnce(ctx context.Context, t target.Target, m *top.Meter) (l look) {
	defer func() {
		if v := recover(); v != nil {
			l.err = fmt.Errorf("top: looking at the target: %v", v)
		}
	}()
	if l.err = target.Refresh(t); l.err != nil {
		return l
	}
	if l.census, l.err = takeCensus(ctx, "top", t); l.err != nil {
		return l
	}
	l.target, l.at = t.Describe(), time.Now()
	l.rows = m.Rows(l.census, l.at)
	if now := l.census.Now; !now.IsZero() && l.at.Sub(now) > time.Minute {
		l.at = now // a file's
	}
	return l
}
