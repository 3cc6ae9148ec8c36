package load

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seed-eedd8485/lpc/internal/bench/latency"
	"github.com/seed-eedd8485/lpc/internal/bench/transport"
)

// serve starts the raw socket in this process.
func serve(t *testing.T) (sys transport.System, addr string) {
	t.Helper()
	sys, err := transport.Named("unix")
	if err != nil {
		t.Fatal(err)
	}
	addr = filepath.Join(t.TempDir(), "s")
	server, err := sys.Serve(t.Context(), addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	return sys, addr
}

// measure runs a job to its end.
func measure(t *testing.T, sys transport.System, addr string, spec Spec) (Result, error) {
	t.Helper()
	spec.WarmUp, spec.Measure = 100*time.Microsecond, time.Millisecond
	job, err := New(latency.Clock{}, sys, addr, spec)
	if err != nil {
		return Result{}, err
	}
	defer func() {
		if err := job.Close(); err != nil {
			t.Error(err)
		}
	}()
	if err := job.Prepare(t.Context()); err != nil {
		return Result{}, err
	}
	return job.Measure(t.Context())
}

// specs are one of each kind.
var specs = map[string]Spec{
	"call":       {Work: Call, Form: Copy, Bytes: 32, Reply: 32, Callers: 1, Deadline: true},
	"wait":       {Work: Wait, Form: Copy, Bytes: 32, Reply: 32, Callers: 1},
	"short call": {Work: Call, Form: Copy, Bytes: 4096, Reply: 8, Callers: 1},
	"view":       {Work: Call, Form: View, Bytes: 4096, Reply: 4096, Callers: 1},
	"short view": {Work: Call, Form: View, Bytes: 4096, Reply: 8, Callers: 1},
	"crowd":      {Work: Call, Form: Copy, Bytes: 64, Reply: 64, Callers: 8},
	"datagrams":  {Work: Send, Bytes: 64, Callers: 1},
	"connect":    {Work: Connect, Bytes: 32, Reply: 32},
	"idle":       {Work: Idle, Conns: 3},
}

// TestJobs runs each kind and looks at which figures there are.
func TestJobs(t *testing.T) {
	sys, addr := serve(t)
	for name, spec := range specs {
		t.Run(name, func(t *testing.T) {
			r, err := measure(t, sys, addr, spec)
			if err != nil {
				t.Fatal(err)
			}
			if r.Calls == 0 {
				t.Error("nothing was measured")
			}
			if spec.Form == Copy && !(0 < r.P50US && r.P50US <= r.P99US && r.P99US <= r.P999US && r.MeanUS > 0 && r.PerS > 0) {
				t.Errorf("figures that cannot be: %+v", r)
			}
			if least := float64(transport.WaitTime.Microseconds()); spec.Work == Wait && r.MeanUS < least {
				t.Errorf("a wait of %v in %.3f µs", transport.WaitTime, r.MeanUS)
			}
			if spec.Form == View && (r.MeanUS >= r.CallUS || r.BareP50US <= 0 || r.P50US != r.CallP50US-r.LoopsUS || r.HereUS != r.LoopsUS || r.LoopsUS <= 0) {
				t.Errorf("differences that are none: %+v", r)
			}
			if spec.Callers > 1 && (r.Slowest == 0 || r.Slowest > r.Fastest || r.Calls < r.Slowest*uint64(spec.Callers)) {
				t.Errorf("callers that cannot be: %+v", r)
			}
			if counted := spec.Deadline || spec.Work == Idle; counted != (r.AllocsDeadline >= 0) {
				t.Errorf("allocations with a deadline: %v", r.AllocsDeadline)
			}
		})
	}
	if _, err := New(latency.Clock{}, sys, addr, Spec{Work: "sleep"}); err == nil {
		t.Error("there is work called sleep")
	}
}

func TestIdlerBurst(t *testing.T) {
	sys, addr := serve(t)
	j := NewIdler(latency.Clock{}, sys, addr, Spec{Work: Idle, Conns: 2})
	if err := j.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	_, err := j.Measure(t.Context())
	if err := errors.Join(err, j.Burst(t.Context(), 100), j.Close()); err != nil {
		t.Error(err)
	}
}

// liar is a system whose replies are not those of the requests.
type liar struct {
	transport.System
	reply func(req, reply []byte) int
}

func (l liar) Dial(ctx context.Context, addr string) (transport.Conn, error) {
	c, err := l.System.Dial(ctx, addr)
	return lyingConn{c, l.reply}, err
}

type lyingConn struct {
	transport.Conn
	reply func(req, reply []byte) int
}

func (c lyingConn) Call(_ context.Context, req, reply []byte) (int, error) {
	return c.reply(req, reply), nil
}

func (c lyingConn) View(_ context.Context, n int) (transport.View, error) {
	return &lyingView{bytes: make([]byte, n), reply: c.reply}, nil
}

type lyingView struct {
	transport.View
	bytes []byte
	reply func(req, reply []byte) int
}

func (v *lyingView) Bytes() []byte { return v.bytes }
func (v *lyingView) InPlace() bool { return false }
func (v *lyingView) Close() error  { return nil }

func (v *lyingView) Call(context.Context) ([]byte, error) {
	reply := make([]byte, len(v.bytes))
	return reply[:v.reply(v.bytes, reply)], nil
}

// TestWrongReplies: a reply that is not the one asked for ends the job.
func TestWrongReplies(t *testing.T) {
	sys, addr := serve(t)
	short := func(req, reply []byte) int { return copy(reply, req) - 1 }
	stale := func(req, reply []byte) int {
		n := copy(reply, req)
		reply[min(8, n-1)] ^= 0xff // in the number, of a long reply or of a short one
		return n
	}
	for name, spec := range specs {
		for _, l := range []liar{{sys, short}, {sys, stale}} {
			if _, err := measure(t, l, addr, spec); err == nil || !strings.Contains(err.Error(), "want") && !errors.Is(err, errTooMany) {
				t.Errorf("%s with wrong replies: %v", name, err)
			}
		}
	}
}

// TestNobodyThere: each kind says that it cannot connect, and closes.
func TestNobodyThere(t *testing.T) {
	sys, addr := serve(t)
	for name, spec := range specs {
		if _, err := measure(t, sys, addr+"x", spec); err == nil || !strings.HasPrefix(err.Error(), "connecting: ") {
			t.Errorf("%s without a server: %v", name, err)
		}
	}
}
