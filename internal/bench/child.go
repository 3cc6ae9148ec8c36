package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"

	"github.com/seed-eedd8485/lpc/internal/bench/latency"
	"github.com/seed-eedd8485/lpc/internal/bench/load"
	"github.com/seed-eedd8485/lpc/internal/bench/transport"
)

// Child is called first thing in main of every binary that calls [Run]. If the
// environment makes this process a child of a benchmark, Child does its work
// and returns true: the process should then exit.
func Child() (handled bool) {
	switch role := os.Getenv(RoleEnv); role {
	case "":
		return false
	case roleHog:
		go func() {
			_, _ = io.Copy(io.Discard, os.Stdin) // until the parent closes it
			os.Exit(0)
		}()
		hog()
	case roleServer, roleClient:
		c := &child{}
		if err := c.obey(context.Background(), os.Stdin, os.Stdout); err != nil {
			_, _ = fmt.Fprintf(os.Stderr, "lpc bench: %s: %v\n", role, err)
			os.Exit(1)
		}
	default:
		_, _ = fmt.Fprintf(os.Stderr, "lpc bench: %s=%q is no role\n", RoleEnv, role)
		os.Exit(2)
	}
	return true
}

// hog is a process in a pure loop.
func hog() {
	for turns := 0; ; turns++ {
	}
}

// child is a server or a client between orders.
type child struct {
	sys    transport.System
	addr   string
	clock  latency.Clock
	server transport.Server // of a server, after opStart
	loops  io.Closer        // the same, for the view form
	job    load.Job         // of a client, between opPrepare and opClose
}

// obey answers orders until end of file.
func (c *child) obey(ctx context.Context, in io.Reader, out io.Writer) error {
	dec, enc := json.NewDecoder(in), json.NewEncoder(out)
	for {
		var o order
		if err := dec.Decode(&o); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("reading an order: %w", err)
		}
		a, err := c.do(ctx, o)
		if err != nil {
			a.Err = err.Error()
		}
		if err := enc.Encode(a); err != nil {
			return fmt.Errorf("answering an order: %w", err)
		}
	}
}

func (c *child) do(ctx context.Context, o order) (a answer, err error) {
	switch o.Op {
	case opStart:
		return a, c.start(ctx, o)
	case opSettle:
		runtime.GC()
		debug.FreeOSMemory()
		return a, nil
	case opUsage:
		a.CPU = load.CPUSeconds()
		return a, nil
	case opStop:
		return a, errors.Join(c.loops.Close(), c.server.Close())
	case opPrepare:
		return a, c.prepare(ctx, o)
	case opMeasure:
		r, err := c.job.Measure(ctx)
		a.Result = &r
		return a, err
	case opBurst:
		i, ok := c.job.(*load.Idler)
		if !ok {
			return a, errors.New("a burst is for idle connections")
		}
		return a, i.Burst(ctx, o.N)
	case opClose:
		job := c.job
		c.job = nil
		return a, job.Close()
	}
	return a, fmt.Errorf("no such order: %q", o.Op)
}

func (c *child) start(ctx context.Context, o order) (err error) {
	if c.sys, err = transport.Named(o.System); err != nil {
		return err
	}
	c.addr, c.clock = o.Addr, o.Clock
	if os.Getenv(RoleEnv) == roleServer {
		if c.server, err = c.sys.Serve(ctx, c.addr); err != nil {
			return err
		}
		c.loops, err = transport.ServeLoops(c.addr)
	}
	return err
}

// prepare starts a job with a clean heap. A job that cannot be prepared is
// closed.
func (c *child) prepare(ctx context.Context, o order) error {
	job, err := load.New(c.clock, c.sys, c.addr, *o.Spec)
	if err != nil {
		return err
	}
	runtime.GC()
	if err := job.Prepare(ctx); err != nil {
		return errors.Join(err, job.Close())
	}
	c.job = job
	return nil
}
