package pool

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Why the conversions here are sound: the address space [base, base+reserve) is
// reserved once and never given back, extents are mapped over it and never
// unmapped, and every offset comes from the allocator, so a pointer made here
// points into mapped memory outside the Go heap for the life of the process.

// mapping is where the pool is mapped.
type mapping = unsafe.Pointer

func sizeof[T any]() uintptr { var t T; return unsafe.Sizeof(t) }

func reserveSpace(n uintptr) (unsafe.Pointer, error) {
	p, err := unix.MmapPtr(-1, 0, nil, n, unix.PROT_NONE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS|unix.MAP_NORESERVE)
	if err == nil {
		// gdb's gcore writes out what is merely reserved, unless told not to (madvise(2));
		// extents are mappings of their own and stay in.
		_ = unix.Madvise(bytesAt(p, int(n)), unix.MADV_DONTDUMP)
	}
	return p, err
}

// at is the memory at an offset of the pool.
func (p *Pool) at(off uint64) unsafe.Pointer {
	return unsafe.Add(p.base, off)
}

func (p *Pool) extent(i int) *ExtentHeader    { return (*ExtentHeader)(p.at(uint64(i) * ExtentSize)) }
func (p *Pool) block(off uint64) *BlockHeader { return (*BlockHeader)(p.at(off)) }

// grow maps one more extent. Its descriptor stays open for debuggers.
func (p *Pool) grow() error {
	i := len(p.fds)
	if uint64(i+1)*ExtentSize > reserve {
		return fmt.Errorf("pool space used up")
	}
	fd, err := unix.MemfdCreate("lpc:pool", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if err != nil {
		return fmt.Errorf("making a pool extent: %w", err)
	}
	addr := p.at(uint64(i) * ExtentSize)
	err = unix.Ftruncate(fd, ExtentSize)
	if err == nil {
		_, err = unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, unix.F_SEAL_SHRINK|unix.F_SEAL_GROW|unix.F_SEAL_SEAL)
	}
	if err == nil {
		_, err = unix.MmapPtr(fd, 0, addr, ExtentSize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED|unix.MAP_FIXED)
	}
	if err != nil {
		_ = unix.Close(fd)
		return fmt.Errorf("mapping a pool extent: %w", err)
	}
	if p.hdr != nil && p.hdr.Locked != 0 {
		if err := p.lockExtent(i); err != nil {
			_ = unix.Close(fd) // the next attempt maps over it
			return err
		}
	}
	p.fds = append(p.fds, fd)
	*p.extent(i) = ExtentHeader{
		Pool: uint32(p.number >> poolShift), Index: uint32(i), Size: ExtentSize,
		Tail: uint64(sizeof[ExtentHeader]()), Magic: ExtentMagic,
	}
	return nil
}

// clearBody zeroes a block's body, so that nothing of its last use shows.
func clearBody(b *BlockHeader, size uint64) {
	if b.Size == 0 {
		return // never used: the kernel gave zeros
	}
	clear(unsafe.Slice((*byte)(unsafe.Add(unsafe.Pointer(b), blockHeaderSize)), size-blockHeaderSize))
}

func bytesAt(p unsafe.Pointer, n int) []byte { return unsafe.Slice((*byte)(p), n) }

// Alloc takes a block with n bytes of zeroed body and returns the body and its
// address. The block is the caller's until Free; it never moves.
func (p *Pool) Alloc(tag Tag, n int, owner Addr) (unsafe.Pointer, Addr, error) {
	off, err := p.alloc(tag, n, owner)
	if err != nil {
		return nil, 0, err
	}
	off += blockHeaderSize
	return p.at(off), p.number | Addr(off), nil
}

// AllocText takes a block that holds text.
func (p *Pool) AllocText(tag Tag, text string, owner Addr) (Addr, error) {
	m, a, err := p.Alloc(tag, max(len(text), 1), owner)
	if err == nil {
		copy(bytesAt(m, len(text)), text)
	}
	return a, err
}

// New takes a block for a T. T must hold no Go pointers: the garbage collector
// does not see the pool.
func New[T any](p *Pool, tag Tag, owner Addr) (*T, Addr, error) {
	m, a, err := p.Alloc(tag, int(sizeof[T]()), owner)
	return (*T)(m), a, err
}

// At is the T at an address that New returned.
func At[T any](p *Pool, a Addr) *T { return (*T)(p.at(a.Offset())) }

// Lock pins the pool in memory (mlock(2)), also what it grows by: its blocks then count
// as Nonpaged.
func (p *Pool) Lock() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range p.fds {
		if err := p.lockExtent(i); err != nil {
			return err
		}
	}
	p.hdr.Locked = 1
	return nil
}

func (p *Pool) lockExtent(i int) error {
	if err := unix.Mlock(bytesAt(p.at(uint64(i)*ExtentSize), ExtentSize)); err != nil {
		return fmt.Errorf("locking pool extent %d of %d bytes in memory: %w (RLIMIT_MEMLOCK)", i, ExtentSize, err)
	}
	return nil
}
