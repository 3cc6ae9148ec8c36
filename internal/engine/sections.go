package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/bits"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed-eedd8485/lpc/internal/failpoint"
	"github.com/seed-eedd8485/lpc/internal/link"
	"github.com/seed-eedd8485/lpc/internal/pool"
	"github.com/seed-eedd8485/lpc/section"
	"github.com/seed-eedd8485/lpc/wire"

	"golang.org/x/sys/unix"
)

// Sections come in powers of two.
const (
	smallestClass = 14 // 16 KiB
	dumpAtMost    = 1 << 20
	mostSections  = 4096    // of one connection
	mostBytes     = 1 << 40 // in them
	mostGrows     = 64      // under way at once: a control socket holds some 270 frames
)

func classOf(n int) int { return max(bits.Len(uint(n-1)), smallestClass) }

// dumpSections: large sections are kept in core files too.
var dumpSections = os.Getenv("LPC_DUMP_SECTIONS") == "1"

// sections are the sections of one connection. Guarded by mu.
type sections struct {
	conn *Conn

	mu     sync.Mutex
	all    map[uint32]*region
	free   map[int][]*region // own ones, by class
	next   uint32            // number given out last; the server's
	grows  map[uint32]*grow
	asks   chan struct{}      // holds one token for each of grows: so many are under way at most
	grew   map[uint32]*region // answered grows, not yet taken
	held   []heldReply
	used   atomic.Bool   // the janitor knows of the connection
	seen   atomic.Uint64 // what busyNow saw last
	users  int           // regions in the hands of calls and programs
	closed bool          // unmap when users is 0
	ended  error
	bytes  int64 // of all
	made   int   // by the server
}

// A grow is a section that was asked for.
type grow struct {
	class int
	done  chan error // nil: who asked has given up
}

// A heldReply is a region that a reply stands in until its caller has read it.
type heldReply struct {
	r    *region
	slot int
	gen  uint64
}

func (s *sections) init(c *Conn) {
	s.conn = c
	if !c.server {
		s.asks = make(chan struct{}, mostGrows)
	}
}

// answered takes a grow off the list. s.mu is held.
func (s *sections) answered(id uint32) *grow {
	g := s.grows[id]
	if g != nil {
		delete(s.grows, id)
		<-s.asks
	}
	return g
}

// take takes an own region of at least n bytes. At the server it makes one where
// none is free; ErrQuota when that is not allowed. lend: it is taken for a call or a
// program, whose Release is waited for before the memory goes.
func (s *sections) take(c *Conn, n int, lend bool, tag pool.Tag) (*region, error) {
	class := classOf(n)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended != nil {
		return nil, s.ended
	}
	s.collect(c)
	if r := s.pop(class); r != nil {
		r.taken(n, tag)
		if lend {
			s.users++
		}
		return r, nil
	}
	if !c.server {
		return nil, errNeedGrow
	}
	r, fd, err := s.make(c, class, true, tag)
	if err != nil {
		return nil, err
	}
	err = c.link.Send(&link.Frame{Kind: link.Section, Section: r.number, Value: uint64(r.size())}, fd)
	_ = unix.Close(fd)
	if err != nil { // the peer does not read, and never gets to know of it
		s.unmake(c, r)
		return nil, err
	}
	r.taken(n, tag)
	if lend {
		s.users++
	}
	return r, nil
}

var errNeedGrow = fmt.Errorf("%w: a client's reply of this size needs a section that it has not asked for", ErrQuota)

// pop takes a free own region of the class or the next ones. s.mu is held.
func (s *sections) pop(class int) *region {
	for k := class; k < class+2; k++ {
		if l := s.free[k]; len(l) > 0 {
			r := l[len(l)-1]
			s.free[k] = l[:len(l)-1]
			return r
		}
	}
	return nil
}

// put gives an own region back.
func (s *sections) put(r *region) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.putLocked(r)
}

func (s *sections) putLocked(r *region) {
	r.given()
	if s.free == nil {
		s.free = map[int][]*region{}
	}
	s.free[r.class] = append(s.free[r.class], r)
}

// keep notes that a reply stands in r.
func (s *sections) keep(_ *Conn, r *region, slot int, gen uint64) {
	s.mu.Lock()
	s.held = append(s.held, heldReply{r, slot, gen})
	s.mu.Unlock()
}

