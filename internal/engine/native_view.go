package engine

import (
	"errors"
	"fmt"
	"time"

	"github.com/seed-eedd8485/lpc/internal/link"
	"github.com/seed-eedd8485/lpc/section"
)

// A ViewOffer is a view of a section that one end of a connection shows the other.
type ViewOffer struct {
	FD     int    // the section's; it stays the caller's
	Total  uint64 // the section's size, bytes
	Offset uint32 // whole pages
	Size   uint64 // whole pages, at most to the section's end
}

func (v *ViewOffer) frame() *link.Frame {
	return &link.Frame{Kind: link.View, Number: v.Offset, Value: v.Size, Channel: v.Total}
}

// maxView bounds what one end lets the other have it map, maxViewed the section that it is of.
const (
	maxView   = 16 << 30
	maxViewed = 1 << 40
)

// checkView tells whether a peer's frame offers a view that there can be.
func checkView(f *link.Frame) error {
	off, size, total := uint64(f.Number), f.Value, f.Channel
	const page = 4096
	if size == 0 || size%page != 0 || off%page != 0 || size > maxView || total > maxViewed || size > total || off > total-size {
		return fmt.Errorf("%w: a view of %d bytes at %d of a section of %d", ErrProtocol, size, off, total)
	}
	return nil
}

// mapOffered maps the view that a frame offers, which checkView has passed, and is done with
// its descriptor.
func mapOffered(l *link.Link, f *link.Frame, fd int) (*section.Section, error) {
	off, size, total := uint64(f.Number), f.Value, f.Channel
	s, err := mapReceived(l, fd, int(size), func() (*section.Section, error) {
		if err := section.Check(fd, int(total)); err != nil {
			return nil, err
		}
		return section.Map(fd, int64(off), int(size), true)
	})
	if err != nil {
		return nil, fmt.Errorf("a view: %w", err)
	}
	_ = s.DontDump()
	return s, nil
}

// offered takes a client's view, which comes before its CONNECT. It is mapped at once, since
// a descriptor that is kept could be one of many; but for nobody who will not be admitted,
// and at the expense of the user's quota.
func (r *Pending) offered(f *link.Frame, fd int) error {
	if !r.port.opts.native {
		r.link.Discard(fd)
		return fmt.Errorf("%w: VIEW frame to a port that takes none", ErrProtocol)
	}
	if !r.admitted() {
		r.link.Discard(fd)
		return r.notAdmitted()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.state != pendingHalf || r.view != nil {
		r.link.Discard(fd)
		return fmt.Errorf("%w: VIEW frame where none is expected", ErrProtocol)
	}
	if err := checkView(f); err != nil {
		r.link.Discard(fd)
		return err
	}
	size := int64(f.Value)
	if err := r.port.accounts.grant(r.peer.UID, size); err != nil {
		r.link.Discard(fd)
		return err
	}
	v, err := mapOffered(r.link, f, fd)
	if err != nil {
		r.port.accounts.ungrant(r.peer.UID, size, 1)
		return err
	}
	r.view = v
	return nil
}

// dropView unmaps the client's view of a request that came to nothing.
func (r *Pending) dropView() {
	r.mu.Lock()
	v := r.view
	r.view = nil
	r.mu.Unlock()
	if v != nil {
		unmapCounted(v)
		r.port.accounts.ungrant(r.peer.UID, int64(v.Size()), 1)
	}
}

// ErrSlowClient: the client did not map the server's view in time.
var ErrSlowClient = errors.New("the client did not map the view in time")

// viewTime bounds how long a server waits for its client to map a view.
const viewTime = time.Second

// offer has the client map a view of the server's, and tells where it did.
func (c *Conn) offer(h *halfConn, v *ViewOffer) (remote uint64, err error) {
	if err := c.link.Send(v.frame(), v.FD); err != nil {
		return 0, fmt.Errorf("%w in the handshake: %w", ErrPeerDied, err)
	}
	t := time.NewTimer(viewTime)
	defer t.Stop()
	select {
	case remote = <-h.mapped:
		return remote, nil
	case <-c.Done():
		return 0, c.Err()
	case <-t.C:
		return 0, ErrSlowClient
	}
}

// mappedAt notes where the client mapped the server's view. It runs on the poller's
// goroutine.
func (c *Conn) mappedAt(f *link.Frame) error {
	c.mu.Lock()
	h := c.half
	c.mu.Unlock()
	if h == nil {
		return fmt.Errorf("%w: VIEW frame where none is expected", ErrProtocol)
	}
	select {
	case h.mapped <- f.Channel:
		return nil
	default:
		return fmt.Errorf("%w: a view's address twice", ErrProtocol)
	}
}

// view deals with a View frame in the client's part of the handshake: the server's view,
// or where the server has mapped ours.
func (h *handshake) view(f *link.Frame, fd int) error {
	if fd < 0 {
		h.remote = f.Channel
		return nil
	}
	if h.server != nil {
		h.c.link.Discard(fd)
		return fmt.Errorf("%w: a second VIEW frame", ErrProtocol)
	}
	if err := checkView(f); err != nil {
		h.c.link.Discard(fd)
		return err
	}
	v, err := mapOffered(h.c.link, f, fd)
	if err != nil {
		return err
	}
	h.server = v
	return h.c.link.Send(&link.Frame{Kind: link.View, Channel: uint64(v.Base())}, -1)
}

// Views are what the client's end got: the server's view, nil for none, and where the
// server has mapped the client's, 0 for none. The view is the caller's.
func (c *Conn) Views() (server *section.Section, remote uint64) { return c.serverView, c.remoteBase }
