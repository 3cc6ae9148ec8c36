package section

import (
	"fmt"
	"math"
	"os"

	"golang.org/x/sys/unix"
)

// seals is what every section carries (fcntl(2), File sealing): its size is
// fixed, and nobody takes that back.
const seals = unix.F_SEAL_SHRINK | unix.F_SEAL_GROW | unix.F_SEAL_SEAL

// Create makes shared memory of at least size bytes, rounded up to whole pages
// and all zero, seals it and maps it. The name is a label for people: it shows
// as "/memfd:name" in /proc/PID/maps, in both processes, and may have at most
// 249 bytes (memfd_create(2)).
//
// The caller owns fd, which is close-on-exec: pass it on, then close it. The
// mapping does not need it. Pages are taken only when they are first touched.
func Create(name string, size int) (s *Section, fd int, err error) {
	page := os.Getpagesize()
	if size <= 0 || size > math.MaxInt-page {
		return nil, -1, fmt.Errorf("creating section %q: a size of %d bytes, expected at least 1 and at most %d", name, size, math.MaxInt-page)
	}
	size = (size + page - 1) &^ (page - 1)

	fd, err = memfd(name)
	if err != nil {
		return nil, -1, fmt.Errorf("creating section %q: making memfd: %w", name, err)
	}
	if s, err = fix(fd, size); err != nil {
		unix.Close(fd)
		return nil, -1, fmt.Errorf("creating section %q: %w", name, err)
	}
	return s, fd, nil
}

// Make is Create without the mapping.
func Make(name string, size int) (fd int, err error) {
	if fd, err = memfd(name); err != nil {
		return -1, fmt.Errorf("creating section %q: making memfd: %w", name, err)
	}
	if err = unix.Ftruncate(fd, int64(size)); err == nil {
		_, err = unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, seals)
	}
	if err != nil {
		unix.Close(fd)
		return -1, fmt.Errorf("creating section %q: %d bytes: %w", name, size, err)
	}
	return fd, nil
}

// Map maps a part of a section that this process made or has checked (see Check): size
// bytes from off, both whole pages.
func Map(fd int, off int64, size int, write bool) (*Section, error) {
	prot := unix.PROT_READ
	if write {
		prot |= unix.PROT_WRITE
	}
	mem, err := unix.Mmap(fd, off, size, prot, unix.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("mapping %d bytes: %w", size, err)
	}
	return &Section{mem: mem}, nil
}

// Check tells whether fd, which a peer sent, is a section of exactly size bytes, as Open
// does without mapping it.
func Check(fd, size int) error { return verify(fd, size) }

// fix gives the new memfd its size for good and maps it.
func fix(fd, size int) (*Section, error) {
	if err := unix.Ftruncate(fd, int64(size)); err != nil {
		return nil, fmt.Errorf("setting size to %d bytes: %w", size, err)
	}
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, seals); err != nil {
		return nil, fmt.Errorf("sealing memory: %w", err)
	}
	return mapShared(fd, size)
}

// memfd makes the descriptor. Sealed against execution where the kernel can
// (Linux 6.3): with vm.memfd_noexec=2 it gives no other.
func memfd(name string) (int, error) {
	const flags = unix.MFD_CLOEXEC | unix.MFD_ALLOW_SEALING
	fd, err := unix.MemfdCreate(name, flags|unix.MFD_NOEXEC_SEAL)
	if err == unix.EINVAL {
		fd, err = unix.MemfdCreate(name, flags)
	}
	return fd, err
}

// Open checks that fd, which a peer sent, is a section of exactly size bytes
// (the Size of the Section at the other end), and maps it. It never closes fd
// nor needs it afterwards: the caller closes it with close(2) after a success,
// and with [CloseUntrusted] after an error.
//
// It cannot be made to wait by the peer. A descriptor may belong to a file
// system that the peer serves itself (fuse(4)), where fstat(2) or close(2)
// wait for the peer's answer as long as the peer likes. So first comes a
// question that the kernel answers without the file system: F_GET_SEALS, EINVAL
// for all but shared memory (fcntl(2)). Only what passes is asked for more.
func Open(fd int, size int) (*Section, error) {
	if err := verify(fd, size); err != nil {
		return nil, fmt.Errorf("opening section: %w", err)
	}
	s, err := mapShared(fd, size)
	if err != nil {
		return nil, fmt.Errorf("opening section: %w", err)
	}
	return s, nil
}

