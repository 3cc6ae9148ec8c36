package engine

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/seed-eedd8485/lpc/internal/pool"
	"github.com/seed-eedd8485/lpc/namespace"
)

func TestParseTag(t *testing.T) {
	for text, want := range map[string]string{"": "Sect", "a": "a   ", "Leak": "Leak", "~ !A": "~ !A", "Sect": "Sect"} {
		if got, err := ParseTag(text); err != nil || got.String() != want {
			t.Errorf("%q: %q %v", text, got, err)
		}
	}
	for _, text := range []string{"Leaks", "ü", "a\n", "\x7f", "Port", "LpcM", "Pool", "Ovfl", strings.Repeat("x", 1<<16)} {
		if _, err := ParseTag(text); !errors.Is(err, ErrInvalidTag) || len(err.Error()) > 200 {
			t.Errorf("%.20q: %v", text, err)
		}
	}
}

// tagPair is a server's and a client's end in this process.
func tagPair(t testing.TB, o PortOptions, d DialOptions) (server, client *Conn) {
	t.Helper()
	t.Setenv("LPC_ROOT", t.TempDir())
	name, err := namespace.Parse("tags")
	if err != nil {
		t.Fatal(err)
	}
	conns := make(chan *Conn, 1)
	o.OnConnect = func(r *Pending) {
		c, err := r.Accept(nil)
		if err != nil {
			t.Error(err)
		}
		conns <- c
	}
	p, err := Listen(name, o)
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() {
		served <- p.Serve(context.Background(), func(u Use) { data, _ := u.Data(); _ = u.Reply(data) }, true)
	}()
	if client, err = Dial(t.Context(), name, d); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = client.Close()
		<-client.Torn()
		_ = p.Close()
		<-served
	})
	return <-conns, client
}

// trackerOf is what the pool counts of a tag, by the links in memory.
func trackerOf(p *pool.Pool, tag pool.Tag) (found pool.Tracker) {
	for a := p.Header().Trackers; a != 0; {
		table := pool.At[pool.TrackerTable](p, a)
		for _, e := range table.Entries[:table.Count] {
			if e.Key == tag {
				found = e
			}
		}
		a = table.Next
	}
	return found
}

var tags atomic.Uint32

// freshTag is one that nothing in this process bears: trackers count for ever.
func freshTag() (tag pool.Tag) {
	copy(tag[:], fmt.Sprintf("T%03d", tags.Add(1)))
	return tag
}

// sectionsOf are the records of a connection's own sections.
func sectionsOf(c *Conn) (list []pool.Section) {
	c.sections.mu.Lock()
	defer c.sections.mu.Unlock()
	for _, r := range c.sections.all {
		if r.mine {
			list = append(list, *r.rec)
		}
	}
	return list
}

// What a section's record says follows each allocation, at both ends, the first in a new
// section too; what the tracker counts does when the tag changes and when the memory goes.
func TestSectionTags(t *testing.T) {
	aaaa, bbbb, cccc := freshTag(), freshTag(), freshTag()
	server, client := tagPair(t, PortOptions{Tag: aaaa}, DialOptions{Tag: bbbb})
	p := server.proc.pool
	for _, c := range []struct {
		conn *Conn
		tag  pool.Tag
	}{{server, aaaa}, {client, bbbb}} {
		b, err := c.conn.Alloc(t.Context(), 20000)
		if err != nil {
			t.Fatal(err)
		}
		l := sectionsOf(c.conn)
		if len(l) != 1 || l[0].UserTag != c.tag || l[0].Used != 20000 || l[0].Blocks != 1 || l[0].Allocs != 1 || l[0].Frees != 0 || l[0].Size != 32768 {
			t.Fatalf("allocated: %+v", l)
		}
		b.Release()
		if l := sectionsOf(c.conn); l[0].Used != 0 || l[0].Blocks != 0 || l[0].Frees != 1 {
			t.Errorf("released: %+v", l)
		}
		if got := trackerOf(p, c.tag); got.LargeAllocs != 0 {
			t.Errorf("counted while the tag stays: %+v", got)
		}
		b, err = c.conn.AllocTag(t.Context(), 30000, cccc)
		if err != nil {
			t.Fatal(err)
		}
		if l := sectionsOf(c.conn); len(l) != 1 || l[0].UserTag != cccc || l[0].Used != 30000 || l[0].Allocs != 1 || l[0].Frees != 0 {
			t.Errorf("with another tag: %+v", l)
		}
		if got := trackerOf(p, c.tag); got.LargeAllocs != 1 || got.LargeFrees != 1 {
			t.Errorf("the tag changed: %+v", got)
		}
		b.Release()
	}
	// Large data of a call stands under the tags of who allocates for it.
	if _, reply, err := client.Call(t.Context(), make([]byte, 1000)); err != nil || len(reply) != 1000 {
		t.Fatal(err)
	}
	_ = client.Close()
	<-client.Torn()
	<-server.Torn()
	if got := trackerOf(p, cccc); got.LargeAllocs != 2 || got.LargeFrees != 2 {
		t.Errorf("all has gone: %+v", got)
	}
	if got := trackerOf(p, bbbb); got.LargeAllocs != 2 || got.LargeFrees != 2 {
		t.Errorf("the call's: %+v", got)
	}
}

