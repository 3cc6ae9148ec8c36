package pool

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
)

// A Pool is the pool of one process. All methods may be called concurrently.
type Pool struct {
	number Addr // pool number << 40

	mu      sync.Mutex
	base    mapping             // of the reserved address space; immutable
	fds     []int               // one an extent, open as long as the process lives
	free    [][]uint64          // by class: offsets of free blocks
	large   map[uint64][]uint64 // by size, beyond the classes
	hdr     *Header
	handles []Addr
	limit   uint64

	trackers map[Tag]*Tracker // nil while the pool is made
	tracked  *TrackerTable    // the last one
}

// ErrFull means that the pool has reached its limit; the allocation that failed
// is counted in the pool's Header with the quota that caused it.
type ErrFull struct {
	Size  int
	Tag   Tag
	Limit uint64
}

func (e *ErrFull) Error() string {
	return fmt.Sprintf("allocating %d bytes of pool with tag %s: the pool's limit of %d bytes is reached", e.Size, e.Tag, e.Limit)
}

var process = sync.OnceValues(func() (*Pool, error) { return newPool(uint32(os.Getpid())) })

// Process is the pool of this process, made at the first call. It lives until
// the process ends.
func Process() (*Pool, error) { return process() }

// classes are the block sizes with a free list, header included.
var classes = [...]uint64{64, 128, 256, 384, 512, 768, 1024, 2048, 4096}

func newPool(pid uint32) (*Pool, error) {
	base, err := reserveSpace(reserve)
	if err != nil {
		return nil, fmt.Errorf("reserving address space for the pool: %w", err)
	}
	p := &Pool{
		number: Addr(pid) << poolShift, base: base, free: make([][]uint64, len(classes)),
		large: map[uint64][]uint64{}, limit: reserve / 2,
	}
	if err := p.grow(); err != nil {
		return nil, err
	}
	hdr, _, err := New[Header](p, TagPool, 0)
	if err != nil {
		return nil, err
	}
	p.hdr = hdr
	*hdr = Header{
		Version: Version, HeaderSize: uint32(sizeof[Header]()), ProcessID: pid, Extents: 1,
		StartTime: StartTime(os.Getpid()), ParentID: uint32(os.Getppid()), Limit: p.limit, Used: hdr.Used, Blocks: hdr.Blocks,
	}
	if exe, err := os.Readlink("/proc/self/exe"); err == nil {
		copy(hdr.Program[:len(hdr.Program)-1], filepath.Base(exe))
	}
	types := TypeDescription()
	body, a, err := p.Alloc(TagPool, len(types), 0)
	if err != nil {
		return nil, err
	}
	copy(bytesAt(body, len(types)), types)
	hdr.Types, hdr.TypesLength = a, uint64(len(types))
	p.account(int64(p.block(uint64(sizeof[ExtentHeader]())).Size), 1) // the header's own block was cut before there was a header
	return p, p.startTrackers()
}

// Header is the pool's header; fields other than the clock are the pool's own.
func (p *Pool) Header() *Header { return p.hdr }

// sizeClass is the index of the smallest class that holds n bytes, or -1.
func sizeClass(n uint64) int {
	for i, c := range classes {
		if n <= c {
			return i
		}
	}
	return -1
}

