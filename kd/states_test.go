package kd_test

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/seed-eedd8485/lpc"
	"github.com/seed-eedd8485/lpc/internal/golden"
	"github.com/seed-eedd8485/lpc/internal/proctest"
	"github.com/seed-eedd8485/lpc/internal/targettest"
	"github.com/seed-eedd8485/lpc/kd"
	"github.com/seed-eedd8485/lpc/kd/records"
	"github.com/seed-eedd8485/lpc/target"
	"github.com/seed-eedd8485/lpc/target/live"
	"github.com/seed-eedd8485/lpc/target/lpcpool"
	"github.com/seed-eedd8485/lpc/waitgraph"
)

// A proc is a process of a scene: service NAME WORKERS, or client PORT REQUEST...
type proc []string

// A scene is processes in a state that does not move any more.
type scene struct {
	name   string
	procs  []proc // started in this order; clients send their calls one after the other
	after  func(t *testing.T, s *stage)
	want   string // what is settled: summary's text
	status int    // of !deadlock
}

var scenes = []scene{
	{name: "empty", procs: []proc{{"service", "alpha", "4"}}, want: ""},
	{name: "busy", procs: []proc{{"service", "alpha", "4"}, {"client", "alpha", "hold"}}, want: "1 wait; served 1"},
	{name: "loop", procs: []proc{{"service", "alpha", "4"}, {"client", "alpha", "spin"}}, want: "1 wait; served 1"},
	{name: "queued", procs: []proc{{"service", "alpha", "1"}, {"client", "alpha", "hold", "hold", "hold"}}, want: "3 wait; queued 2; served 1"},
	{name: "deferred", procs: []proc{{"service", "alpha", "1"}, {"client", "alpha", "defer"}}, want: "1 wait; deferred 1"},
	{name: "callback", procs: []proc{{"service", "alpha", "4"}, {"client", "alpha", "back hold"}}, want: "2 wait; served 2"},
	{name: "connector", procs: []proc{{"service", "alpha", "0"}, {"client", "alpha", "connect"}}, want: "1 connecting"},
	{name: "flood", procs: []proc{{"service", "alpha", "1"}, {"client", "alpha", "flood hold"}}, want: "queued 19; served 1"},
	{name: "dead client", procs: []proc{{"service", "alpha", "1"}, {"client", "alpha", "hold"}}, want: "served 1", after: func(t *testing.T, s *stage) {
		s.settle(t, "1 wait; served 1")
		s.children[1].Kill()
		s.until(t, "!lpc port", "10000003") // its server has seen it
	}},
	{name: "closed port", procs: []proc{{"service", "alpha", "1"}, {"client", "alpha", "hold"}}, want: "served 1", after: func(t *testing.T, s *stage) {
		s.settle(t, "1 wait; served 1")
		s.children[0].Say(t, "close")
		s.children[0].Expect(t, "closed")
		says(t, s.children[1], "call ended: ", lpc.ErrPortClosed.Error())
		s.until(t, "!lpc port", "Scanning 2 objects") // the client has freed its end
	}},
	{name: "failed", procs: []proc{{"service", "alpha", "2"}, {"client", "alpha", "hold", "late"}}, want: "served 1", after: fail},
	{name: "two", procs: []proc{{"service", "alpha", "1"}, {"service", "beta", "1"}, {"client", "alpha", "call beta call alpha hold"}},
		want: "3 wait; queued 1; served 2", status: kd.StatusProved},
	{name: "three", procs: []proc{{"service", "alpha", "1"}, {"service", "beta", "1"}, {"service", "gamma", "1"}, {"client", "alpha", "call beta call gamma call alpha hold"}},
		want: "4 wait; queued 1; served 3", status: kd.StatusProved},
	{name: "five", procs: []proc{{"service", "a", "1"}, {"service", "b", "1"}, {"service", "c", "1"}, {"service", "d", "1"}, {"service", "e", "1"},
		{"client", "a", "call b call c call d call e call a hold"}},
		want: "6 wait; queued 1; served 5", status: kd.StatusProved},
	{name: "fresh", procs: []proc{{"service", "alpha", "1"}, {"service", "beta", "1"}, {"client", "alpha", "fresh beta call alpha hold"}},
		want: "3 wait; queued 1; served 2", status: kd.StatusPossible},
	{name: "lock", procs: []proc{{"service", "alpha", "8"}, {"service", "beta", "8"}, {"client", "alpha", "lock call beta call alpha lock hold"}},
		want: "3 wait; served 3", status: kd.StatusPossible},
}

