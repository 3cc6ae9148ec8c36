package robust

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/seed-eedd8485/lpc"
	"github.com/seed-eedd8485/lpc/internal/failpoint"
)

// A scenario brings a process to one failpoint and says what the other one gets.
type scenario struct {
	point string
	count int    // passes until it is killed; 0: one
	step  string // what the client does then: a name of everything with dashes, or a letter for everyOp
	want  error  // of the step, at the survivor. nil: it succeeds
	gets  bool   // what was published before the kill is delivered
}

// serverDies: the killed process is the server, the survivor this client.
var serverDies = []scenario{
	{point: "listen-bound"},
	{point: "connect-received"},
	{point: "accept-made"},
	{point: "accept-sent"},
	{point: "grow-received", step: "large-call", want: lpc.ErrPeerDied},
	{point: "section-sent", step: "large-call", want: lpc.ErrPeerDied},
	{point: "request-written", step: "callback", want: lpc.ErrPeerDied},
	{point: "request-published", step: "callback", want: lpc.ErrPeerDied, gets: true},
	{point: "caller-parks", step: "callback-that-is-never-answered", want: lpc.ErrPeerDied},
	{point: "request-taken", count: holds + 1, step: "small-call", want: lpc.ErrPeerDied},
	{point: "handler-entered", count: holds + 1, step: "small-call", want: lpc.ErrPeerDied},
	{point: "reply-written", step: "small-call", want: lpc.ErrPeerDied},
	{point: "reply-published", step: "small-call"},
	{point: "reply-seen", step: "callback", want: lpc.ErrPeerDied},
	{point: "gram-written", step: "g", want: lpc.ErrPeerDied},
	{point: "gram-published", step: "g", want: lpc.ErrPeerDied, gets: true},
	{point: "close-sent", step: "k", want: lpc.ErrPortClosed},
}

// clientDies: the killed process is a client, the survivor this server. want is
// why the connection ends; gets counts what its handler was given.
var clientDies = []scenario{
	{point: "connect-sent", want: lpc.ErrPeerDied},
	{point: "accept-received", want: lpc.ErrPeerDied},
	{point: "grow-sent", step: "large-call", want: lpc.ErrPeerDied},
	{point: "request-written", count: holds + 1, step: "small-call", want: lpc.ErrPeerDied},
	{point: "request-published", count: holds + 1, step: "small-call", want: lpc.ErrPeerDied, gets: true},
	{point: "caller-parks", step: "parked-call", want: lpc.ErrPeerDied},
	{point: "request-taken", step: "callback", want: lpc.ErrPeerDied},
	{point: "handler-entered", step: "callback", want: lpc.ErrPeerDied},
	{point: "reply-written", step: "callback", want: lpc.ErrPeerDied},
	{point: "reply-published", step: "callback", want: lpc.ErrPeerDied},
	{point: "reply-seen", step: "small-call", want: lpc.ErrPeerDied},
	{point: "gram-written", step: "datagram", want: lpc.ErrPeerDied},
	{point: "gram-published", step: "datagram", want: lpc.ErrPeerDied, gets: true},
	{point: "close-sent", step: "close", want: lpc.ErrPortClosed},
}

// oneSided are points that one end alone can pass.
var oneSided = map[string]string{
	"listen-bound": "server", "connect-received": "server", "accept-made": "server", "accept-sent": "server",
	"grow-received": "server", "section-sent": "server",
	"connect-sent": "client", "accept-received": "client", "grow-sent": "client",
}

// TestKillAtFailpoints kills either end at every point of the list. That a point
// is passed is seen by the process dying of it.
func TestKillAtFailpoints(t *testing.T) {
	for _, p := range failpoint.Points[1:] {
		has := func(list []scenario) bool {
			return slices.ContainsFunc(list, func(s scenario) bool { return s.point == p })
		}
		if side := oneSided[p]; !has(serverDies) && side != "client" || !has(clientDies) && side != "server" {
			t.Errorf("failpoint %s has no scenario for each end that can pass it", p)
		}
	}
	base := takeCensus()
	for _, s := range serverDies {
		t.Run("server/"+s.point, func(t *testing.T) { s.killServer(t) })
		base.check(t)
	}
	for _, s := range clientDies {
		t.Run("client/"+s.point, func(t *testing.T) { s.killClient(t) })
		base.check(t)
	}
}