// alloc cuts or reuses a block for n bytes of body. It returns the block's offset.
func (p *Pool) alloc(tag Tag, n int, owner Addr) (uint64, error) {
	need := uint64(n) + blockHeaderSize
	class := sizeClass(need)
	if class >= 0 {
		need = classes[class]
	} else {
		need = (need + 4095) &^ 4095
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	off, refused := p.allocLocked(tag, n, owner, class, need)
	if refused != "" {
		return 0, p.failed(n, tag, refused)
	}
	return off, nil
}

// allocLocked is alloc of need bytes with the header; p.mu is held. refused is the quota
// that has no room, "" for none: whoever asked records it.
func (p *Pool) allocLocked(tag Tag, n int, owner Addr, class int, need uint64) (off uint64, refused string) {
	if n < 0 || need > ExtentSize-uint64(sizeof[ExtentHeader]()) || p.hdr != nil && p.hdr.Used+need > p.limit {
		return 0, "pool limit"
	}
	off, ok := p.reuse(class, need)
	if !ok {
		var err error
		if off, err = p.cut(need); err != nil {
			return 0, err.Error()
		}
	}
	b := p.block(off)
	clearBody(b, need)
	b.Size, b.Tag, b.Owner = uint32(need), tag, owner
	b.Sequence++
	b.State = BlockAllocated
	b.Magic = BlockMagic
	p.account(int64(need), 1)
	if t := p.tracker(tag); t != nil {
		t.Allocs++
		t.Bytes += need
	}
	return off, ""
}

func (p *Pool) account(bytes, blocks int64) {
	if p.hdr != nil {
		p.hdr.Used += uint64(bytes)
		p.hdr.Blocks += uint64(blocks)
		p.hdr.Extents = uint32(len(p.fds))
	}
}

func (p *Pool) failed(n int, tag Tag, quota string) error {
	if p.hdr != nil {
		p.hdr.Failures++
		p.hdr.FailureSize, p.hdr.FailureTag = uint64(n), tag
		p.hdr.FailureQuota = [32]byte{}
		copy(p.hdr.FailureQuota[:len(p.hdr.FailureQuota)-1], quota)
		if t := p.tracker(tag); t != nil {
			t.Failures++
		}
	}
	return &ErrFull{Size: n, Tag: tag, Limit: p.limit}
}

// RecordFailure counts an allocation of n bytes that a quota outside the pool
// refused, so that a debugger sees it. Of quota, 31 bytes are kept.
func (p *Pool) RecordFailure(n int, tag Tag, quota string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	_ = p.failed(n, tag, quota)
}

func (p *Pool) reuse(class int, need uint64) (uint64, bool) {
	if class < 0 {
		l := p.large[need]
		if len(l) == 0 {
			return 0, false
		}
		off := l[len(l)-1]
		p.large[need] = l[:len(l)-1]
		return off, true
	}
	l := p.free[class]
	if len(l) == 0 {
		return 0, false
	}
	off := l[len(l)-1]
	p.free[class] = l[:len(l)-1]
	return off, true
}

// cut takes need fresh bytes from the last extent, or from a new one.
func (p *Pool) cut(need uint64) (uint64, error) {
	e := p.extent(len(p.fds) - 1)
	if e.Tail+need > ExtentSize {
		if err := p.grow(); err != nil {
			return 0, err
		}
		e = p.extent(len(p.fds) - 1)
	}
	off := uint64(e.Index)*ExtentSize + e.Tail
	e.Tail += need
	return off, nil
}

// Free gives a block back. a is the address that Alloc returned; the caller
// holds no pointer into the block any more.
func (p *Pool) Free(a Addr) {
	off := a.Offset() - blockHeaderSize
	p.mu.Lock()
	defer p.mu.Unlock()
	b := p.block(off)
	if b.Magic != BlockMagic || b.State != BlockAllocated {
		panic(fmt.Sprintf("lpc: freeing pool block %#x, which is not allocated", uint64(a)))
	}
	b.State = BlockFree
	b.Sequence++
	b.Owner = 0
	size := uint64(b.Size)
	if class := sizeClass(size); class >= 0 && classes[class] == size {
		p.free[class] = append(p.free[class], off)
	} else {
		p.large[size] = append(p.large[size], off)
	}
	p.account(-int64(size), -1)
	if t := p.tracker(b.Tag); t != nil {
		t.Frees++
		t.Bytes -= size
	}
}

// StartTime is when a process began, in clock ticks after boot (field 22 of
// /proc/PID/stat): with the pid it names the process. 0: it is gone.
func StartTime(pid int) uint64 {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	return parseStartTime(b)
}

// parseStartTime finds field 22, counted behind the last ')', since the program's
// name may hold anything (proc(5)).
func parseStartTime(stat []byte) uint64 {
	i := len(stat) - 1
	for i >= 0 && stat[i] != ')' {
		i--
	}
	field, n, in := 2, uint64(0), false
	for _, c := range stat[i+1:] {
		if c == ' ' {
			if in && field == 22 {
				return n
			}
			field, n, in = field+1, 0, true
			continue
		}
		if field == 22 && c >= '0' && c <= '9' {
			n = n*10 + uint64(c-'0')
		}
	}
	return n
}
