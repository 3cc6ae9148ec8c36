package records

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/seed-eedd8485/lpc/target"
)

// Part says what of a World is read.
type Part uint8

// The parts. Processes are always read.
const (
	Ports Part = 1 << iota
	Threads
	Messages
	All = Ports | Threads | Messages
)

// A World is one look at a target: all its ports, threads and messages. On a
// running system its parts are read one after the other, and what they say of each
// other need not agree.
type World struct {
	*Reader
	Now       time.Time // of the look; zero when the target does not know
	Processes []target.Process
	Ports     []*Port
	Unread    []*Port // ports of which no more than the name can be read, with Err
	HowPorts  string  // how they were found, when not by the type's list
	PortAt    map[uint64]*Port
	Threads   []*Thread
	Messages  []*Message // without free ones
	Trouble   []string   // what could not be read, a sentence each

	processAt map[uint64]*target.Process
	processID map[uint32]*target.Process
	channels  map[uint64][]*Port
	clocks    map[uint64]clock // by process
	frames    map[uint64]Frame
	chains    map[uint64]replyChain // by thread
	noPort    map[uint64]bool       // links of reply chains behind which no port's stands
}

// maxTrouble bounds the sentences of one World.
const maxTrouble = 100

// Look reads parts of a target. The target must have Objects, and Threads and Pools
// for those parts. The error is the context's; what cannot be read is in Trouble.
func Look(ctx context.Context, r *Reader, parts Part) (*World, error) {
	w := &World{Reader: r, PortAt: map[uint64]*Port{}, processAt: map[uint64]*target.Process{}, processID: map[uint32]*target.Process{}, channels: map[uint64][]*Port{}, clocks: map[uint64]clock{}, frames: map[uint64]Frame{}, chains: map[uint64]replyChain{}, noPort: map[uint64]bool{}}
	sys := r.T.System()
	for p := range sys.Processes() {
		w.Processes = append(w.Processes, p)
	}
	for i := range w.Processes {
		p := &w.Processes[i]
		if p.Addr != 0 {
			w.processAt[p.Addr] = p
		}
		w.processID[p.ID] = p
		if p.Err != nil {
			if p.Addr == 0 && p.ID == 0 { // not of a process, but of the list of them
				w.trouble("processes: %w", p.Err)
				continue
			}
			w.trouble("process %d: %w", p.ID, p.Err)
		}
	}
	for _, read := range []struct {
		part Part
		f    func(context.Context, target.System) error
	}{{Ports, w.readPorts}, {Messages, w.readMessages}, {Threads, w.readThreads}} {
		if parts&read.part != 0 {
			if err := read.f(ctx, sys); err != nil {
				return nil, err
			}
		}
	}
	w.Now = r.T.Now()
	return w, w.placeMessages(ctx)
}

func (w *World) trouble(format string, args ...any) {
	if text := fmt.Errorf(format, args...).Error(); len(w.Trouble) < maxTrouble && !slices.Contains(w.Trouble, text) {
		w.Trouble = append(w.Trouble, text)
	}
}

// Process is the process with that address, nil when there is none.
func (w *World) Process(addr uint64) *target.Process { return w.processAt[addr] }

// ProcessID is the process with that id, nil when there is none.
func (w *World) ProcessID(id uint32) *target.Process { return w.processID[id] }

func stopped(ctx context.Context, n int) error {
	if n%1024 == 0 && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return nil
}

func (w *World) readPorts(ctx context.Context, sys target.System) error {
	seq, how := sys.Ports()
	w.HowPorts = how
	for o := range seq {
		if err := stopped(ctx, len(w.Ports)+1); err != nil {
			return err
		}
		p := w.port(o)
		if p.Err != nil && o.Addr == 0 { // not of a port, but of the way to them
			w.trouble("ports: %w", p.Err)
			continue
		}
		if p.Err != nil {
			w.Unread = append(w.Unread, p)
			if w.processAt[o.Process] == nil || w.processAt[o.Process].Err == nil {
				w.trouble("port at %#x: %w", o.Addr, p.Err)
			}
			continue
		}
		w.Ports = append(w.Ports, p)
		w.PortAt[p.Addr] = p
		if p.Channel != 0 {
			w.channels[p.Channel] = append(w.channels[p.Channel], p)
		}
	}
	return nil
}

func (w *World) readThreads(ctx context.Context, sys target.System) error {
	for o := range sys.Threads(0) {
		if err := stopped(ctx, len(w.Threads)+1); err != nil {
			return err
		}
		t := w.thread(o)
		if t.Err != nil && o.Addr == 0 {
			w.trouble("threads: %w", t.Err)
			continue
		}
		if t.Err != nil {
			if p := w.processAt[o.Process]; p == nil || p.Err == nil {
				w.trouble("thread at %#x: %w", o.Addr, t.Err)
			}
			continue
		}
		w.Threads = append(w.Threads, t)
	}
	return nil
}

// readMessages takes the message blocks of the pools. What became of NT's messages is
// told elsewhere: placeMessages looks there. The wait graph takes those from the queues
// of ports.
func (w *World) readMessages(ctx context.Context, sys target.System) error {
	if !w.T.Has(target.Pools) {
		return nil
	}
	n := 0
	for b := range sys.Blocks("LpcM") {
		n++
		if err := stopped(ctx, n); err != nil {
			return err
		}
		if b.Err != nil {
			if p := w.processAt[b.Process]; p == nil || p.Err == nil {
				w.trouble("pool block at %#x: %w", b.Addr, b.Err)
			}
			continue
		}
		if !b.Allocated {
			continue
		}
		m := w.MessageAt(b.Body, b.Process)
		switch {
		case m.nt && m.Err == nil:
			w.Messages = append(w.Messages, m)
		case m.Err != nil:
			w.trouble("message at %#x: %w", b.Body, m.Err)
		case m.State != stateFree:
			w.Messages = append(w.Messages, m)
		}
	}
	return nil
}
