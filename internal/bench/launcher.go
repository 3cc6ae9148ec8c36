package bench

import (
	"os/exec"
	"runtime"
)

// launcher starts all children from one locked thread: a child inherits the
// affinity of the thread that forks it, and dies with that thread
// (PR_SET_PDEATHSIG names the thread, not the process: prctl(2)).
type launcher struct {
	work chan func()
	done chan struct{}
	cpus []int // that this process may use
}

// newLauncher returns a launcher; close it after the last child has ended.
func newLauncher() (*launcher, error) {
	l := &launcher{work: make(chan func()), done: make(chan struct{})}
	go func() {
		defer close(l.done)
		runtime.LockOSThread() // never unlocked: the thread ends with this goroutine
		for f := range l.work {
			f()
		}
	}()
	var err error
	l.run(func() { l.cpus, err = allowedCPUs() })
	if err != nil {
		l.close()
		return nil, err
	}
	return l, nil
}

func (l *launcher) run(f func()) {
	done := make(chan struct{})
	l.work <- func() {
		defer close(done)
		f()
	}
	<-done
}

// anywhere is a CPU for start that means any.
const anywhere = -1

// start starts cmd on one CPU, or anywhere.
func (l *launcher) start(cmd *exec.Cmd, cpu int) error {
	var err error
	l.run(func() { err = startOn(cmd, cpu, l.cpus) })
	return err
}

func (l *launcher) close() {
	close(l.work)
	<-l.done
}
