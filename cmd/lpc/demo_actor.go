package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
)

// actor is one process of the demo, seen by its parent. Only the parent's main
// goroutine uses it.
type actor struct {
	role   string
	pid    int
	cmd    *exec.Cmd
	stdin  io.WriteCloser
	events chan demoEvent // closed, then nil, when the process is gone

	ready  bool   // the server listens
	holds  bool   // the server has the call that it will never answer
	gone   bool   // no more events will come
	synced int    // messages that the server says it is done with
	done   int    // steps that the client finished
	sent   int    // messages that the client sent
	end    string // how the process ended; "" while it was not waited for
}

// startActor runs this program again in a role, in the namespace root.
func startActor(role, root string, args ...string) (*actor, error) {
	exe, err := os.Executable()
	if err != nil {
		return nil, err
	}
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer w.Close()
	cmd := exec.Command(exe, append([]string{"demo", "--role=" + role}, args...)...)
	cmd.Args[0] = os.Args[0] // the tests' binary is lpc only under that name
	cmd.Env = append(os.Environ(), "LPC_ROOT="+root)
	cmd.Stderr = os.Stderr
	cmd.ExtraFiles = []*os.File{w} // descriptor 3
	stdin, err := cmd.StdinPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		r.Close()
		return nil, err
	}
	a := &actor{role: role, pid: cmd.Process.Pid, cmd: cmd, stdin: stdin, events: make(chan demoEvent, 64)}
	go a.read(r, a.events)
	return a, nil
}

// read passes on what the process says until it is gone.
func (a *actor) read(r *os.File, to chan<- demoEvent) {
	defer r.Close()
	defer close(to)
	for dec := json.NewDecoder(r); ; {
		var e demoEvent
		if dec.Decode(&e) != nil {
			return
		}
		to <- e
	}
}

// tell gives the process a line to act on. A dead process is noticed by its events.
func (a *actor) tell(format string, args ...any) {
	_, _ = fmt.Fprintf(a.stdin, format+"\n", args...)
}

// kill ends the process, if it did not end itself, and reaps it; the second time
// it does nothing.
func (a *actor) kill() {
	if a.end != "" {
		return
	}
	// Kill before stdin is closed, which would have the process end itself. Kill
	// goes by pidfd: it cannot hit another process.
	_ = a.cmd.Process.Kill()
	_ = a.cmd.Wait()
	a.end = a.cmd.ProcessState.String()
}
