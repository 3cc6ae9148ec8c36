package load

import (
	"context"
	"fmt"
	"time"

	"github.com/seed-eedd8485/lpc/internal/bench/latency"
	"github.com/seed-eedd8485/lpc/internal/bench/transport"
)

// The kinds of work, as in the JSON output.
const (
	Call    = "call"
	Wait    = "wait" // a call that the server works on for transport.WaitTime
	Send    = "send"
	Connect = "connect"
	Idle    = "idle"
)

// The forms of a call.
const (
	Copy = "copy" // request and reply are the caller's slices
	View = "view" // the request is built in place, the server sums it in place
)

// Spec describes one work item for one round. It crosses from the parent to
// the client process.
type Spec struct {
	Work    string
	Bytes   int    // of a request or datagram
	Reply   int    // of a reply: Bytes, or transport.ShortBytes
	Callers int    // at once
	Form    string // Copy or View
	Conns   int    // of Idle

	OneCPU  bool          // both ends are pinned to one CPU, where spinning waits for a time slice
	WarmUp  time.Duration // before the measured part, at least one call
	Measure time.Duration // of the measured part

	// Deadline also counts the allocations of calls with a cancellable
	// deadline context.
	Deadline bool
}

// Result is what one round gave. Times are microseconds. What a kind of work
// has no figure for is zero.
type Result struct {
	Calls  uint64 // measured: calls, datagrams or connections
	MeanUS float64
	P50US  float64
	P99US  float64
	P999US float64
	PerS   float64

	// Of the view form: the calls with their loops; the loops without a
	// call, the median; MeanUS and P50US are the differences, mean less mean
	// and median less median; the same in this process alone, which is no other where the
	// system copies; the part of the calls that had both ends on one CPU, 0
	// where the system copies.
	CallUS, CallP50US float64
	LoopsUS           float64
	HereUS            float64
	Together          float64
	BareUS, BareP50US float64 // the calls alone, no byte but the header written or read

	// Calls of the slowest and of the fastest of many callers.
	Slowest, Fastest uint64

	CPU            float64 // seconds of this process in the measured part
	Allocs         float64 // mallocs per call, with context.Background
	AllocsDeadline float64 // the same with a deadline context, -1 if not counted
}

// Job is one work item in one round.
type Job interface {
	// Prepare connects and warms up.
	Prepare(ctx context.Context) error
	// Measure does the measured part, once.
	Measure(ctx context.Context) (Result, error)
	// Close ends the connections.
	Close() error
}

// New returns the Job for spec over sys at addr.
func New(clock latency.Clock, sys transport.System, addr string, spec Spec) (Job, error) {
	e := env{clock: clock, sys: sys, addr: addr, spec: spec}
	switch {
	case spec.Work == Call && spec.Form == View:
		return &views{env: e}, nil
	case spec.Work == Call && spec.Callers > 1:
		return &crowd{env: e}, nil
	case spec.Work == Call || spec.Work == Wait:
		return &calls{env: e}, nil
	case spec.Work == Send:
		return &datagrams{env: e}, nil
	case spec.Work == Connect:
		return &connects{env: e}, nil
	case spec.Work == Idle:
		return NewIdler(clock, sys, addr, spec), nil
	}
	return nil, fmt.Errorf("no such work: %+v", spec)
}

// env is what every job is given.
type env struct {
	clock latency.Clock
	sys   transport.System
	addr  string
	spec  Spec
}

func (e *env) dial(ctx context.Context) (transport.Conn, error) {
	c, err := e.sys.Dial(ctx, e.addr)
	if err != nil {
		return nil, fmt.Errorf("connecting: %w", err)
	}
	return c, nil
}

// batchTime is how long a batch should take: long against a stamp, short
// against a phase of the machine.
const batchTime = time.Millisecond

// grow doubles a batch until it takes about batchTime, and repeats it until d
// has passed. It returns the size of the last batch.
func (e *env) grow(d time.Duration, batch func(n int) error) (int, error) {
	start, end, want := e.clock.Now(), e.clock.Ticks(d), e.clock.Ticks(batchTime)
	for n := 1; ; {
		from := e.clock.Now()
		if err := batch(n); err != nil {
			return 0, err
		}
		now := e.clock.Now()
		grown := latency.Since(from, now) >= want/2 || n >= maxBatch
		if grown && latency.Since(start, now) >= end {
			return n, nil
		}
		if !grown {
			n *= 2
		}
	}
}

// maxBatch bounds a batch, for stamps that are kept.
const maxBatch = 1 << 14

// turns runs the two batches in turn until d has passed, each at least once.
func (e *env) turns(d time.Duration, one, other func() error) error {
	start, end := e.clock.Now(), e.clock.Ticks(d)
	for {
		if err := one(); err != nil {
			return err
		}
		if err := other(); err != nil {
			return err
		}
		if latency.Since(start, e.clock.Now()) >= end {
			return nil
		}
	}
}
