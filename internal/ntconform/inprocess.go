package ntconform

import (
	"fmt"
	"runtime"

	"github.com/seed-eedd8485/lpc/nt"
)

// InProcess is a driver whose threads are goroutines of this process.
type InProcess struct{ x *executor }

// NewInProcess makes one.
func NewInProcess() *InProcess { return &InProcess{newExecutor()} }

// Offers: all threads in one process.
func (*InProcess) Offers() Needs { return Together | Beyond }

// Kill is not offered.
func (*InProcess) Kill(byte) error { return fmt.Errorf("one process: there is none to kill") }

// Thread starts a goroutine.
func (d *InProcess) Thread(byte, string) (Thread, error) { return d.x.thread() }

// local is a thread of this process.
type local struct {
	calls   chan Request
	results chan Result
}

// thread starts a goroutine with an nt.Thread of its own, on an OS thread of its own:
// it may act as somebody else.
func (x *executor) thread() (*local, error) {
	l := &local{make(chan Request, 1), make(chan Result, 1)}
	made := make(chan error)
	go func() {
		runtime.LockOSThread() // and it ends with the goroutine
		t, err := nt.NewThread()
		made <- err
		if err != nil {
			return
		}
		for req := range l.calls {
			l.results <- x.call(t, req)
		}
	}()
	return l, <-made
}

func (l *local) Start(r Request)       { l.calls <- r }
func (l *local) Result() <-chan Result { return l.results }
func (l *local) Discard()              { close(l.calls) }
