package waitgraph

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// A scene is a State in short. Processes are numbers; message n is received by the
// process that is told, thread addresses are 1000 + the message's number.
type scene struct {
	s State
}

func newScene(processes ...uint32) *scene {
	sc := &scene{}
	sc.s.Processes = map[uint32]Process{}
	for _, p := range processes {
		sc.s.Processes[p] = Process{ID: p, Image: fmt.Sprintf("p%d", p)}
		sc.s.Ports = append(sc.s.Ports, Port{Addr: uint64(p) << 8, Process: p, Name: fmt.Sprintf("port%d", p), Limit: 1})
	}
	return sc
}

// call: process from waits for message id at process to, on behalf of message
// parent (0: none; -1: it does not tell).
func (sc *scene) call(from uint32, parent int, to uint32, id uint32, state MessageState) *scene {
	key := Key{Channel: uint64(from)<<32 | uint64(to), Generation: uint64(id), Slot: id}
	w := Wait{
		Thread: 1000 + uint64(id), ThreadID: uint64(id), Process: from, Message: id, Peer: to, Key: key,
		PortName: fmt.Sprintf("port%d", to), Call: "Conn.Call", Start: uint64(id) * 10, Age: time.Duration(1000-id) * time.Millisecond,
	}
	if parent >= 0 {
		w.ParentKnown = true
		if parent > 0 {
			w.Parent, w.ParentID = 5000+uint64(parent), uint32(parent)
		}
	}
	sc.s.Waits = append(sc.s.Waits, w)
	if state != 0 {
		sc.s.Messages = append(sc.s.Messages, Message{
			Ref: 5000 + uint64(id), Process: to, ID: id, State: state, Port: uint64(to) << 8, Thread: 2000 + uint64(id), ThreadID: 100 + uint64(id),
			Key: key, Sender: from, Reply: true, Received: uint64(id)*10 + 1, Served: uint64(id)*10 + 2, ServedAge: 2 * time.Second,
		})
	}
	return sc
}

func TestVerdicts(t *testing.T) {
	limit := func(sc *scene, n int) *scene {
		for i := range sc.s.Ports {
			sc.s.Ports[i].Limit = n
		}
		return sc
	}
	late := func(sc *scene) *scene {
		sc.s.Waits[0].Start = 1000
		return sc
	}
	for _, c := range []struct {
		name  string
		scene *scene
		want  []string // a line each: proved or possible, then the messages in order
		says  string   // in the text of the first
	}{
		{"nothing", newScene(1), nil, ""},
		{"a chain", newScene(1, 2, 3).call(9, 0, 1, 1, Served).call(1, 1, 2, 2, Served).call(2, 2, 3, 3, Served), nil, ""},
		{"a nest that still runs", newScene(1, 2).call(9, 0, 1, 1, Served).call(1, 1, 2, 2, Served).call(2, 2, 1, 3, Served).call(1, 3, 2, 4, Served),
			[]string{"possible 3 4"}, "has run for 2.000 s without waiting in a call"},
		{"two", newScene(1, 2).call(9, 0, 1, 1, Served).call(1, 1, 2, 2, Served).call(2, 2, 1, 3, Queued),
			[]string{"proved 2 3"}, "it stands in the queue of port port1 in p1 1: its only handler is busy, one with message 0x1"},
		{"two, and each other's first", newScene(1, 2).call(9, 0, 1, 1, Served).call(8, 0, 2, 2, Served).call(1, 1, 2, 3, Queued).call(2, 2, 1, 4, Queued),
			[]string{"proved 3 4"}, "Deadlock, proved: 2 processes wait for each other, the longest for 0.997 s."},
		{"three", newScene(1, 2, 3).call(9, 0, 1, 1, Served).call(1, 1, 2, 2, Served).call(2, 2, 3, 3, Served).call(3, 3, 1, 4, Queued),
			[]string{"proved 2 3 4"}, "3 processes"},
		{"one that calls itself", newScene(1).call(9, 0, 1, 1, Served).call(1, 1, 1, 2, Queued), []string{"proved 2"}, "p1 1 waits for itself"},
		{"one handler is free", limit(newScene(1, 2).call(9, 0, 1, 1, Served).call(1, 1, 2, 2, Served).call(2, 2, 1, 3, Queued), 2), nil, ""},
		{"one handler of two goes on", limit(newScene(1, 2).call(9, 0, 1, 1, Served).call(1, 1, 2, 2, Served).call(2, 2, 1, 3, Queued).call(7, 0, 1, 5, Served), 2), nil, ""},
		{"both handlers are stuck", limit(newScene(1, 2).call(9, 0, 1, 1, Served).call(7, 0, 1, 2, Served).call(1, 1, 2, 3, Served).call(1, 2, 2, 4, Served).call(2, 3, 1, 5, Queued).call(2, 4, 1, 6, Queued), 2),
			[]string{"proved 3 5", "proved 4 6"}, "all of its 2 handlers are busy"},
		{"no limit is recorded", limit(newScene(1, 2).call(9, 0, 1, 1, Served).call(1, 1, 2, 2, Served).call(2, 2, 1, 3, Queued), 0),
			[]string{"possible 2 3"}, "Not certain: port port1 does not record how many handlers it may run"},
		{"a fresh context", newScene(1, 2).call(9, 0, 1, 1, Served).call(1, -1, 2, 2, Served).call(2, 2, 1, 3, Queued),
			[]string{"possible 2 3"}, "Not certain: a call of p1 1 names no message that it serves"},
		{"a fresh call that began before the handler", newScene(1, 2).call(1, -1, 2, 1, Served).call(2, 1, 1, 2, Served), nil, ""},
		{"a fresh call whose wait was stamped late", late(newScene(1, 2).call(1, -1, 2, 1, Served).call(2, 1, 1, 2, Served)), nil, ""},
		{"a lock", limit(newScene(1, 2).call(9, 0, 1, 1, Served).call(1, 1, 2, 2, Served).call(2, 2, 1, 3, Served), 8),
			[]string{"possible 2 3"}, "a lock for instance"},
		{"a deferred reply", newScene(1, 2).call(9, 0, 1, 1, Deferred).call(1, 1, 2, 2, Deferred).call(2, 2, 1, 3, Queued), nil, ""},
	} {
		g := Build(&c.scene.s)
		cycles, more := g.Find()
		var got []string
		for _, cy := range cycles {
			line := "possible"
			if cy.Proved {
				line = "proved"
			}
			for _, h := range cy.Hops {
				line += fmt.Sprint(" ", h.Wait.Message)
			}
			got = append(got, line)
			if cy.Proved != (len(cy.Doubts) == 0) {
				t.Errorf("%s: proved %v, doubts %q", c.name, cy.Proved, cy.Doubts)
			}
		}
		if !slices.Equal(got, c.want) || more {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
			continue
		}
		if len(cycles) > 0 {
			if text := strings.Join(g.Text(&cycles[0]), "\n"); !strings.Contains(text, c.says) {
				t.Errorf("%s: text\n%s\ndoes not say %q", c.name, text, c.says)
			}
		}
		if kept := g.Confirm(cycles, Build(&c.scene.s)); len(kept) != len(cycles) {
			t.Errorf("%s: the same state again confirms %d of %d", c.name, len(kept), len(cycles))
		}
	}
}

