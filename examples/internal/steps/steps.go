// Package steps prints what the threads of an example do, one step a line, in the
// order in which it happens. That a call blocks is not assumed: the thread's record is
// read as lpc kd reads it, until it says that the thread waits.
package steps

import (
	"context"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"

	"github.com/seed-eedd8485/lpc/kd/records"
	"github.com/seed-eedd8485/lpc/nt"
	"github.com/seed-eedd8485/lpc/target/live"
)

// A Printer prints steps: Run makes one.
type Printer struct{ w io.Writer }

// Do prints a call that has returned. A status other than success is the error.
func (p *Printer) Do(who, what string, s nt.Status) error {
	if s != nt.StatusSuccess {
		return fmt.Errorf("%s: %s: %w", who, what, s)
	}
	_, err := fmt.Fprintf(p.w, "%s: %s\n", who, what)
	return err
}

// A Call has been seen to block.
type Call struct {
	who, what string
	done      chan nt.Status
}

// Blocks makes a call on a goroutine of its own, and prints it when it blocks.
func (p *Printer) Blocks(who, what string, t *nt.Thread, call func() nt.Status) (*Call, error) {
	c := &Call{who, what, make(chan nt.Status, 1)}
	go func() { c.done <- call() }()
	self, err := live.Open(os.Getpid())
	if err != nil {
		return nil, err
	}
	defer func() { _ = self.Close() }()
	for {
		select {
		case s := <-c.done:
			return nil, fmt.Errorf("%s: %s returns %w at once", who, what, s)
		default:
		}
		waits, err := blocked(self, t.ClientID())
		if err != nil {
			return nil, err
		}
		if waits {
			_, err := fmt.Fprintf(p.w, "%s: %s, blocks\n", who, what)
			return c, err
		}
		runtime.Gosched()
	}
}

// blocked tells whether the thread waits for a message or for a reply.
func blocked(self *live.Target, id nt.ClientID) (bool, error) {
	if err := self.Refresh(); err != nil {
		return false, err
	}
	w, err := records.Look(context.Background(), records.NewReader(self), records.Threads)
	if err != nil {
		return false, err
	}
	for _, t := range w.Threads {
		if t.Cid == id {
			return t.Reply != 0 || t.Reason == records.WrLpcReceive, nil
		}
	}
	return false, nil
}

// Returns waits for a call that blocked, and prints it with what it returned with.
func (p *Printer) Returns(c *Call, with func() string) error {
	s := <-c.done
	if s != nt.StatusSuccess {
		return fmt.Errorf("%s: %s: %w", c.who, c.what, s)
	}
	call, _, _ := strings.Cut(c.what, " ")
	_, err := fmt.Fprintf(p.w, "%s: %s returns with %s\n", c.who, call, with())
	return err
}