func (s *scenario) env() string { return fmt.Sprintf("LPC_FAILPOINT=%s:%d", s.point, max(s.count, 1)) }

func (s *scenario) killServer(t *testing.T) {
	name := portName(t)
	server := start(t, "server", name, s.env())
	server.tell("listen")
	if s.point != "listen-bound" {
		server.expect("listening")
		s.callDying(t, server)
	}
	server.killedItself(s.point)
	stale(t, name)
	local(t, nil, echo) // the same name: it is taken over
	if _, err := dial(t, name, nil).Call(t.Context(), nil); err != nil {
		t.Errorf("calling the next server of the name: %v", err)
	}
}

// stale: the name shows as left by a process that died, and leads nowhere.
func stale(t *testing.T, name string) {
	t.Helper()
	ports, err := lpc.Ports(context.Background())
	if err != nil {
		t.Error(err)
	}
	if !slices.ContainsFunc(ports, func(p lpc.PortInfo) bool { return p.Stale && p.Name == foldedName(name) }) {
		t.Errorf("the list does not show %s as stale: %+v", name, ports)
	}
	if _, err := lpc.Dial(context.Background(), name, nil); !errors.Is(err, lpc.ErrNotFound) {
		t.Errorf("Dial gives %v for a stale name, want ErrNotFound", err)
	}
}

// callDying is the client of a server that is about to die.
func (s *scenario) callDying(t *testing.T, server *child) {
	var got atomic.Int64 // requests and datagrams from the server
	ended := make(chan error, 1)
	var c *lpc.Conn
	var err error
	within(t, "Dial", func() {
		c, err = lpc.Dial(context.Background(), portName(t), &lpc.DialOptions{
			Handler: lpc.HandlerFunc(func(r lpc.Request) { got.Add(1); everyOp(r) }),
			OnClose: func(_ *lpc.Conn, err error) { ended <- err },
		})
	})
	if s.step == "" {
		if err == nil && s.point != "accept-sent" || err != nil && !errors.Is(err, lpc.ErrPeerDied) {
			t.Fatalf("Dial gives %v, want ErrPeerDied", err)
		}
		if err != nil {
			return
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	want := lpc.ErrPeerDied
	if errors.Is(s.want, lpc.ErrPortClosed) {
		want = lpc.ErrPortClosed
	}
	var held *lpc.Buffer
	if s.step != "" && s.step != "large-call" {
		if held, err = c.Alloc(context.Background(), 1000); err != nil {
			t.Fatal(err)
		}
	}
	var wg sync.WaitGroup
	for range holds {
		wg.Go(func() {
			_, err := c.Call(context.Background(), []byte("hold"))
			if err == nil && s.point == "close-sent" {
				return // the server answered its calls as it closed
			}
			if !errors.Is(err, want) {
				t.Errorf("a parked call gives %v, want %v", err, want)
			}
		})
		if s.step != "" {
			server.expect("held")
		}
	}
	if s.step != "" {
		within(t, s.step, func() { err = s.do(c) })
		if !errors.Is(err, s.want) {
			t.Errorf("%s gives %v, want %v", s.step, err, s.want)
		}
	}
	within(t, "the parked calls", wg.Wait)
	if held != nil {
		held.Release()
	}
	for _, o := range everything {
		if strings.Contains(o.name, "deadline") {
			continue // which of both comes first is not said
		}
		within(t, o.name, func() { err = o.do(c, 1000) })
		if !errors.Is(err, want) {
			t.Errorf("%s on the ended connection gives %v, want %v", o.name, err, want)
		}
	}
	await(t, "Done", c.Done())
	if err := c.Err(); !errors.Is(err, want) {
		t.Errorf("Err is %v, want %v", err, want)
	}
	if err := receive(t, "OnClose", ended); !errors.Is(err, want) {
		t.Errorf("OnClose is told %v, want %v", err, want)
	}
	if s.gets && got.Load() != 1 {
		t.Errorf("%d messages were delivered, want the one that was published before the kill", got.Load())
	}
}

// do does the scenario's step.
func (s *scenario) do(c *lpc.Conn) error {
	if len(s.step) == 1 {
		_, err := c.Call(context.Background(), []byte(s.step))
		return err
	}
	return clientStep(c, s.step)
}