// verify asks in the order that Open's comment gives reasons for.
func verify(fd, size int) error {
	have, err := unix.FcntlInt(uintptr(fd), unix.F_GET_SEALS, 0)
	if err != nil {
		// EINVAL: no shared memory. EBADF: no descriptor, or one opened O_PATH.
		return fmt.Errorf("reading seals: %w: %w", ErrNotMemory, err)
	}
	var fs unix.Statfs_t
	if err := unix.Fstatfs(fd, &fs); err != nil {
		return fmt.Errorf("reading file system: %w: %w", ErrNotMemory, err)
	}
	// A hugetlb memfd has seals too, but a page there that cannot be had is a
	// SIGBUS, and its pages are not the size that Discard counts in. Type is
	// signed on some machines, the magic is 32 bits.
	if kind := uint32(fs.Type); kind != unix.TMPFS_MAGIC {
		return fmt.Errorf("%w: its file system is of type %#x, expected tmpfs (%#x)", ErrNotMemory, kind, uint32(unix.TMPFS_MAGIC))
	}
	if have&seals != seals {
		return fmt.Errorf("%w: it has seals %#x, expected %#x among them", ErrNotSealed, have, seals)
	}
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return fmt.Errorf("reading size: %w", err)
	}
	if size <= 0 || st.Size != int64(size) {
		return fmt.Errorf("%w: it has %d bytes, agreed were %d", ErrWrongSize, st.Size, size)
	}
	flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
	if err != nil {
		return fmt.Errorf("reading access mode: %w", err)
	}
	if flags&unix.O_ACCMODE != unix.O_RDWR {
		return fmt.Errorf("%w: the descriptor was not opened for reading and writing", ErrReadOnly)
	}
	if sealed := have & (unix.F_SEAL_WRITE | unix.F_SEAL_FUTURE_WRITE); sealed != 0 {
		return fmt.Errorf("%w: it is sealed against writing (%#x)", ErrReadOnly, sealed)
	}
	return nil
}

func mapShared(fd, size int) (*Section, error) {
	mem, err := unix.Mmap(fd, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("mapping %d bytes: %w", size, err)
	}
	return &Section{mem: mem}, nil
}

// Unmap takes the memory out of this process's address space. It is idempotent.
// The peer's mapping and the content are not touched.
//
// The caller guarantees that nobody uses a slice from Bytes any more: another
// mapping may come to stand at the same addresses, and a late access would read
// or write that.
func (s *Section) Unmap() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.gone.Load() {
		return nil
	}
	s.gone.Store(true)
	if err := unix.Munmap(s.mem); err != nil {
		return fmt.Errorf("unmapping section of %d bytes: %w", len(s.mem), err)
	}
	return nil
}

// Discard gives whole pages inside [off, off+n) back to the system, in this
// process and in every other: their content becomes zero for all (madvise(2),
// MADV_REMOVE). Parts of pages at both ends are left as they are; a range
// without a whole page is no error. Whoever calls it must know that no side
// uses that content.
func (s *Section) Discard(off, n int) error {
	if off < 0 || n < 0 || off > len(s.mem)-n {
		return fmt.Errorf("discarding pages: range of %d bytes at %d, expected it within the section's %d", n, off, len(s.mem))
	}
	page := os.Getpagesize()
	from := (off + page - 1) &^ (page - 1)
	to := (off + n) &^ (page - 1)
	if from >= to {
		return nil
	}
	return s.advise("discarding pages", from, to, unix.MADV_REMOVE)
}

// DontDump leaves the memory out of core files (madvise(2), MADV_DONTDUMP), in
// this process only.
func (s *Section) DontDump() error {
	return s.advise("excluding section from core files", 0, len(s.mem), unix.MADV_DONTDUMP)
}

// advise holds the mutex over the call: after an Unmap the same addresses may be
// somebody else's memory, which MADV_REMOVE would erase.
func (s *Section) advise(doing string, from, to, advice int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.gone.Load() {
		return fmt.Errorf("%s: %w", doing, ErrUnmapped)
	}
	if err := unix.Madvise(s.mem[from:to], advice); err != nil {
		return fmt.Errorf("%s: %d bytes at %d of %d: %w", doing, to-from, from, len(s.mem), err)
	}
	return nil
}