// collect takes back the regions of replies that were read. s.mu is held.
func (s *sections) collect(c *Conn) {
	kept := s.held[:0]
	for _, h := range s.held {
		if c.recv.Read(h.slot, h.gen) {
			s.putLocked(h.r)
		} else {
			kept = append(kept, h)
		}
	}
	s.held = kept
}

// make makes a section at the server, for an allocation with that tag. s.mu is held. fd
// is the caller's.
func (s *sections) make(c *Conn, class int, mine bool, tag pool.Tag) (*region, int, error) {
	if len(s.all) >= mostSections {
		c.proc.pool.RecordFailure(1<<class, tag, "sections of one connection")
		return nil, -1, fmt.Errorf("%w: the connection has %d sections, the limit", ErrQuota, len(s.all))
	}
	size := 1 << class
	if s.bytes+int64(size) > mostBytes {
		c.proc.pool.RecordFailure(size, tag, "section bytes of one connection")
		return nil, -1, fmt.Errorf("%w: %d bytes of section memory asked, the connection has %d of %d", ErrQuota, size, s.bytes, int64(mostBytes))
	}
	if err := c.port.accounts.grant(c.peer.UID, int64(size)); err != nil {
		c.proc.pool.RecordFailure(size, tag, quotaOf(err))
		return nil, -1, err
	}
	if err := mapped.take(size); err != nil {
		c.port.accounts.ungrant(c.peer.UID, int64(size), 1)
		c.proc.pool.RecordFailure(size, tag, "mappings of the process")
		return nil, -1, err
	}
	sec, fd, err := section.Create("lpc:section", size)
	if err != nil {
		mapped.give(size)
		c.port.accounts.ungrant(c.peer.UID, int64(size), 1)
		c.proc.pool.RecordFailure(size, tag, "memory of the system")
		return nil, -1, fmt.Errorf("%w: %w", ErrQuota, err)
	}
	s.next++
	r, err := s.add(c, s.next, sec, mine)
	if err != nil {
		c.port.accounts.ungrant(c.peer.UID, int64(size), 1)
		_ = unix.Close(fd)
		return nil, -1, err
	}
	s.bytes += int64(size)
	s.made++
	return r, fd, nil
}

// unmake undoes make. s.mu is held.
func (s *sections) unmake(c *Conn, r *region) {
	delete(s.all, r.number)
	c.port.accounts.ungrant(c.peer.UID, int64(r.size()), 1)
	s.bytes -= int64(r.size())
	s.made--
	unmapCounted(r.sec)
	r.forget(c.proc.pool)
}

// add enters a section, which is unmapped if that fails. s.mu is held.
func (s *sections) add(c *Conn, number uint32, sec *section.Section, mine bool) (*region, error) {
	if sec.Size() > dumpAtMost && !dumpSections {
		_ = sec.DontDump()
	}
	rec, a, err := pool.New[pool.Section](c.proc.pool, pool.TagSection, c.addr)
	if err != nil {
		unmapCounted(sec)
		return nil, err
	}
	*rec = pool.Section{Port: c.addr, Number: number, Base: uint64(sec.Base()), Size: uint64(sec.Size())}
	if mine {
		rec.Mine = 1
	}
	r := &region{owner: s, number: number, sec: sec, mine: mine, class: classOf(sec.Size()), rec: rec, addr: a}
	if s.all == nil {
		s.all = map[uint32]*region{}
	}
	s.all[number] = r
	return r, nil
}