// A buffer that outlives its connection belongs to the port, and is given back with it.
func TestSectionOutlivesConnection(t *testing.T) {
	server, client := tagPair(t, PortOptions{}, DialOptions{})
	tag := freshTag()
	b, err := server.AllocTag(t.Context(), 100, tag)
	if err != nil {
		t.Fatal(err)
	}
	_ = client.Close()
	<-client.Torn() // its records are in the same pool
	<-server.Torn()
	l := sectionsOf(server)
	if len(l) != 1 || l[0].Port != server.port.addr || l[0].Blocks != 1 {
		t.Errorf("%+v, want the port at %#x", l, server.port.addr)
	}
	before := trackerOf(server.proc.pool, pool.TagSection)
	b.Release()
	after := trackerOf(server.proc.pool, pool.TagSection)
	if after.Frees != before.Frees+1 || len(sectionsOf(server)) != 0 {
		t.Errorf("the record was not given back: %+v, then %+v", before, after)
	}
	if got := trackerOf(server.proc.pool, tag); got.LargeAllocs != 1 || got.LargeFrees != 1 {
		t.Errorf("%+v", got)
	}
}

// An allocation that a quota refuses is counted under its tag, with the quota's name.
func TestRefusedGrants(t *testing.T) {
	server, client := tagPair(t, PortOptions{Limits: Limits{BytesPerUID: 64 << 10}}, DialOptions{})
	p := server.proc.pool
	check := func(c *Conn, quota string) {
		t.Helper()
		tag := freshTag()
		before := *p.Header()
		if _, err := c.AllocTag(t.Context(), 100<<10, tag); !errors.Is(err, ErrQuota) {
			t.Errorf("a buffer beyond the quota: %v", err)
		}
		h := p.Header()
		name, _, _ := strings.Cut(string(h.FailureQuota[:]), "\x00")
		if h.Failures <= before.Failures || h.FailureTag != tag || name != quota {
			t.Errorf("%d failures after %d, tag %s, quota %q", h.Failures, before.Failures, h.FailureTag, name)
		}
		if got := trackerOf(p, tag); got.Failures != 1 {
			t.Errorf("%+v", got)
		}
	}
	check(server, "section bytes of one uid")
	check(client, "the server's quota")
	if rec := server.port.rec; rec.MaxSectionBytes != 64<<10 {
		t.Errorf("the port's limit is said to be %d", rec.MaxSectionBytes)
	}
}

// With stacks on, a section's record says where it was allocated, and nothing without.
func TestSectionCaller(t *testing.T) {
	server, _ := tagPair(t, PortOptions{}, DialOptions{})
	pr := server.proc
	if _, err := server.Alloc(t.Context(), 100); err != nil {
		t.Fatal(err)
	}
	if l := sectionsOf(server); l[0].Stack != 0 {
		t.Errorf("stacks are off: %+v", l)
	}
	pr.stacks.init()
	defer func() { pr.stacks.on = false }()
	if _, err := server.Alloc(t.Context(), 200); err != nil {
		t.Fatal(err)
	}
	for _, s := range sectionsOf(server) {
		if s.Used != 200 {
			continue
		}
		if st := pool.At[pool.Stack](pr.pool, s.Stack); s.Stack == 0 || st.Count == 0 {
			t.Errorf("no stack: %+v", s)
		}
		return
	}
	t.Error("the section is not there")
}
