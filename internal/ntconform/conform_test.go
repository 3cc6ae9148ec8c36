package ntconform

import (
	"os"
	"os/exec"
	"testing"
)

// play runs all scenes that a driver can.
func play(t *testing.T, d Driver) {
	watchdog(t)
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
	return NewProcesses(0, func() *exec.Cmd {
		cmd := exec.Command("/proc/self/exe")
		cmd.Env = append(os.Environ(), childEnv+"=1")
		return cmd
	})
}

func TestProcesses(t *testing.T) {
	d := newGoProcesses()
	play(t, d)
	if err := d.Close(); err != nil {
		t.Error(err)
	}
}