// A wait for a process that may not be read, which itself has sent a message that is
// not replied to: nobody can tell, and that is said.
func TestUnreadable(t *testing.T) {
	sc := newScene(1)
	sc.call(2, 0, 1, 1, Served).call(1, 1, 2, 2, 0)
	sc.s.Waits = sc.s.Waits[1:] // process 2's own record cannot be seen
	sc.s.Processes[2] = Process{ID: 2, Unreadable: "not dumpable"}
	g := Build(&sc.s)
	cycles, _ := g.Find()
	if len(cycles) != 1 || cycles[0].Proved || cycles[0].Hops[0].How != Claimed {
		t.Fatalf("%+v", cycles)
	}
	text := strings.Join(g.Text(&cycles[0]), "\n")
	if !strings.Contains(text, "Not certain: process 2 may not be read") || !strings.Contains(text, "process 2 may not be read (not dumpable)") {
		t.Error(text)
	}
}

func TestConfirmWantsTheSameUse(t *testing.T) {
	dead := func() *scene {
		return newScene(1, 2).call(9, 0, 1, 1, Served).call(1, 1, 2, 2, Served).call(2, 2, 1, 3, Queued)
	}
	first := Build(&dead().s)
	cycles, _ := first.Find()
	for name, change := range map[string]func(*State){
		"another generation": func(s *State) { s.Waits[2].Key.Generation++; s.Messages[2].Key.Generation++ },
		"another id":         func(s *State) { s.Waits[1].Message = 77; s.Messages[1].ID = 77; s.Waits[2].ParentID = 77 },
		"it is served now":   func(s *State) { s.Messages[2].State = Served },
		"a handler more":     func(s *State) { s.Ports[0].Limit = 2 },
		"it was replied to":  func(s *State) { s.Messages = s.Messages[:2] },
		"nobody waits":       func(s *State) { s.Waits = s.Waits[:2] },
	} {
		sc := dead()
		change(&sc.s)
		if kept := first.Confirm(cycles, Build(&sc.s)); len(kept) != 0 {
			t.Errorf("%s: the cycle was kept", name)
		}
	}
}