// fail has messages of a scene fail in each way that both ends see: the two calls that wait
// are given up, the reply to the second comes too late, one call gets no reply, and one has
// too much data.
func fail(t *testing.T, s *stage) {
	t.Helper()
	server, client := s.children[0], s.children[1]
	s.settle(t, "2 wait; served 2")
	for range 2 {
		client.Say(t, "cancel")
		says(t, client, "call ended: ", "context canceled")
	}
	server.Say(t, "reply")
	says(t, server, "reply: ", lpc.ErrAbandoned.Error())
	client.Say(t, "call forget")
	says(t, client, "call ended: ", lpc.ErrDropped.Error())
	client.Say(t, "large")
	says(t, client, "call ended: ", "1001 bytes")
}

// says waits for the process's next line, which must have those texts in it.
func says(t *testing.T, c *proctest.Child, texts ...string) {
	t.Helper()
	said := c.Line(t)
	for _, text := range texts {
		if !strings.Contains(said, text) {
			t.Fatalf("process %d said %q, want %q in it", c.PID(), said, text)
		}
	}
}

func named(t *testing.T, name string) *scene {
	t.Helper()
	for i := range scenes {
		if scenes[i].name == name {
			return &scenes[i]
		}
	}
	t.Fatalf("there is no scene %s", name)
	return nil
}

// A stage is a scene's processes and the target that is all of them.
type stage struct {
	children []*proctest.Child
	live     []*live.Target
	target   target.Target
	session  *kd.Session
}

// play starts a scene and waits until it is settled.
func play(t *testing.T, sc *scene) *stage {
	t.Helper()
	watchdog(t)
	s := &stage{}
	root := t.TempDir()
	for _, p := range sc.procs {
		s.children = append(s.children, start(t, root, p[0], p[1:]...))
	}
	waiting := 0
	for i, p := range sc.procs {
		if p[0] != "client" {
			continue
		}
		for k := range p[2:] {
			s.children[i].Say(t, "next")
			s.open(t)
			if k < len(p[2:])-1 {
				waiting++
				s.received(t, waiting)
			}
		}
	}
	if s.target == nil {
		s.open(t)
	}
	if sc.after != nil {
		sc.after(t, s)
	}
	s.settle(t, sc.want)
	if sc.name == "lock" {
		s.until(t, "!deadlock", "Possible deadlock") // a handler is taken for stuck when it has run for a second
	}
	return s
}

// open makes the target anew: it is the scene's processes and no others of the
// machine. A client has a pool once it has connected.
func (s *stage) open(t *testing.T) {
	t.Helper()
	var list []target.Target
	s.live = nil
	for _, c := range s.children {
		for {
			tg, err := live.Open(c.PID())
			if err == nil {
				list, s.live = append(list, tg), append(s.live, tg)
				break
			}
			if !strings.Contains(err.Error(), "pool") {
				t.Fatal(err)
			}
		}
	}
	tg, err := target.Join(list...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tg.Close() })
	s.target, s.session = tg, kd.NewSession(tg)
}

