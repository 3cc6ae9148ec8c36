package engine

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/seed-eedd8485/lpc/internal/link"
	"github.com/seed-eedd8485/lpc/section"
)

// mapped counts what this process has mapped for its connections: channels, sections and
// views. At the kernel's limit the Go runtime ends, and so it does without address space; the
// peers, who decide how much of it there is, are told before.
var mapped = mappings{most: mostMappings()}

const (
	usualMappings = 65530    // the kernel's default of vm.max_map_count
	mostMapped    = 16 << 40 // bytes; an address space has 128 TiB (amd64)
)

// mostMappings is three quarters of what the kernel allows a process (proc(5),
// /proc/sys/vm/max_map_count); the others are the runtime's and the program's.
func mostMappings() int {
	b, _ := os.ReadFile("/proc/sys/vm/max_map_count")
	n, err := strconv.Atoi(strings.TrimSpace(string(b)))
	if err != nil || n <= 0 {
		n = usualMappings
	}
	return n / 4 * 3
}

type mappings struct {
	most int // immutable

	mu    sync.Mutex
	n     int
	bytes int64
}

// take counts a mapping of n bytes in, before it is made: ErrQuota where there are too many.
func (m *mappings) take(n int) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.n >= m.most || m.bytes+int64(n) > mostMapped {
		return fmt.Errorf("%w: this process has %d mappings of %d bytes for its connections, the limit is %d and %d bytes", ErrQuota, m.n, m.bytes, m.most, int64(mostMapped))
	}
	m.n++
	m.bytes += int64(n)
	return nil
}

// give counts a mapping of n bytes out.
func (m *mappings) give(n int) {
	m.mu.Lock()
	m.n--
	m.bytes -= int64(n)
	m.mu.Unlock()
}

// mapReceived maps size bytes of a descriptor that came through l with open, counts them, and
// is done with the descriptor. What open has found to be memory is closed at once: nothing in
// that waits.
func mapReceived(l *link.Link, fd, size int, open func() (*section.Section, error)) (*section.Section, error) {
	if err := mapped.take(size); err != nil {
		l.Discard(fd)
		return nil, err
	}
	s, err := open()
	if err == nil {
		_ = unix.Close(fd)
		return s, nil
	}
	mapped.give(size)
	l.Discard(fd)
	if errors.Is(err, unix.ENOMEM) { // ours to have, and not the peer's fault
		return nil, fmt.Errorf("%w: %w", ErrQuota, err)
	}
	return nil, fmt.Errorf("%w: %w", ErrProtocol, err)
}

// unmapCounted unmaps what mapped counts.
func unmapCounted(s *section.Section) {
	_ = s.Unmap()
	mapped.give(s.Size())
}
