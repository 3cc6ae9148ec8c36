package ntconform

import (
	"fmt"
	"sync"

	"github.com/seed-eedd8485/lpc/kd/records"
	"github.com/seed-eedd8485/lpc/nt"
	"github.com/seed-eedd8485/lpc/target"
	"github.com/seed-eedd8485/lpc/target/live"
)

// An Observer looks at processes as a debugger does: it reads their pools and asks
// them nothing. It may be used by several goroutines.
type Observer struct {
	mu  sync.Mutex
	all map[uint64]*live.Target // by pid
}

// NewObserver looks at nothing yet.
func NewObserver() *Observer { return &Observer{all: map[uint64]*live.Target{}} }

// Close lets go of all processes.
func (o *Observer) Close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	for pid, t := range o.all {
		_ = t.Close()
		delete(o.all, pid)
	}
}

func (o *Observer) open(pid uint64) (*live.Target, error) {
	if t := o.all[pid]; t != nil {
		return t, t.Refresh()
	}
	t, err := live.Open(int(pid))
	if err == nil {
		o.all[pid] = t
	}
	return t, err
}

// threadRecord is what a thread's record says, by NT's names.
func (o *Observer) threadRecord(id nt.ClientID, read func(*records.Record)) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	t, err := o.open(id.UniqueProcess)
	if err != nil {
		return err
	}
	for th := range t.System().Threads(0) {
		if th.Err == nil && th.ID == id.UniqueThread {
			return readRecord(t, th.Addr, "_ETHREAD", read)
		}
	}
	return fmt.Errorf("process %d has no record of thread %d", id.UniqueProcess, id.UniqueThread)
}

func readRecord(t target.Target, addr uint64, name string, read func(*records.Record)) error {
	r, err := records.NewReader(t).Read(addr, name)
	if err == nil {
		read(r)
	}
	return err
}

// Waits tells what a thread waits for: a message to receive, a reply (also that to a
// connection request), neither.
func (o *Observer) Waits(id nt.ClientID) (receive, reply bool, err error) {
	err = o.threadRecord(id, func(r *records.Record) {
		reply = r.U("LpcReplyMessageId") != 0
		receive = !reply && r.U("WaitReason") == records.WrLpcReceive
	})
	return receive, reply, err
}

// portRecord is what the port object says that a handle of a process stands for.
func (o *Observer) portRecord(pid, handle uint64, read func(*records.Record, target.Object)) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	t, err := o.open(pid)
	if err != nil {
		return err
	}
	sys := t.System()
	p, err := sys.Process(pid)
	if err != nil {
		return err
	}
	for h := range sys.Handles(p.Addr) {
		if h.Err != nil || h.Value != handle || h.Object == 0 {
			continue
		}
		obj, err := sys.Object(h.Object)
		if err != nil {
			return err
		}
		return readRecord(t, h.Object, "_LPCP_PORT_OBJECT", func(r *records.Record) { read(r, obj) })
	}
	return fmt.Errorf("process %d has no handle %#x", pid, handle)
}

// Census counts what is allocated in a process's pool, by tag.
func (o *Observer) Census(pid uint64) (map[string]int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	t, err := o.open(pid)
	if err != nil {
		return nil, err
	}
	n := map[string]int{}
	for b := range t.System().Blocks("") {
		if b.Err == nil && b.Allocated {
			n[string(b.Tag[:])]++
		}
	}
	return n, nil
}
