package bench

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"github.com/seed-eedd8485/lpc/internal/bench/load"
	"github.com/seed-eedd8485/lpc/target/live"
)

// TestWaitIsRecorded: the call that waits has its stack recorded in one of the systems
// that --kd compares, and in no other: else their difference would say nothing.
func TestWaitIsRecorded(t *testing.T) {
	for system, want := range map[string]bool{"lpc": false, withoutRecords: false, withStacks: true} {
		s := newStage(t)
		p, err := s.open(t.Context(), system, free)
		if err != nil {
			t.Fatal(err)
		}
		spec := itemNamed(waits).spec
		spec.WarmUp, spec.Measure = time.Millisecond, 10*time.Millisecond
		for _, o := range []order{{Op: opPrepare, Spec: &spec}, {Op: opMeasure}} {
			if _, err := p.client.tell(t.Context(), o, patience); err != nil {
				t.Fatal(err)
			}
		}
		tg, err := live.Open(p.client.cmd.Process.Pid)
		if err != nil {
			t.Fatal(err)
		}
		stacks := 0
		for b := range tg.System().Blocks("Stak") {
			if b.Allocated {
				stacks++
			}
		}
		if (stacks > 0) != want {
			t.Errorf("%s: %d records of stacks, want some: %v", system, stacks, want)
		}
		_ = tg.Close()
		if _, err := p.client.tell(t.Context(), order{Op: opClose}, patience); err != nil {
			t.Fatal(err)
		}
		if err := p.close(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
}

// TestKDNotes: a run of --kd says in words what the call that waits pays.
func TestKDNotes(t *testing.T) {
	o := briefly()
	o.systems, o.KD, o.JSON = nil, true, false
	out, err := bench(t, o)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"call that waits (µs)  system",
		"call/32, placement free: the records of who waits cost ",
		"\nwait/32, placement free: the server takes 5 µs, and recording the stack of the call that waits costs ",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not in\n%s", want, out)
		}
	}
	var w bytes.Buffer
	l := &line{item: itemNamed(waits), placement: free, system: "lpc", pairs: [][]measured{{{Result: load.Result{Calls: 1, MeanUS: 6}}}}}
	if err := writeJSON(&w, []*line{l}); err != nil || !strings.HasPrefix(w.String(), `{"work":"wait","bytes":32,`) {
		t.Errorf("as JSON it is %s (%v)", &w, err)
	}
}
