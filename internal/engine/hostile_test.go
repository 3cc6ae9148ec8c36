package engine

import (
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/seed-eedd8485/lpc/internal/link"
	"github.com/seed-eedd8485/lpc/internal/pool"
	"github.com/seed-eedd8485/lpc/internal/proctest"
	"github.com/seed-eedd8485/lpc/namespace"
	"github.com/seed-eedd8485/lpc/section"
	"github.com/seed-eedd8485/lpc/security"
)

// fresh is a name in a namespace of the test's.
func fresh(t *testing.T) namespace.Name {
	t.Helper()
	t.Setenv("LPC_ROOT", t.TempDir())
	n, err := namespace.Parse("port")
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// nativePort is a port of the native face.
func nativePort(t *testing.T, n namespace.Name, o PortOptions) *Port {
	t.Helper()
	p, err := CreatePort(&n, NativeOptions{PortOptions: o, MaxMessageLength: 328, MaxConnectionInfoLength: 260})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	return p
}

// client is the socket of a client that has said nothing yet.
func client(t *testing.T, n namespace.Name) *link.Link {
	t.Helper()
	fd, err := namespace.Connect(context.Background(), n)
	if err != nil {
		t.Fatal(err)
	}
	l, err := link.New(fd)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
	return l
}

// answer is the first frame that comes.
func answer(t *testing.T, l *link.Link) (got link.Frame) {
	t.Helper()
	stop := errors.New("one is enough")
	err := error(nil)
	for err == nil {
		_ = l.Use(func(fd int) error {
			_, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 30_000)
			return err
		})
		err = l.Receive(func() {}, func(f *link.Frame, fd int) error {
			got = *f
			got.Text = append([]byte(nil), f.Text...)
			if fd >= 0 {
				_ = unix.Close(fd)
			}
			return stop
		})
	}
	if !errors.Is(err, stop) {
		t.Fatalf("no answer came: %v", err)
	}
	return got
}

// until waits for what the poller does.
func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for over := time.After(30 * time.Second); !holds(); {
		select {
		case <-tick.C:
		case <-over:
			t.Fatalf("%s: it has not come to that", what)
		}
	}
}

// sparse is a memfd with a section's seals and nothing in it.
func sparse(t *testing.T, size int) int {
	t.Helper()
	fd, err := section.Make("sparse", size)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Close(fd) })
	return fd
}

// views is how many mappings of sparse memfds this process has.
func views(t *testing.T) int {
	t.Helper()
	b, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		t.Fatal(err)
	}
	return strings.Count(string(b), "memfd:sparse")
}

// TestViewQuota: views of clients that wait to be let in are counted for their user, and given
// back when they go.
func TestViewQuota(t *testing.T) {
	n := fresh(t)
	p := nativePort(t, n, PortOptions{Limits: Limits{BytesPerUID: 1 << 30}})
	const size = 256 << 20
	fd := sparse(t, size)
	view := &ViewOffer{FD: fd, Total: size, Size: size}
	var in []*link.Link
	for range 4 {
		l := client(t, n)
		if err := l.Send(view.frame(), fd); err != nil {
			t.Fatal(err)
		}
		in = append(in, l)
	}
	until(t, "mapping four views", func() bool { return granted(p) == account{half: 4, bytes: 4 * size, sections: 4} })
	if n := views(t); n == 0 { // the kernel may show neighbours as one
		t.Error("nothing is mapped")
	}
	l := client(t, n)
	if err := l.Send(view.frame(), fd); err != nil {
		t.Fatal(err)
	}
	if f := answer(t, l); f.Kind != link.Refuse || f.Reason != link.ReasonQuota {
		t.Errorf("a view beyond the quota: %s, reason %d, %q; want REFUSE for the quota", f.Kind, f.Reason, f.Text)
	}
	large := client(t, n)
	vast := sparse(t, 1<<40)
	if err := large.Send((&ViewOffer{FD: vast, Total: 1 << 40, Size: 1 << 40}).frame(), vast); err != nil {
		t.Fatal(err)
	}
	if f := answer(t, large); f.Kind != link.Refuse || f.Reason != link.ReasonViolation {
		t.Errorf("a view of 1 TiB: %s, reason %d, %q; want REFUSE", f.Kind, f.Reason, f.Text)
	}
	for _, l := range in {
		l.Close()
	}
	until(t, "giving them back", func() bool { return granted(p) == account{} && views(t) == 0 })
}

