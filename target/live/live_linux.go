package live

import (
	"errors"
	"fmt"
	"io/fs"
	"time"

	"golang.org/x/sys/unix"

	"github.com/seed-eedd8485/lpc/target"
	"github.com/seed-eedd8485/lpc/target/lpcpool"
)

// Target is running processes. It is for one goroutine at a time.
type Target struct {
	*lpcpool.View
	only   int              // the one process, 0: all
	procs  map[int]*process // whose pools are open, by pid
	listed []listener       // who listens, asked once
	denied int              // processes that may not be read, as of the last scan
}

var (
	_ target.Target    = (*Target)(nil)
	_ target.Refresher = (*Target)(nil)
)

// Open opens all processes with pools that the caller may look into, or the one
// with that pid. With pid 0 it succeeds even if there are none; a process that was
// asked for by number and has no pool, or may not be read, is an error.
func Open(pid int) (*Target, error) {
	t := &Target{View: lpcpool.New(nil), only: pid, procs: map[int]*process{}}
	if err := t.Refresh(); err != nil {
		_ = t.Close()
		return nil, err
	}
	return t, nil
}

// Refresh is target.Refresher's. After the end of a process that was opened by
// number, its last state stays.
func (t *Target) Refresh() error {
	pids := []int{t.only}
	if t.only == 0 {
		var err error
		if pids, err = processes(); err != nil {
			return err
		}
	}
	var pools []*lpcpool.Pool
	denied := map[int]error{}
	now := map[int]*process{}
	for _, pid := range pids {
		old := t.procs[pid]
		if t.only != 0 && old != nil && old.gone() != nil {
			now[pid] = old
			break
		}
		p, err := open(pid, old)
		switch {
		case err == nil:
			now[pid] = p
		case t.only != 0:
			return err
		case errors.Is(err, fs.ErrPermission):
			denied[pid] = err
		case errors.Is(err, errNoPool), errors.Is(err, fs.ErrNotExist):
		default:
			pools = append(pools, &lpcpool.Pool{Number: uint32(pid), Process: target.Process{ID: uint32(pid), Image: command(pid), Err: err}})
		}
	}
	for pid, p := range t.procs {
		if now[pid] != p {
			p.close()
		}
	}
	t.procs = now
	for _, p := range now {
		pools = append(pools, p.pool)
	}
	t.Reset(pools)
	if t.only == 0 {
		t.name(pools, denied)
	}
	return nil
}

// Describe is target.Target's.
func (t *Target) Describe() string {
	what := fmt.Sprintf("running: %s with pools", count(len(t.procs), "process", "processes"))
	if t.denied > 0 {
		what += fmt.Sprintf(", %d more that may not be read", t.denied)
	}
	if t.only != 0 {
		what = fmt.Sprintf("running: process %d", t.only)
		if p := t.procs[t.only]; p != nil {
			if err := p.gone(); err != nil {
				what = err.Error()
			}
		}
	}
	return what + " on " + machine()
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

func machine() string {
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return "this machine"
	}
	text := unix.ByteSliceToString
	return fmt.Sprintf("%s (%s %s %s)", text(u.Nodename[:]), text(u.Sysname[:]), text(u.Release[:]), text(u.Machine[:]))
}

// Now is the wall clock.
func (t *Target) Now() time.Time { return time.Now() }

// Close lets go of all descriptors.
func (t *Target) Close() error {
	for _, p := range t.procs {
		p.close()
	}
	t.procs = map[int]*process{}
	t.Reset(nil)
	return nil
}