func TestChain(t *testing.T) {
	sc := newScene(1, 2, 3).call(9, 0, 1, 1, Served).call(1, 1, 2, 2, Served).call(1, 1, 3, 3, Deferred).call(2, 2, 1, 4, Queued)
	sc.s.Ports[0].Limit = 1
	g := Build(&sc.s)
	links, more := g.Chain(1001)
	var got []string
	for _, l := range links {
		got = append(got, fmt.Sprintf("%d:%d:%v", l.Depth, l.Wait.Message, l.Again))
	}
	want := []string{"0:1:false", "1:3:false", "1:2:false", "2:4:false", "3:3:true", "3:2:true"}
	if !slices.Equal(got, want) || more {
		t.Errorf("%q, want %q", got, want)
	}
	if roots, more := g.Roots(10); !slices.Equal(roots, []uint64{1001}) || more {
		t.Errorf("roots %v, more %v", roots, more)
	}
	sc.s.Waits = sc.s.Waits[1:] // a cycle and a branch that nobody waits for
	if roots, more := Build(&sc.s).Roots(10); !slices.Equal(roots, []uint64{1002}) || more {
		t.Errorf("roots of a cycle %v, more %v", roots, more)
	}
	if links, _ := g.Chain(42); links != nil {
		t.Errorf("a thread that does not wait: %+v", links)
	}
}

// Branches that are left out are told of, also where what is shown ends by itself.
func TestManyWays(t *testing.T) {
	for _, c := range []struct {
		busy int
		more bool
	}{{1, false}, {maxWays, false}, {maxWays + 1, true}, {500, true}} {
		sc := newScene(1, 2)
		sc.s.Ports[0].Limit = c.busy
		for i := range uint32(c.busy) {
			sc.call(9, 0, 1, 10+i, Served).call(1, int(10+i), 2, 1000+i, Served)
		}
		sc.call(8, 0, 1, 1, Queued)
		links, more := Build(&sc.s).Chain(1001)
		if more != c.more || len(links) != 1+min(c.busy, maxWays) {
			t.Errorf("%d handlers: %d links, more %v", c.busy, len(links), more)
		}
	}
}

// A hundred thousand messages on ten thousand ports, in a chain of processes that
// closes at its end, and one knot of many threads.
func TestLarge(t *testing.T) {
	const ports, each = 10000, 10
	sc := &scene{}
	sc.s.Processes = map[uint32]Process{}
	id := uint32(0)
	for p := uint32(1); p <= ports; p++ {
		sc.s.Ports = append(sc.s.Ports, Port{Addr: uint64(p) << 8, Process: p, Limit: 1})
		for i := range uint32(each) {
			id++
			parent, state := 0, Queued
			if i == 0 {
				parent = int(id) - each
				state = Served
				if p == 1 {
					parent = ports*each - each + 1
				}
			}
			from := p - 1
			if from == 0 {
				from = ports
			}
			sc.call(from, max(parent, 0), p, id, state)
		}
	}
	g := Build(&sc.s)
	cycles, more := g.Find()
	if len(cycles) != 1 || len(cycles[0].Hops) != ports || !cycles[0].Proved || more {
		t.Fatalf("%d cycles, more %v", len(cycles), more)
	}
	if kept := g.Confirm(cycles, Build(&sc.s)); len(kept) != 1 {
		t.Error("not confirmed")
	}
	if links, more := g.Chain(1001); len(links) != maxLinks || !more {
		t.Errorf("chain of %d, more %v", len(links), more)
	}
}

// Whatever the records say, nothing panics or runs for ever, and what is proved is
// confirmed by the same records.
func FuzzBuild(f *testing.F) {
	f.Add([]byte{9, 0, 1, 1, 2, 1, 1, 2, 2, 2, 2, 2, 1, 3, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		sc := newScene(0, 1, 2, 3)
		for len(b) >= 5 && len(sc.s.Waits) < 200 {
			sc.call(uint32(b[0]%5), int(b[1]%16)-1, uint32(b[2]%5), uint32(b[3]%16), MessageState(b[4]%4))
			b = b[5:]
		}
		g := Build(&sc.s)
		cycles, _ := g.Find()
		for i := range cycles {
			g.Text(&cycles[i])
		}
		if kept := g.Confirm(cycles, Build(&sc.s)); len(kept) != len(cycles) && !repeats(&sc.s) {
			t.Errorf("%d of %d cycles confirmed by the same state", len(kept), len(cycles))
		}
		for i := range sc.s.Waits {
			g.Chain(sc.s.Waits[i].Thread)
		}
	})
}

// repeats: two records have the same address, which no target gives.
func repeats(s *State) bool {
	seen := map[uint64]bool{}
	for _, w := range s.Waits {
		if seen[w.Thread] {
			return true
		}
		seen[w.Thread] = true
	}
	return false
}

func TestAge(t *testing.T) {
	for d, want := range map[time.Duration]string{
		1500 * time.Microsecond: "0.002 s", 59999 * time.Millisecond: "59.999 s", 59999600 * time.Microsecond: "1:00 min",
		3 * time.Hour: "3:00:00 h",
	} {
		if got := Age(d); got != want {
			t.Errorf("Age(%v) = %s, want %s", d, got, want)
		}
	}
}
