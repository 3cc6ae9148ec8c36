package live

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/seed-eedd8485/lpc/target"
	"github.com/seed-eedd8485/lpc/target/lpcpool"
)

// process is a process whose pool is open.
type process struct {
	pid    int
	pidfd  int // -1 where the kernel has none
	start  uint64
	number uint32 // of its pool
	files  map[uint64]*file
	pool   *lpcpool.Pool
}

var errNoPool = errors.New("no pool")

// refusal is a sentence of a kind: fs.ErrPermission, fs.ErrNotExist, errNoPool.
type refusal struct {
	text string
	kind error
}

func (r *refusal) Error() string { return r.text }
func (r *refusal) Unwrap() error { return r.kind }

func refuse(kind error, format string, a ...any) error {
	return &refusal{fmt.Sprintf(format, a...), kind}
}

// open opens a process's pool. old is what is open of the process with this pid,
// if anything: it is returned if it still is the same pool.
func open(pid int, old *process) (*process, error) {
	if old != nil && old.gone() == nil {
		l, err := poolFiles(pid)
		if err == nil && old.has(l) {
			old.take(l)
			return old, nil
		}
	}
	p := &process{pid: pid, files: map[uint64]*file{}}
	fd, err := unix.PidfdOpen(pid, 0)
	switch {
	case errors.Is(err, unix.ESRCH):
		return nil, refuse(fs.ErrNotExist, "there is no process %d", pid)
	case err != nil:
		fd = -1
	}
	p.pidfd, p.start = fd, startTicks(pid)
	if err := p.read(); err != nil {
		p.close()
		return nil, err
	}
	return p, nil
}

// read opens what there is.
func (p *process) read() error {
	l, err := poolFiles(p.pid)
	if err != nil {
		return err
	}
	if len(l) == 0 {
		return refuse(errNoPool, "process %d has no pool: it does not use lpc", p.pid)
	}
	var files []*file
	for _, e := range l {
		f, err := openExtent(e)
		if errors.Is(err, fs.ErrNotExist) {
			continue // closed meanwhile, or no extent
		}
		if err != nil {
			closeAll(files)
			return denied(p.pid, err)
		}
		files = append(files, f)
	}
	extents, err := p.sort(files)
	if err != nil {
		closeAll(files)
		return err
	}
	p.pool = &lpcpool.Pool{
		Number: p.number, Extents: extents, Grow: p.grow, Gone: p.gone,
		Process: target.Process{ID: uint32(p.pid), Parent: parent(p.pid), Image: command(p.pid), Start: started(p.pid)},
	}
	if e := extents[0]; e != nil && p.start != 0 {
		if t, ok := lpcpool.StartTime(e); ok && t != 0 && t != p.start {
			p.pool.Process.Err = fmt.Errorf("the pool that process %d holds was made by one of the same number that was started %d clock ticks after boot; this one was at %d", p.pid, t, p.start)
		}
	}
	if err := p.gone(); err != nil {
		return refuse(fs.ErrNotExist, "process %d ended while it was opened", p.pid)
	}
	return nil
}

// sort keeps the extents of the process's own pool: one that was forked holds its
// parent's too, and may have none of its own.
func (p *process) sort(files []*file) (map[uint32]lpcpool.Bytes, error) {
	inner := innerPID(p.pid)
	own, other := false, uint32(0)
	for _, f := range files {
		if f.whole && f.number == inner {
			own = true
		} else if f.whole {
			other = f.number
		}
	}
	if !own && other != 0 {
		return nil, refuse(errNoPool, "process %d has no pool of its own: it holds that of process %d, from which it was forked", p.pid, other)
	}
	p.number = inner
	extents := map[uint32]lpcpool.Bytes{}
	var damaged []*file
	for _, f := range files {
		switch {
		case !f.whole, f.number == inner && extents[f.index] != nil:
			damaged = append(damaged, f)
		case f.number == inner:
			extents[f.index] = f
			p.files[f.inode] = f
		default:
			f.close()
		}
	}
	for i, f := range placed(p.pid, damaged, extents) {
		extents[i] = f
		p.files[f.inode] = f
	}
	for _, f := range damaged {
		if p.files[f.inode] != f {
			f.close()
		}
	}
	if len(extents) == 0 {
		return nil, refuse(errNoPool, "process %d has no pool: it does not use lpc", p.pid)
	}
	return extents, nil
}

// has tells whether the pool's first extent is among the files still: a process
// that has become another program (execve(2)) has lost its pool.
func (p *process) has(l []entry) bool {
	if p.pool.Process.Err != nil {
		return false
	}
	for _, e := range l {
		if f := p.files[e.inode]; f != nil {
			return true
		}
	}
	return false
}

// take opens what is new in the list and returns it by index.
func (p *process) take(l []entry) map[uint32]lpcpool.Bytes {
	fresh := map[uint32]lpcpool.Bytes{}
	for _, e := range l {
		if p.files[e.inode] != nil {
			continue
		}
		f, err := openExtent(e)
		if err != nil {
			continue // its walk says that the extent is missing
		}
		if !f.whole || f.number != p.number || p.pool.Extents[f.index] != nil {
			f.close()
			continue
		}
		p.files[f.inode], p.pool.Extents[f.index], fresh[f.index] = f, f, f
	}
	return fresh
}

// grow looks for extents that were made since.
func (p *process) grow() map[uint32]lpcpool.Bytes {
	if p.gone() != nil {
		return nil
	}
	l, err := poolFiles(p.pid)
	if err != nil {
		return nil
	}
	return p.take(l)
}

// gone says that the process has ended. Its memory stays readable as long as it is
// open here.
func (p *process) gone() error {
	if p.pidfd >= 0 {
		fds := []unix.PollFd{{Fd: int32(p.pidfd), Events: unix.POLLIN}} // pidfd_open(2): readable when it has ended
		if n, err := unix.Poll(fds, 0); err != nil || n == 0 {
			return nil
		}
		return p.ended()
	}
	if startTicks(p.pid) != p.start {
		return p.ended()
	}
	return nil
}

func (p *process) ended() error {
	return fmt.Errorf("process %d has ended; its memory is read as it left it", p.pid)
}

func (p *process) close() {
	for _, f := range p.files {
		f.close()
	}
	clear(p.files)
	if p.pidfd >= 0 {
		_ = unix.Close(p.pidfd)
		p.pidfd = -1
	}
}

func closeAll(files []*file) {
	for _, f := range files {
		f.close()
	}
}

// denied makes a sentence of what the kernel said.
func denied(pid int, err error) error {
	switch {
	case errors.Is(err, fs.ErrPermission):
		return refuse(fs.ErrPermission, "process %d may not be read: no right to ptrace it, or it is not dumpable", pid)
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, unix.ESRCH):
		return refuse(fs.ErrNotExist, "there is no process %d", pid)
	}
	return fmt.Errorf("reading process %d: %w", pid, err)
}

// processes are the pids of this machine.
func processes() ([]int, error) {
	d, err := os.Open("/proc")
	if err != nil {
		return nil, fmt.Errorf("listing the processes: %w", err)
	}
	defer func() { _ = d.Close() }()
	names, err := d.Readdirnames(-1)
	if err != nil {
		return nil, fmt.Errorf("listing the processes: %w", err)
	}
	var pids []int
	for _, n := range names {
		if pid, err := strconv.Atoi(n); err == nil && pid > 0 {
			pids = append(pids, pid)
		}
	}
	return pids, nil
}
