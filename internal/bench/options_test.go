package bench

import (
	"bytes"
	"errors"
	"flag"
	"io"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestParseArgs(t *testing.T) {
	o, err := ParseArgs(strings.Fields("--json --against unix --placement same,diff --hogs 2 --rounds 3 --pairs 4 --work call/32,send --kd --quick"), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if !o.JSON || !o.Quick || !o.KD || o.Hogs != 2 || o.Rounds != 3 || o.Pairs != 4 ||
		!slices.Equal(o.Against, []string{"unix"}) || !slices.Equal(o.Placements, []string{same, diff}) ||
		!slices.Equal(o.Work, []string{"call/32", "send"}) {
		t.Errorf("parsed %+v", o)
	}
}

func TestParseArgsErrors(t *testing.T) {
	for _, args := range []string{
		"--against tcp", "--placement near", "--hogs -2", "--rounds -1", "--pairs -1", "--work cal", "--work call/3",
		"--nonsense", "rest",
	} {
		var b bytes.Buffer
		if _, err := ParseArgs(strings.Fields(args), &b); !errors.Is(err, ErrUsage) || b.Len() == 0 {
			t.Errorf("%s: %v, and %q on stderr", args, err, &b)
		}
	}
	var b bytes.Buffer
	if _, err := ParseArgs([]string{"--help"}, &b); !errors.Is(err, flag.ErrHelp) {
		t.Errorf("--help: %v", err)
	}
	for _, name := range itemNames() {
		if !strings.Contains(b.String(), name) {
			t.Errorf("the help does not name the work item %s", name)
		}
	}
}

// TestPlan checks which work runs under which options.
func TestPlan(t *testing.T) {
	count := len(items()) - 3 // without the idle items and the wait
	for _, c := range []struct {
		name   string
		o      Options
		phases int
		items  int // of the first phase
		idle   bool
	}{
		{"default", Options{Hogs: HogsByPlan}, 4, count, true},
		{"no hogs", Options{}, 3, count, true},
		{"beside hogs all but idle", Options{Hogs: 2}, 3, count, false},
		{"one placement", Options{Hogs: HogsByPlan, Placements: []string{same}}, 1, count, true},
		{"some work", Options{Hogs: HogsByPlan, Work: []string{"view", "call/32"}}, 4, 7, false},
		{"what debuggers cost", forKD(Options{Hogs: HogsByPlan}), 1, 2, false},
		{"idle only", Options{Hogs: HogsByPlan, Work: []string{"idle"}}, 0, 0, true},
	} {
		p := newPlan(c.o)
		if len(p.phases) != c.phases || p.idle != c.idle || p.idleCPU != c.idle {
			t.Errorf("%s: %d phases, idle %v and %v", c.name, len(p.phases), p.idle, p.idleCPU)
		}
		if c.phases > 0 && len(p.phases[0].items) != c.items {
			t.Errorf("%s: %d items, want %d", c.name, len(p.phases[0].items), c.items)
		}
	}
	last := newPlan(Options{Hogs: HogsByPlan}).phases[3]
	if last.placement != free || last.hogs != 2 || len(last.items) != 1 || last.pairs != 20 || last.rounds != 3 {
		t.Errorf("beside hogs: %+v", last)
	}
}

// TestPlanTime adds up what the default plan measures: the issue wants it
// under ten minutes with all that is around.
func TestPlanTime(t *testing.T) {
	var sum time.Duration
	for _, ph := range newPlan(Options{Hogs: HogsByPlan}).phases {
		for _, it := range ph.items {
			sum += time.Duration(ph.pairs*ph.rounds*3) * (it.spec.Measure + it.spec.WarmUp)
		}
	}
	t.Logf("the measured parts alone take %v", sum)
	if sum > 7*time.Minute {
		t.Errorf("the measured parts alone take %v", sum)
	}
}
