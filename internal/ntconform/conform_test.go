package ntconform

import (
	"maps"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/seed-eedd8485/lpc/internal/proctest"
)

// play runs all scenes that a driver can.
func play(t *testing.T, d Driver) {
	proctest.Watchdog(t, hangs)
	o := NewObserver()
	t.Cleanup(o.Close)
	for _, s := range Scenes() {
		if s.Needs&^d.Offers() != 0 {
			continue // another driver plays it: TestEverySceneIsPlayed
		}
		t.Run(s.Name, func(t *testing.T) {
			if err := Run(d, o, &s); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestOneProcess(t *testing.T) { play(t, NewInProcess()) }

// TestNothingIsLeft: after a scene its ports, messages, threads and tokens are gone from
// the pool. Some end behind the calls, so it is looked at until it is so.
func TestNothingIsLeft(t *testing.T) {
	proctest.Watchdog(t, hangs)
	d, o := NewInProcess(), NewObserver()
	t.Cleanup(o.Close)
	_ = Run(d, o, &Scene{Name: "a.0 the process's own records", Steps: connected()})
	for _, s := range Scenes() {
		if s.Needs&^d.Offers() != 0 {
			continue
		}
		before := census(t, o)
		if Run(d, o, &s) != nil {
			continue // TestOneProcess says why
		}
		after := census(t, o)
		for end := time.Now().Add(patience); !maps.Equal(before, after) && time.Now().Before(end); after = census(t, o) {
			runtime.Gosched()
		}
		if !maps.Equal(before, after) {
			t.Fatalf("%s: the pool had %v and has %v", s.Name, before, after)
		}
	}
}

func census(t *testing.T, o *Observer) map[string]int {
	t.Helper()
	n, err := o.Census(uint64(os.Getpid()))
	if err != nil {
		t.Fatal(err)
	}
	maps.DeleteFunc(n, func(tag string, _ int) bool {
		return !slices.Contains([]string{"Port", "LpcM", "Thre", "Toke", "Sect"}, tag)
	})
	return n
}

func newGoProcesses() *Processes {
	return NewProcesses(Beyond, func() *exec.Cmd { return proctest.Command("calls") })
}

func TestProcesses(t *testing.T) {
	d := newGoProcesses()
	play(t, d)
	if err := d.Close(); err != nil {
		t.Error(err)
	}
}
