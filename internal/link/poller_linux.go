package link

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// A Poller calls a function when a descriptor has something to read or its peer
// is gone.
type Poller struct {
	epfd int
	file *os.File

	mu      sync.Mutex
	sources []*Source // by index
	free    []uint32
}

// A Source is one descriptor under the poller.
type Source struct {
	fd    int
	token uint64
	f     atomic.Pointer[func()]
}

// Default is the poller of this process, started at the first call.
var Default = sync.OnceValues(newPoller)

func newPoller() (*Poller, error) {
	epfd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("making the poller: %w", err)
	}
	// Go's netpoller takes a descriptor that is in non-blocking mode.
	if err := unix.SetNonblock(epfd, true); err != nil {
		_ = unix.Close(epfd)
		return nil, fmt.Errorf("making the poller: %w", err)
	}
	p := &Poller{epfd: epfd, file: os.NewFile(uintptr(epfd), "lpc:poller")}
	conn, err := p.file.SyscallConn()
	if err != nil {
		return nil, fmt.Errorf("making the poller: %w", err)
	}
	go func() {
		var events [64]unix.EpollEvent
		_ = conn.Read(func(uintptr) bool {
			for p.round(events[:]) {
			}
			return false // wait until the nested epoll descriptor is readable again
		})
	}()
	return p, nil
}

// round dispatches what is ready now and tells whether there may be more.
func (p *Poller) round(events []unix.EpollEvent) bool {
	n, err := unix.EpollWait(p.epfd, events, 0)
	if err != nil {
		return errors.Is(err, unix.EINTR)
	}
	for i := range events[:n] {
		if s := p.find(uint64(uint32(events[i].Fd)) | uint64(uint32(events[i].Pad))<<32); s != nil {
			(*s.f.Load())()
		}
	}
	return n == len(events)
}

// find is the source of a token: index, and the generation that tells a descriptor
// from an earlier one whose event was still under way.
func (p *Poller) find(token uint64) *Source {
	p.mu.Lock()
	defer p.mu.Unlock()
	i := uint32(token)
	if int(i) >= len(p.sources) || p.sources[i] == nil || p.sources[i].token != token {
		return nil
	}
	return p.sources[i]
}

var generation uint32 // guarded by the poller's mu

// Add has f called on the poller's goroutine at every edge of readability of fd,
// and when its peer is gone. f must not block.
func (p *Poller) Add(fd int, f func()) (*Source, error) {
	p.mu.Lock()
	var i uint32
	if n := len(p.free); n > 0 {
		i, p.free = p.free[n-1], p.free[:n-1]
	} else {
		i = uint32(len(p.sources))
		p.sources = append(p.sources, nil)
	}
	generation++
	s := &Source{fd: fd, token: uint64(i) | uint64(generation)<<32}
	s.f.Store(&f)
	p.sources[i] = s
	p.mu.Unlock()
	ev := s.event()
	if err := unix.EpollCtl(p.epfd, unix.EPOLL_CTL_ADD, fd, &ev); err != nil {
		p.drop(s)
		return nil, fmt.Errorf("adding a descriptor to the poller: %w", err)
	}
	return s, nil
}

// Again has f called once more, after the other sources have had their turn, for a
// source that may have more to read (epoll_ctl(2): EPOLL_CTL_MOD looks anew).
func (p *Poller) Again(s *Source) {
	ev := s.event()
	_ = unix.EpollCtl(p.epfd, unix.EPOLL_CTL_MOD, s.fd, &ev)
}

func (s *Source) event() unix.EpollEvent {
	return unix.EpollEvent{
		Events: unix.EPOLLIN | unix.EPOLLRDHUP | unix.EPOLLET, Fd: int32(uint32(s.token)), Pad: int32(generation32(s.token)),
	}
}

func generation32(token uint64) uint32 { return uint32(token >> 32) }

// Remove takes a source off; the caller closes the descriptor afterwards. Its
// function may still be running on the poller's goroutine when Remove returns.
func (p *Poller) Remove(s *Source) {
	_ = unix.EpollCtl(p.epfd, unix.EPOLL_CTL_DEL, s.fd, nil)
	p.drop(s)
}

func (p *Poller) drop(s *Source) {
	p.mu.Lock()
	defer p.mu.Unlock()
	i := uint32(s.token)
	if p.sources[i] == s {
		p.sources[i] = nil
		p.free = append(p.free, i)
	}
}