func (s *stage) world(t *testing.T) *records.World {
	t.Helper()
	if err := target.Refresh(s.target); err != nil {
		t.Fatal(err)
	}
	w, err := records.Look(context.Background(), records.NewReader(s.target), records.All)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// snapshot is the scene in a file.
func (s *stage) snapshot(t *testing.T) target.Target {
	t.Helper()
	var pools []*lpcpool.Pool
	for _, l := range s.live {
		pools = append(pools, l.Pools()...)
	}
	return targettest.Snapshot(t, pools)
}

// settle waits until the scene's summary begins with that text.
func (s *stage) settle(t *testing.T, want string) {
	t.Helper()
	for {
		w := s.world(t)
		got := summary(w)
		if (got == want || want != "" && strings.HasPrefix(got, want)) && stamped(w) {
			return
		}
	}
}

// stamped: what is written behind the states that a summary counts is there too, since
// when each thread waits.
func stamped(w *records.World) bool {
	for _, th := range w.Threads {
		if th.Waits() && th.Start == 0 {
			return false
		}
	}
	return true
}

// received waits until so many calls wait and their server has them: the order of two
// connections is that of first sight.
func (s *stage) received(t *testing.T, calls int) {
	t.Helper()
	for {
		w := s.world(t)
		waits, messages := 0, 0
		for _, th := range w.Threads {
			if th.Waits() && th.Call != "Dial" {
				waits++
			}
		}
		for _, m := range w.Messages {
			if !m.Connect() {
				messages++
			}
		}
		if waits >= calls && messages >= calls {
			return
		}
	}
}

// summary counts who waits, and the messages by state.
func summary(w *records.World) string {
	n := map[string]int{}
	for _, th := range w.Threads {
		if th.Waits() && th.Call != "Dial" && w.PortAt[th.Port] != nil && w.ProcessID(th.Process).Err == nil {
			n["wait"]++
		}
	}
	for _, m := range w.Messages {
		if m.Connect() {
			n["connecting"]++
			continue
		}
		switch m.State {
		case waitgraph.Queued:
			n["queued"]++
		case waitgraph.Served:
			n["served"]++
		case waitgraph.Deferred:
			n["deferred"]++
		}
	}
	var parts []string
	if n["connecting"] > 0 {
		parts = append(parts, fmt.Sprintf("%d connecting", n["connecting"]))
	}
	if n["wait"] > 0 {
		parts = append(parts, fmt.Sprintf("%d wait", n["wait"]))
	}
	for _, k := range []string{"queued", "served", "deferred"} {
		if n[k] > 0 {
			parts = append(parts, fmt.Sprintf("%s %d", k, n[k]))
		}
	}
	return strings.Join(parts, "; ")
}

// run carries out commands and gives what they print.
func (s *stage) run(t *testing.T, line string) string {
	t.Helper()
	var b strings.Builder
	if err := s.session.Run(context.Background(), &b, line); err != nil {
		fmt.Fprintf(&b, "error: %s\n", err)
	}
	return b.String()
}

// commands are all that is asked of a settled scene: every list, then every port,
// every thread that waits, every message, and every one that failed.
func (s *stage) commands(t *testing.T) (list []string, pids []int, ids []uint32) {
	t.Helper()
	var failed []uint32
	w := s.world(t)
	list = []string{"!process 0 0", "!lpc port", "!lpc thread", "!lpc message", "!waitchain", "!deadlock", "!stuck 0", "!failed", "!gflag"}
	pids = []int{os.Getpid()} // their parent
	for _, c := range s.children {
		pids = append(pids, c.PID())
	}
	for _, p := range w.Ports {
		if p.Kind == records.Connection {
			list = append(list, fmt.Sprintf("!lpc port %016x", p.Addr), fmt.Sprintf("!lpc scan %016x", p.Addr))
		}
	}
	for _, th := range w.Threads {
		if th.Waits() {
			list = append(list, fmt.Sprintf("!thread %016x", th.Addr), fmt.Sprintf("!handle %x 3 0n%d", th.Args[0], th.Process))
			ids = append(ids, th.Reply)
		}
	}
	for _, m := range w.Messages {
		ids = append(ids, m.ID)
	}
	for _, m := range failedID.FindAllStringSubmatch(s.run(t, "!failed"), -1) {
		id, err := strconv.ParseUint(m[1], 16, 32)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Contains(failed, uint32(id)) {
			failed = append(failed, uint32(id))
		}
	}
	ids = append(ids, failed...)
	slices.Sort(ids)
	for _, m := range w.Messages {
		list = append(list, fmt.Sprintf("!lpc message %x", m.ID))
	}
	for _, id := range failed {
		if line := fmt.Sprintf("!lpc message %x", id); !slices.Contains(list, line) {
			list = append(list, line)
		}
	}
	return list, pids, ids
}

// failedID finds the messages in what !failed prints.
var failedID = regexp.MustCompile(`: message 0x([0-9a-f]+) `)

// script carries out commands and gives a transcript.
func (s *stage) script(t *testing.T, list []string) string {
	var b strings.Builder
	for _, line := range list {
		fmt.Fprintf(&b, "kd> %s\n%s\n", line, s.run(t, line))
	}
	return b.String()
}

// TestStates starts real processes in each state and compares what every command
// says of them, live and from a snapshot.
func TestStates(t *testing.T) {
	for i := range scenes {
		sc := &scenes[i]
		t.Run(sc.name, func(t *testing.T) {
			s := play(t, sc)
			list, pids, ids := s.commands(t)
			golden.Text(t, strings.ReplaceAll(sc.name, " ", "_")+".txt", newNormalizer(pids, ids).text(s.script(t, list)))
			text := newNormalizer(pids, ids).text(s.script(t, list))
			s.target = s.snapshot(t)
			s.session = kd.NewSession(s.target)
			if got := newNormalizer(pids, ids).text(s.script(t, list)); got != text && sc.name != "dead client" { // a snapshot does not tell that a process had ended
				t.Errorf("the snapshot and the running processes: %s", golden.Differ(got, text))
			}
			s.run(t, "!deadlock")
			if s.session.Status != sc.status {
				t.Errorf("!deadlock: status %d, want %d", s.session.Status, sc.status)
			}
		})
	}
}

// until repeats a command until it says that.
func (s *stage) until(t *testing.T, line, want string) {
	for !strings.Contains(s.run(t, line), want) {
	}
}
