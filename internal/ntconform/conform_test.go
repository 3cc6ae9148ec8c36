package ntconform

import (
	"os/exec"
	"testing"

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
