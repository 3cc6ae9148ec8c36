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
// the pool.
func TestNothingIsLeft(t *testing.T) {
	proctest.Watchdog(t, hangs)
	d, o := NewInProcess(), NewObserver()
	t.Cleanup(o.Close)
	if err := Run(d, o, &Scene{Name: "a.0 the process's own records", Steps: connected()}); err != nil {
		t.Fatal(err)
	}
	becomesEmpty(t, o, "before the first scene") // what ran before may still be ending
	for _, s := range Scenes() {
		if s.Needs&^d.Offers() != 0 {
			continue
		}
		if err := Run(d, o, &s); err != nil {
			t.Fatal(err)
		}
		becomesEmpty(t, o, s.Name)
	}
}

// becomesEmpty looks at the pool until it has nothing that scenes make: some of it ends
// behind the calls.
func becomesEmpty(t *testing.T, o *Observer, when string) {
	t.Helper()
	for end := time.Now().Add(patience); ; runtime.Gosched() {
		left, err := o.Census(uint64(os.Getpid()))
		if err != nil {
			t.Fatal(err)
		}
		maps.DeleteFunc(left, func(tag string, _ int) bool {
			return !slices.Contains([]string{"Port", "LpcM", "Thre", "Toke", "Sect"}, tag)
		})
		if len(left) == 0 {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%s: the pool still has %v", when, left)
		}
	}
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