// granted is the account of this process's user.
func granted(p *Port) (got account) {
	_ = p.accounts.with(uint32(unix.Getuid()), func(a *account) error { got = *a; return nil })
	return got
}

// TestViewBeforeAdmission: nothing is mapped for who will not be let in.
func TestViewBeforeAdmission(t *testing.T) {
	n := fresh(t)
	var asked atomic.Int32
	p := nativePort(t, n, PortOptions{Admit: func(security.Identity) bool { asked.Add(1); return false }})
	fd := sparse(t, 4096)
	l := client(t, n)
	if err := l.Send((&ViewOffer{FD: fd, Total: 4096, Size: 4096}).frame(), fd); err != nil {
		t.Fatal(err)
	}
	if f := answer(t, l); f.Kind != link.Refuse || f.Reason != link.ReasonDenied {
		t.Errorf("%s, reason %d; want REFUSE before the CONNECT", f.Kind, f.Reason)
	}
	if views(t) != 0 || granted(p) != (account{}) || asked.Load() != 1 {
		t.Errorf("%d views mapped, %+v counted; asked %d times, want once", views(t), granted(p), asked.Load())
	}
}

// TestBookedBeforeKnown: when what comes on the socket first goes to the connection, which may
// be its end, the port has it in its books and its records are held. (That the poller's reader
// comes just then cannot be forced; what it would find is looked at.)
func TestBookedBeforeKnown(t *testing.T) {
	n := fresh(t)
	p, err := Listen(n, PortOptions{})
	if err != nil {
		t.Fatal(err)
	}
	blocks := func() uint64 { return p.proc.pool.Header().Blocks }
	l := client(t, n)
	if err := l.Send(&link.Frame{Kind: link.Connect, Value: 1 << 20}, -1); err != nil {
		t.Fatal(err)
	}
	r, err := p.Accept(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	before := blocks()
	var made *Conn
	c, fd, err := r.admit(func(c *Conn, _ int) {
		made = c
		l.Close()
		r.ready() // as the poller would: the end is for nobody yet
		if r.connection() != nil {
			t.Error("the connection is known before it is made")
		}
	})
	if err != nil || c != made {
		t.Fatal(err)
	}
	_ = unix.Close(fd)
	p.mu.Lock()
	_, booked := p.conns[c]
	p.mu.Unlock()
	if !booked || r.connection() != c {
		t.Errorf("booked: %v, known: %v", booked, r.connection() == c)
	}
	r.finish()
	c.ready()
	<-c.Torn()
	if connections, _, _, _, _, _ := p.Stats(); connections != 0 || !errors.Is(c.Err(), ErrPeerDied) {
		t.Errorf("%d connections, ended with %v; want none, and ErrPeerDied", connections, c.Err())
	}
	if now := blocks(); now > before {
		t.Errorf("%d blocks of pool before, %d after", before, now)
	}
	_ = p.Close()
}

// TestAcceptAfterClose: the listener's number may be another's once Close has taken the
// listener away.
func TestAcceptAfterClose(t *testing.T) {
	p, err := Listen(fresh(t), PortOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	if fd, err := p.accept(); fd >= 0 || !errors.Is(err, io.EOF) {
		t.Errorf("accept after Close gives %d, %v; want nothing and EOF", fd, err)
	}
}

// TestOneTimer: without descriptors the port looks again later, once, however many connect.
func TestOneTimer(t *testing.T) {
	n := fresh(t)
	p, err := Listen(n, PortOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	release := proctest.NoDescriptors(t)
	p.mu.Lock()
	p.later = false
	p.mu.Unlock()
	if _, err := p.accept(); !errors.Is(err, unix.EMFILE) {
		t.Errorf("accept without a descriptor to spare: %v, want EMFILE", err)
	}
	for range 100 { // edges, before the timer
		p.mu.Lock()
		later := p.later
		p.mu.Unlock()
		if _, err := p.accept(); later && !errors.Is(err, unix.EAGAIN) && !errors.Is(err, unix.EMFILE) {
			t.Errorf("accept before the timer: %v", err)
		}
	}
	release()
	l := client(t, n)
	if err := l.Send(&link.Frame{Kind: link.Connect, Value: 1 << 20}, -1); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Accept(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestBacklogDoesNotWait: a listener is closed with clients in its backlog that have sent what
// does not close.
func TestBacklogDoesNotWait(t *testing.T) {
	n := fresh(t)
	ear, err := namespace.Listen(n, namespace.Options{})
	if err != nil {
		t.Fatal(err)
	}
	l := client(t, n)
	fd, release := proctest.Lingerer(t)
	if err := l.Send(&link.Frame{Kind: link.Connect}, fd); err != nil {
		t.Fatal(err)
	}
	_ = unix.Close(fd)
	done := make(chan error, 1)
	go func() {
		turnAway(ear.FD())
		done <- ear.Close()
	}()
	select {
	case err := <-done:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(30 * time.Second):
		t.Error("closing the listener waits")
	}
	if _, err := namespace.Connect(t.Context(), n); err == nil {
		t.Error("there is a listener")
	}
	release()
	until(t, "closing what was sent", func() bool { return link.Unclosed(uint32(unix.Getuid())) == 0 })
}

// TestUnclosedUser: a user with too many descriptors that wait to be closed gets no
// connections until they are.
func TestUnclosedUser(t *testing.T) {
	if !proctest.WithoutPreemption(t) {
		return
	}
	n := fresh(t)
	p, err := Listen(n, PortOptions{})
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- p.Serve(context.Background(), nil, true) }()
	defer func() { _ = p.Close(); <-served }()
	var releases []func()
	for range link.MostUnclosed {
		fd, release := proctest.Lingerer(t)
		releases = append(releases, release)
		link.Discard(uint32(unix.Getuid()), fd)
	}
	if _, err := Dial(t.Context(), n, DialOptions{}); !errors.Is(err, ErrQuota) || !errors.Is(err, ErrRefused) {
		t.Errorf("Dial gives %v, want ErrQuota and ErrRefused", err)
	}
	for _, r := range releases {
		r()
	}
	until(t, "closing them", func() bool { return link.Unclosed(uint32(unix.Getuid())) == 0 })
	c, err := Dial(t.Context(), n, DialOptions{})
	if err != nil {
		t.Fatal(err)
	}
	_ = c.Close()
}

// TestMappingsLimit: where the process may map no more for its connections, a section is
// refused, and nothing is left counted.
func TestMappingsLimit(t *testing.T) {
	p, c := pair(t, "port", PortOptions{}, func(Use) {})
	mapped.mu.Lock()
	most := mapped.most
	mapped.most = 0
	mapped.mu.Unlock()
	_, err := c.sections.acquire(t.Context(), c, 100_000, pool.TagSection)
	if !errors.Is(err, ErrQuota) || c.Err() != nil {
		t.Errorf("a section beyond the limit: %v, connection: %v; want ErrQuota, and the connection to live", err, c.Err())
	}
	if a := granted(p); a.bytes != 0 || a.sections != 0 {
		t.Errorf("the refused section is counted: %d bytes in %d", a.bytes, a.sections)
	}
	mapped.mu.Lock()
	mapped.most = most
	mapped.mu.Unlock()
	if _, err := c.sections.acquire(t.Context(), c, 100_000, pool.TagSection); err != nil {
		t.Error(err)
	} else {
		c.sections.giveUp()
	}
}