// grant answers a client's Grow frame. It runs on the poller's goroutine: making a
// section touches none of its pages. A quota denies it; only a socket that is full
// ends the connection.
func (s *sections) grant(c *Conn, f *link.Frame) error {
	deny := func(reason uint8, err error) error {
		return replied(c.link.Send(&link.Frame{Kind: link.Deny, Reason: reason, Number: f.Number, Text: clip260(err.Error())}, -1))
	}
	if f.Value == 0 || f.Value > uint64(c.maxMessage) {
		return deny(link.ReasonTooLarge, tooLarge("section", int(f.Value), c.maxMessage, "the port's limit"))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended != nil {
		return nil // what was made now would not be given back
	}
	r, fd, err := s.make(c, classOf(int(f.Value)), false, pool.TagSection)
	if err != nil {
		return deny(link.ReasonQuota, err)
	}
	err = c.link.Send(&link.Frame{Kind: link.Section, Flags: flagYours, Number: f.Number, Section: r.number, Value: uint64(r.size())}, fd)
	_ = unix.Close(fd)
	failpoint.At(failpoint.SectionSent)
	return replied(err)
}

// replied is what a failure to answer a frame means: nothing where the peer has
// gone meanwhile, which the end of the socket says better; else the peer does not
// read its socket.
func replied(err error) error {
	switch {
	case err == nil, errors.Is(err, unix.EPIPE), errors.Is(err, unix.ECONNRESET), errors.Is(err, io.ErrClosedPipe):
		return nil
	case errors.Is(err, unix.EAGAIN):
		return fmt.Errorf("%w: the peer asks and does not read the answers: %w", ErrProtocol, err)
	}
	return err
}

// flagYours in a Section frame: the client allocates in it.
const flagYours = 1

func clip260(s string) []byte { return []byte(s[:min(len(s), wire.MaxConnInfo)]) }

// granted enters a section that the server sent. The server's limits on one connection are
// this end's as well: what it maps is not the server's to decide alone.
func (s *sections) granted(f *link.Frame, fd int) error {
	c := s.conn
	s.mu.Lock()
	defer s.mu.Unlock()
	mine := f.Flags&flagYours != 0
	g := s.grows[f.Number]
	if err := s.acceptable(f, mine, g); err != nil {
		c.link.Discard(fd)
		return err
	}
	size := int(f.Value)
	sec, err := mapReceived(c.link, fd, size, func() (*section.Section, error) { return section.Open(fd, size) })
	if err != nil {
		return err
	}
	r, err := s.add(c, f.Section, sec, mine)
	if err != nil {
		return err
	}
	s.bytes += int64(size)
	if mine {
		s.answered(f.Number)
		if g.done == nil { // who asked has given up
			s.putLocked(r)
			return nil
		}
		if s.grew == nil {
			s.grew = map[uint32]*region{}
		}
		s.grew[f.Number] = r
		g.done <- nil
	}
	return nil
}

// acceptable tells what is wrong with a SECTION frame. mine: it answers a grow, g. s.mu is
// held.
func (s *sections) acceptable(f *link.Frame, mine bool, g *grow) error {
	switch {
	case f.Value == 0 || f.Value > 2*wire.DefaultLimit:
		return fmt.Errorf("%w: section of %d bytes", ErrProtocol, f.Value)
	case s.ended != nil:
		return s.ended
	case s.all[f.Section] != nil:
		return fmt.Errorf("%w: section %d was sent twice", ErrProtocol, f.Section)
	case len(s.all) >= mostSections || s.bytes+int64(f.Value) > mostBytes:
		return fmt.Errorf("%w: a section of %d bytes beside %d others of %d bytes, more than a connection has", ErrProtocol, f.Value, len(s.all), s.bytes)
	case mine && g == nil:
		return fmt.Errorf("%w: section for grow %d, which was not asked", ErrProtocol, f.Number)
	}
	if want := 1 << classOf(int(f.Value)); int(f.Value) != want || mine && classOf(want) < g.class {
		return fmt.Errorf("%w: section of %d bytes for grow %d; sections have a power of two of at least %d bytes, and no less than asked", ErrProtocol, f.Value, f.Number, 1<<smallestClass)
	}
	return nil
}

// denied hands a grow's refusal to who asked.
func (s *sections) denied(f *link.Frame) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.answered(f.Number)
	if g == nil || g.done == nil {
		return nil // who asked has given up
	}
	kind := ErrQuota
	if f.Reason == link.ReasonTooLarge {
		kind = ErrTooLarge
	}
	g.done <- fmt.Errorf("%w: %s", kind, printable(f.Text))
	return nil
}

