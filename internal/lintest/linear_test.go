package lintest

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/anishathalye/porcupine"

	"github.com/seed-eedd8485/lpc/internal/proctest"
)

func TestLinearizable(t *testing.T) {
	for _, c := range []struct {
		name    string
		clients int
		config  config
		env     []string
		want    func(counts) bool // the ways that must have been taken
	}{
		{
			"quick handlers", 1, config{Goroutines: 8, Ops: 6000, Conns: 1, Keys: 512, Cancel: 20, Slow: 2000}, nil,
			func(c counts) bool { return c.Inline > 0 && c.Worker > 0 && c.Replaced > 0 && c.Abandoned > 0 },
		},
		{
			"slow handlers", 1, config{Goroutines: 8, Ops: 2000, Conns: 1, Keys: 256, Cancel: 10, Slow: 100}, nil,
			func(c counts) bool { return c.Worker > 0 && c.Abandoned > 0 },
		},
		{
			"three client processes", 3, config{Goroutines: 4, Ops: 2000, Conns: 1, Keys: 256, Cancel: 10, Slow: 200}, nil,
			func(c counts) bool { return c.Worker > 0 && c.Abandoned > 0 },
		},
		{
			"few workers", 2, config{Goroutines: 6, Ops: 1000, Conns: 2, Keys: 128, Cancel: 5, Slow: 50, Workers: 2}, nil,
			func(c counts) bool { return c.Worker > 0 && c.Abandoned > 0 },
		},
		{
			"all slots in use", 1, config{Goroutines: 200, Ops: 60, Conns: 1, Keys: 256, Cancel: 5, Slow: 50}, nil,
			func(c counts) bool { return c.Worker > 0 && c.Abandoned > 0 },
		},
		{
			"one processor", 2, config{Goroutines: 4, Ops: 2000, Conns: 1, Keys: 256, Cancel: 10, Slow: 200}, []string{"GOMAXPROCS=1"},
			func(c counts) bool { return c.Inline+c.Worker > 0 },
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.config.Name = "registers"
			linearizable(t, c.clients, c.config, c.env, c.want)
		})
	}
}

// linearizable makes histories until one has taken all ways that are wanted, among them
// calls of which nobody knows whether they happened, and checks each.
func linearizable(t *testing.T, clients int, c config, env []string, want func(counts) bool) {
	t.Helper()
	proctest.Watchdog(t, hangs)
	for range tries {
		ops, got := run(t, clients, c, env)
		unknown := 0
		for _, o := range ops {
			if o.Unknown {
				unknown++
			}
		}
		t.Logf("%d calls, %d cancelled or lost; server: %+v", len(ops), unknown, got)
		check(t, ops)
		if unknown > 0 && want(got) || t.Failed() {
			return
		}
	}
	t.Fatalf("in %d runs, not all ways were taken", tries)
}

// tries is how often a history is made until all ways were taken: which are, is a
// matter of how processes happen to be scheduled.
const tries = 10

// run makes one history.
func run(t *testing.T, clients int, c config, env []string) (ops []operation, got counts) {
	t.Helper()
	root := t.TempDir()
	server := startServer(t, root, c, env...)
	var children []*proctest.Child
	for i := range clients {
		c.ID = i
		children = append(children, start(t, "client", root, c, env...))
	}
	for _, p := range children {
		ops = append(ops, decode(t, p.Wait(t))...)
	}
	return ops, stop(t, server)
}

func decode(t *testing.T, b []byte) (ops []operation) {
	t.Helper()
	for d := json.NewDecoder(bytes.NewReader(b)); ; {
		var o operation
		if err := d.Decode(&o); errors.Is(err, io.EOF) {
			return ops
		} else if err != nil {
			t.Fatal(err)
		}
		ops = append(ops, o)
	}
}

// check fails where no order explains the history, and leaves a picture of it.
func check(t *testing.T, ops []operation) {
	t.Helper()
	result, info := porcupine.CheckOperationsVerbose(registers, history(ops), 0)
	if result == porcupine.Ok {
		return
	}
	path := strings.NewReplacer("/", "-", " ", "-").Replace(t.Name()) + ".html"
	err := porcupine.VisualizePath(registers, info, t.ArtifactDir()+"/"+path)
	t.Errorf("the history is not linearizable: %v; see %s/%s (go test -artifacts) %v", result, t.ArtifactDir(), path, err)
}
