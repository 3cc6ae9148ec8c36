package engine

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/seed-eedd8485/lpc/internal/channel"
	"github.com/seed-eedd8485/lpc/internal/failpoint"
	"github.com/seed-eedd8485/lpc/internal/link"
	"github.com/seed-eedd8485/lpc/internal/pool"
	"github.com/seed-eedd8485/lpc/namespace"
	"github.com/seed-eedd8485/lpc/section"
	"github.com/seed-eedd8485/lpc/security"
	"github.com/seed-eedd8485/lpc/wire"
)

// DialOptions say how a client connects.
type DialOptions struct {
	Info       []byte
	Handler    Handler
	ServerUID  *uint32
	MaxMessage int
	OnClose    func(*Conn, error)
	Trace      func(Event)
	Deadlock   DeadlockCheck
	Tag        pool.Tag // of section memory that this end allocates; 0: TagSection
	// Check is asked about the listener before that is asked for a connection, and makes
	// the view for it; nil: none.
	Check func(security.Identity) (*ViewOffer, error)
	QoS   *QoS // nil: Impersonation, static

	thread *Thread // of the native face
}

// channelNumber is a random number that names a channel at both ends, in dumps.
func channelNumber() (uint64, error) {
	var b [8]byte
	_, err := rand.Read(b[:])
	return binary.LittleEndian.Uint64(b[:]), err
}

// Dial connects to a port.
func Dial(ctx context.Context, name namespace.Name, o DialOptions) (*Conn, error) {
	c, err := dial(ctx, name, o)
	if err != nil {
		if pr, e := theProcess(); e == nil {
			pr.failed(name.Short(), 0, 0, err)
		}
	}
	return c, err
}

func dial(ctx context.Context, name namespace.Name, o DialOptions) (made *Conn, err error) {
	if len(o.Info) > wire.MaxConnInfo {
		return nil, tooLarge("connection information", len(o.Info), wire.MaxConnInfo, "the limit")
	}
	pr, err := theProcess()
	if err != nil {
		return nil, err
	}
	if o.MaxMessage == 0 {
		o.MaxMessage = wire.DefaultLimit
	}
	emit(o.Trace, Event{What: "connect", Port: name.Short(), Bytes: len(o.Info)})
	fd, err := namespace.Connect(ctx, name)
	if err != nil {
		return nil, err
	}
	peer, err := security.FromSocket(fd)
	if err == nil && o.ServerUID != nil && peer.UID != *o.ServerUID {
		err = fmt.Errorf("%w: the port's listener has uid %d, uid %d was asked for", ErrPermission, peer.UID, *o.ServerUID)
	}
	var view *ViewOffer
	if err == nil && o.Check != nil {
		view, err = o.Check(peer)
	}
	if err != nil {
		link.Dispose(fd)
		return nil, err
	}
	c, err := newConn(pr, pool.PortClientComm, name.Short())
	if err != nil {
		link.Dispose(fd)
		return nil, err
	}
	c.peer, c.peerPID, c.trace, c.onClose, c.deadlock = peer, uint64(peer.PID), o.Trace, o.OnClose, o.Deadlock
	if o.Tag != (pool.Tag{}) {
		c.tag = o.Tag
	}
	c.disp = newDispatcher(pr, c.rec, c.addr, 256, name.Short(), o.Trace)
	c.disp.manual = o.thread != nil
	if o.Handler != nil {
		c.disp.serve(o.Handler)
	} else if o.thread == nil {
		c.disp.refusing = wire.StatusNoHandler
	}
	c.rec.PeerProcess = c.peerPID
	if o.thread != nil {
		c.rec.SecurityQos = o.QoS.record()
		if o.QoS.Dynamic {
			c.rec.Flags |= pool.PortDynamicTracks
		}
		c.held = true
	}
	h := &handshake{c: c, max: o.MaxMessage, done: make(chan error, 1), id: pr.nextID()}
	if t := o.thread; t != nil {
		h.thread = uint32(t.rec.Cid.UniqueThread)
		t.connects(c, h.id, parentOf(ctx), len(o.Info))
		defer t.resumes()
	} else if th, err := pr.thread(); err == nil {
		h.thread = uint32(th.rec.Cid.UniqueThread)
		th.connects(c, h.id, parentOf(ctx), len(o.Info))
		defer func() {
			th.resumes()
			made.keepThread(th)
		}()
	}
	if c.link, err = link.New(fd); err == nil {
		if err = c.link.Start(h.ready); err == nil {
			err = h.run(ctx, o, view)
		}
	}
	if err != nil {
		if h.abandon() {
			return nil, err
		}
		if c.link != nil {
			c.link.Close()
		}
		c.held = false
		c.freeRecords()
		return nil, err
	}
	emit(o.Trace, Event{What: "connected", Port: name.Short(), Peer: peer, Bytes: len(c.info)})
	return c, nil
}

// keepThread leaves the record of who dialled for the connection's first caller.
func (c *Conn) keepThread(th *thread) {
	if c != nil {
		if slot, _, err := c.out.Take(context.Background()); err == nil {
			c.giveThread(slot, th)
			c.out.Release(slot)
			return
		}
	}
	threads.Put(th)
}

// A handshake is the client's part of it: CONNECT out, ACCEPT or REFUSE in.
type handshake struct {
	c      *Conn
	done   chan error
	id     uint32 // the connection request's MessageId, and
	thread uint32 // who sends it: both for debuggers

	mu       sync.Mutex
	over     bool
	attached bool // the connection has its channel and goes by its own teardown
	max      int
	server   *section.Section // the server's view; the poller's goroutine's until the end
	remote   uint64           // where the server has mapped ours; likewise
}