// acquire takes an own region of at least n bytes; the client asks the server for
// one where none is free. The region's memory stays until its Release.
func (s *sections) acquire(ctx context.Context, c *Conn, n int, tag pool.Tag) (*region, error) {
	r, err := s.take(c, n, true, tag)
	if err == nil || c.server {
		return r, err
	}
	select {
	case s.asks <- struct{}{}:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	case <-c.Done():
		return nil, c.Err()
	}
	if r, err = s.take(c, n, true, tag); err == nil { // one came free while we waited
		<-s.asks
		return r, nil
	}
	ch := make(chan error, 1)
	s.mu.Lock()
	if s.ended != nil {
		defer s.mu.Unlock()
		<-s.asks
		return nil, s.ended
	}
	if s.grows == nil {
		s.grows = map[uint32]*grow{}
	}
	s.next++
	id := s.next
	s.grows[id] = &grow{class: classOf(n), done: ch}
	s.mu.Unlock()
	err = c.ask(ctx, &link.Frame{Kind: link.Grow, Number: id, Value: uint64(n)})
	if err == nil {
		failpoint.At(failpoint.GrowSent)
		select {
		case err = <-ch:
		case <-ctx.Done():
			err = context.Cause(ctx)
		}
	} else {
		c.ready() // the peer may have said why it is gone
		s.mu.Lock()
		s.answered(id) // it never will be
		s.mu.Unlock()
		if e := c.Err(); e != nil {
			err = e
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	r = s.grew[id]
	delete(s.grew, id)
	switch {
	case s.ended != nil:
		return nil, s.ended // it came, and has gone again
	case err != nil && r != nil:
		s.putLocked(r) // it came as we gave up
		return nil, err
	case err != nil:
		if g := s.grows[id]; g != nil {
			g.done = nil
		}
		if errors.Is(err, ErrQuota) {
			c.proc.pool.RecordFailure(n, tag, "the server's quota")
		}
		return nil, err
	}
	r.taken(n, tag)
	s.users++
	return r, nil
}

// ask sends a frame; it waits while the peer, stopped perhaps, leaves its socket full
// of bells.
func (c *Conn) ask(ctx context.Context, f *link.Frame) error {
	for {
		err := c.link.Send(f, -1)
		if !errors.Is(err, unix.EAGAIN) {
			return err
		}
		t := time.NewTimer(askAgain)
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			return context.Cause(ctx)
		case <-c.Done():
			t.Stop()
			return c.Err()
		}
	}
}

const askAgain = 5 * time.Millisecond

// find is the region of a section address that the peer named, with n bytes at the
// offset inside it.
func (s *sections) find(base, n uint64) (*region, uint64, error) {
	number, off := wire.SplitSectionAddress(base)
	s.mu.Lock()
	r := s.all[number]
	s.mu.Unlock()
	if r == nil {
		return nil, 0, fmt.Errorf("%w: data in section %d, which the connection does not have", ErrProtocol, number)
	}
	if size := uint64(r.size()); off > size || n > size-off {
		return nil, 0, fmt.Errorf("%w: %d bytes at offset %d of section %d, which has %d", ErrProtocol, n, off, number, size)
	}
	return r, off, nil
}

// down ends every wait for a section.
func (s *sections) down(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = err
	for id, g := range s.grows {
		s.answered(id)
		if g.done != nil {
			g.done <- err
		}
	}
}

// lend counts a region into a program's hands; giveUp counts it out.
func (s *sections) lend() { s.mu.Lock(); s.users++; s.mu.Unlock() }

func (s *sections) giveUp() {
	s.mu.Lock()
	s.users--
	last := s.users == 0 && s.closed
	s.mu.Unlock()
	if last {
		s.unmapAll()
	}
}

// unmap unmaps everything, once no program has a region in its hands.
func (s *sections) unmap() {
	s.mu.Lock()
	s.closed = true
	now := s.users == 0
	if !now { // the connection's own record goes: what a program still has is its port's
		for _, r := range s.all {
			r.rec.Port = 0
			if s.conn.port != nil {
				r.rec.Port = s.conn.port.addr
			}
		}
	}
	s.mu.Unlock()
	if s.conn.port != nil {
		s.conn.port.accounts.ungrant(s.conn.peer.UID, s.bytes, s.made)
	}
	if now {
		s.unmapAll()
	}
}

func (s *sections) unmapAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.all {
		unmapCounted(r.sec)
		r.forget(s.conn.proc.pool)
	}
	s.all, s.free, s.held = nil, nil, nil
}

// trim gives the pages of own free regions back.
func (s *sections) trim() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended != nil {
		return
	}
	s.collect(s.conn)
	for _, l := range s.free {
		for _, r := range l {
			if !r.clean {
				_ = r.sec.Discard(0, r.size())
				r.clean = true
			}
		}
	}
}
