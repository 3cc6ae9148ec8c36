package ntconform

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
)

// Processes is a driver whose threads are in other processes. Each line to such a
// process is a Request, with "thread" for the thread that is to make it; each line
// from it is a Result, with "thread" likewise. A thread that is not known yet is made
// by its first Request. The process ends when its input does.
type Processes struct {
	Command func() *exec.Cmd // that speaks so: ServeCalls, or the C driver
	Can     Needs

	mu  sync.Mutex
	all map[byte]*process
	n   int
}

// NewProcesses makes a driver; with Together all its threads are in one process. Close
// ends its processes.
func NewProcesses(can Needs, command func() *exec.Cmd) *Processes {
	if can&Together == 0 {
		can |= Apart
	}
	return &Processes{Command: command, Can: can, all: map[byte]*process{}}
}

// Offers is what it was made with.
func (d *Processes) Offers() Needs { return d.Can }

// Close ends all processes.
func (d *Processes) Close() error {
	var err error
	for p := range d.all {
		err = errors.Join(err, d.end(p, (*process).leave))
	}
	return err
}

// Kill is Driver's.
func (d *Processes) Kill(p byte) error {
	return d.end(p, func(p *process) error {
		if err := p.cmd.Process.Kill(); err != nil {
			return err
		}
		_ = p.cmd.Wait() // that it was killed
		return nil
	})
}

func (d *Processes) end(name byte, how func(*process) error) error {
	d.mu.Lock()
	p := d.all[name]
	delete(d.all, name)
	d.mu.Unlock()
	if p == nil {
		return nil
	}
	err := how(p)
	<-p.read
	return err
}

// Thread is Driver's.
func (d *Processes) Thread(name byte, _ string) (Thread, error) {
	if d.Can&Together != 0 {
		name = 0
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	p := d.all[name]
	if p == nil {
		var err error
		if p, err = begin(d.Command()); err != nil {
			return nil, err
		}
		d.all[name] = p
	}
	d.n++
	return p.thread(fmt.Sprintf("t%d", d.n)), nil
}

// A process is one that makes calls.
type process struct {
	cmd  *exec.Cmd
	in   io.WriteCloser
	read chan struct{} // closed when all that it said was read

	mu      sync.Mutex
	threads map[string]*remote
	ended   bool
}

func begin(cmd *exec.Cmd) (*process, error) {
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &process{cmd: cmd, in: in, read: make(chan struct{}), threads: map[string]*remote{}}
	go p.results(out)
	return p, nil
}

func (p *process) results(out io.Reader) {
	defer close(p.read)
	for d := json.NewDecoder(bufio.NewReader(out)); ; {
		var res Result
		err := d.Decode(&res)
		p.mu.Lock()
		if err != nil {
			for _, t := range p.threads {
				close(t.results)
			}
			p.ended = true
			p.mu.Unlock()
			return
		}
		if t := p.threads[res["thread"]]; t != nil {
			t.results <- res // has room: one call at a time
		}
		p.mu.Unlock()
	}
}

// leave ends a process in peace.
func (p *process) leave() error {
	_ = p.in.Close()
	<-p.read // Wait closes what is still to be read
	return p.cmd.Wait()
}

func (p *process) thread(name string) *remote {
	p.mu.Lock()
	defer p.mu.Unlock()
	t := &remote{p: p, name: name, results: make(chan Result, 1)}
	if p.ended {
		close(t.results)
	} else {
		p.threads[name] = t
	}
	return t
}

// remote is a thread of such a process.
type remote struct {
	p       *process
	name    string
	results chan Result
}

func (t *remote) Result() <-chan Result { return t.results }

// Start writes the request. What cannot be written is for a process that has ended,
// which Result tells.
func (t *remote) Start(req Request) {
	line := map[string]string{"thread": t.name}
	for k, v := range req {
		line[k] = v
	}
	b, err := json.Marshal(line)
	if err != nil {
		panic(err) // texts cannot fail
	}
	_, _ = t.p.in.Write(append(b, '\n'))
}

func (t *remote) Discard() {
	t.p.mu.Lock()
	defer t.p.mu.Unlock()
	delete(t.p.threads, t.name)
}

// ServeCalls makes the calls that come on r with package nt, until r ends: the other
// side of Processes.
func ServeCalls(r io.Reader, w io.Writer) error {
	x := newExecutor()
	threads := map[string]*local{}
	var mu sync.Mutex
	out := json.NewEncoder(w)
	for d := json.NewDecoder(bufio.NewReader(r)); ; {
		var req Request
		if err := d.Decode(&req); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		name := req["thread"]
		t := threads[name]
		if t == nil {
			var err error
			if t, err = x.thread(); err != nil {
				return err
			}
			threads[name] = t
			go func() {
				for res := range t.results {
					res["thread"] = name
					mu.Lock()
					_ = out.Encode(res) // nobody reads: the input ends too
					mu.Unlock()
				}
			}()
		}
		t.Start(req)
	}
}