func (h *handshake) run(ctx context.Context, o DialOptions, view *ViewOffer) error {
	f := link.Frame{Kind: link.Connect, Value: uint64(o.MaxMessage), Text: o.Info, Number: h.id, Section: h.thread}
	if o.Handler != nil || o.thread != nil {
		f.Flags = link.FlagServes
	}
	f.Flags |= o.QoS.flags()
	if view != nil {
		err := h.c.link.Send(view.frame(), view.FD)
		if errors.Is(err, unix.EPERM) { // the port's socket lets no descriptor in
			return &RefusedError{Why: "the port takes no view"}
		}
		if err != nil && !errors.Is(err, unix.EPIPE) && !errors.Is(err, unix.ECONNRESET) {
			return fmt.Errorf("%w in the handshake: %w", ErrPeerDied, err)
		}
	}
	// A server that has closed already may have said why: ready reads that, or the end.
	if err := h.c.link.Send(&f, -1); err != nil && !errors.Is(err, unix.EPIPE) && !errors.Is(err, unix.ECONNRESET) {
		return fmt.Errorf("%w in the handshake: %w", ErrPeerDied, err)
	}
	failpoint.At(failpoint.ConnectSent)
	look := time.NewTimer(watchAfter)
	defer look.Stop()
	for {
		select {
		case err := <-h.done:
			return err
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-look.C:
			// Whether the server forks is in its answer; that may never come.
			_ = h.c.link.Watch()
		}
	}
}

// watchAfter is how long a client waits for the answer before it watches the server's
// process: most answers come sooner.
const watchAfter = 100 * time.Millisecond

// ready runs on the poller's goroutine. Once the connection stands, what comes is
// the connection's.
func (h *handshake) ready() {
	h.mu.Lock()
	over := h.over
	h.mu.Unlock()
	if over {
		return
	}
	err := h.c.link.Receive(func() {}, h.frame)
	switch {
	case errors.Is(err, errEstablished):
		_ = h.c.link.Start(h.c.ready)
		h.finish(nil)
		h.c.ready() // what else has come belongs to the connection
	case errors.Is(err, io.EOF):
		h.finish(fmt.Errorf("%w in the handshake", ErrPeerDied))
	case err != nil:
		if !errors.Is(err, ErrRefused) && !errors.Is(err, ErrPermission) {
			err = fromLink(err)
		}
		h.finish(err)
	}
}

// errEstablished stops the reading of frames: the rest is the connection's.
var errEstablished = errors.New("established")

func (h *handshake) finish(err error) {
	h.mu.Lock()
	h.over = true
	h.mu.Unlock()
	select {
	case h.done <- err:
	default:
	}
}

func (h *handshake) frame(f *link.Frame, fd int) error {
	c := h.c
	if f.Kind == link.View && c.disp.manual {
		return h.view(f, fd)
	}
	switch {
	case f.Kind == link.Accept && fd >= 0:
		mem, err := mapReceived(c.link, fd, channel.Size, func() (*section.Section, error) { return channel.Open(fd) })
		if err != nil {
			return fmt.Errorf("the server's channel: %w", err)
		}
		failpoint.At(failpoint.AcceptReceived)
		h.mu.Lock()
		defer h.mu.Unlock()
		if h.over { // the caller has given up, and the records with it
			unmapCounted(mem)
			return errEstablished
		}
		c.info = append([]byte(nil), f.Text...)
		c.serves = f.Flags&link.FlagServes != 0
		if c.maxTotal = wire.MaxMessage; f.Flags&link.FlagNative != 0 {
			c.maxTotal = uint16(min(f.Number, wire.MaxMessage))
		}
		c.maxMessage = int(min(f.Value, uint64(h.max)))
		if f.Flags&link.FlagNative != 0 && f.Flags&link.FlagWaitable != 0 && c.disp.manual {
			c.disp.event.waitable = true
			c.rec.Flags |= pool.PortWaitable
		}
		c.serverView, c.remoteBase, h.server = h.server, h.remote, nil
		if c.serverView != nil {
			c.viewed = c.serverView.Size()
		}
		c.attach(mem, f.Channel)
		h.attached = true
		return errEstablished
	case f.Kind == link.Refuse && fd < 0:
		return refusal(f)
	}
	if fd >= 0 {
		c.link.Discard(fd)
	}
	return fmt.Errorf("%w: %s frame, with descriptor: %v, in the handshake; want ACCEPT with one, or REFUSE without", ErrProtocol, f.Kind, fd >= 0)
}

func refusal(f *link.Frame) error {
	text := append([]byte(nil), f.Text...)
	switch f.Reason {
	case link.ReasonNone:
		return &RefusedError{Info: text}
	case link.ReasonDenied:
		return fmt.Errorf("%w: %s", ErrPermission, printable(text))
	case link.ReasonBusy, link.ReasonQuota:
		return fmt.Errorf("%w: %w: %s", ErrRefused, ErrQuota, printable(text))
	}
	return &RefusedError{Why: printable(text)}
}

// abandon ends a handshake whose caller has given up. It tells whether the
// connection stood already: it is closed then, and nobody is told of it.
func (h *handshake) abandon() bool {
	h.mu.Lock()
	h.over = true
	attached, server := h.attached, h.server
	h.mu.Unlock()
	if server != nil {
		unmapCounted(server)
	}
	if attached {
		c := h.c
		c.mu.Lock()
		c.onClose = nil
		c.mu.Unlock()
		_ = c.Close()
	}
	return attached
}
