package security

import (
	"slices"
	"sync"

	"golang.org/x/sys/unix"
)

// registry knows the threads of this process that impersonate, or start a child
// as a client. It keeps the
// process's dumpable flag for them: the kernel clears it at every change of
// effective ids, in either direction (PR_SET_DUMPABLE(2const)), and without it
// there are no core files, and /proc/PID belongs to root. While a thread has a
// client's ids that is as it must be. Afterwards it is not.
type registry struct {
	mu       sync.Mutex
	active   map[int]*Active // by thread id
	lost     []int           // threads that were not restored, until they are gone
	dumpable int             // as it was before the first of active and lost
}

var threads = registry{active: make(map[int]*Active)}

// enter is called before the first change of a's thread, on it.
func (r *registry) enter(a *Active) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.active[a.tid] != nil {
		return ErrNested
	}
	if len(r.active) == 0 && len(r.lost) == 0 {
		d, err := unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0)
		if err != nil {
			return err
		}
		r.dumpable = d
	}
	r.active[a.tid] = a
	return nil
}

// leave is called after the last change of a's thread, on it. The last thread to
// leave restores the flag, unless one that was not restored is still there.
func (r *registry) leave(a *Active, restored bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.active, a.tid)
	if !restored {
		r.lost = append(r.lost, a.tid)
		return
	}
	if len(r.active) > 0 {
		return
	}
	r.lost = slices.DeleteFunc(r.lost, gone)
	if len(r.lost) == 0 {
		setDumpable(r.dumpable)
	}
}

func (r *registry) current(tid int) *Token {
	r.mu.Lock()
	defer r.mu.Unlock()
	if a := r.active[tid]; a != nil {
		return a.tok
	}
	return nil
}

// gone reports whether the thread has ended. A new thread with its number makes
// the answer no, which costs core files and gives nothing away.
func gone(tid int) bool { return unix.Tgkill(unix.Getpid(), tid, 0) == unix.ESRCH }

// setDumpable sets the flag to what it was. 2 ("root only") cannot be asked for:
// if it is not there any more, 0 gives away the least.
func setDumpable(d int) {
	if d == 2 {
		if now, err := unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0); err == nil && now == 2 {
			return
		}
		d = 0
	}
	_ = unix.Prctl(unix.PR_SET_DUMPABLE, uintptr(d), 0, 0, 0) // 0 and 1 are never refused
}
