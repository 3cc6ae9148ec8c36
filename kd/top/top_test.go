package top

import (
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/seed-eedd8485/lpc/internal/escape"
	"github.com/seed-eedd8485/lpc/internal/golden"
	"github.com/seed-eedd8485/lpc/kd/census"
	"github.com/seed-eedd8485/lpc/waitgraph"
)

var moment = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// sample is two processes that wait for each other, a client, a port that may not be
// read, and one with a name that wants to steer the terminal.
func sample() *census.Census {
	const evil = "\x1b[2J\u202eevil\xff"
	st := &waitgraph.State{
		Processes: map[uint32]waitgraph.Process{100: {ID: 100, Image: "alpha"}, 200: {ID: 200, Image: "beta"}, 300: {ID: 300, Image: "client"}},
		Ports:     []waitgraph.Port{{Addr: 0x101, Process: 100, Name: "spool", Limit: 1}, {Addr: 0x201, Process: 200, Name: "print/jobs", Limit: 2}},
		Messages: []waitgraph.Message{
			{Ref: 1, Process: 100, ID: 0x11, State: waitgraph.Served, Port: 0x101, PortName: "spool", Key: waitgraph.Key{Channel: 1}, Sender: 300, Reply: true, Age: 61 * time.Second, ServedAge: 61 * time.Second},
			{Ref: 2, Process: 200, ID: 0x12, State: waitgraph.Served, Port: 0x201, PortName: "print/jobs", Key: waitgraph.Key{Channel: 2}, Sender: 100, Reply: true, Age: 60 * time.Second, ServedAge: time.Minute},
			{Ref: 3, Process: 100, ID: 0x13, State: waitgraph.Queued, Port: 0x101, PortName: "spool", Key: waitgraph.Key{Channel: 3}, Sender: 200, Reply: true, Age: 59500 * time.Millisecond, ServedAge: -1},
			{Ref: 4, Process: 200, ID: 0x14, State: waitgraph.Served, Port: 0x201, PortName: "print/jobs", Sender: 300, Age: time.Second, ServedAge: time.Second},
		},
		Waits: []waitgraph.Wait{
			{Thread: 0x301, ThreadID: 31, Process: 300, Message: 0x11, PortName: "spool", Peer: 100, Key: waitgraph.Key{Channel: 1}, Call: "Conn.Call", ParentKnown: true, Age: 61 * time.Second},
			{Thread: 0x102, ThreadID: 12, Process: 100, Message: 0x12, PortName: "print/jobs", Peer: 200, Key: waitgraph.Key{Channel: 2}, Call: "Conn.Call", Parent: 1, ParentID: 0x11, ParentKnown: true, Age: time.Minute},
			{Thread: 0x202, ThreadID: 22, Process: 200, Message: 0x13, PortName: "spool", Peer: 100, Key: waitgraph.Key{Channel: 3}, Call: "Conn.Call", Parent: 2, ParentID: 0x12, ParentKnown: true, Age: 59500 * time.Millisecond},
		},
	}
	c := &census.Census{
		Now:       moment,
		Processes: []census.Process{{ID: 100, Image: "alpha"}, {ID: 200, Image: "beta"}, {ID: 300, Image: "client"}, {ID: 400, Image: evil}},
		Ports: []census.Port{
			{Addr: 0x201, Process: 200, Name: "print/jobs", Connections: 2, Oldest: time.Minute, Busy: 2, Limit: 2, Counted: true, Calls: 1000, Datagrams: 7},
			{Process: 500, Name: "secret", Oldest: -1, Unreadable: "process 500 may not be read"},
			{Addr: 0x101, Process: 100, Name: "spool", Connections: 2, Queue: 1, Oldest: 61 * time.Second, Busy: 1, Limit: 1, Counted: true, Calls: 20, Failures: 3},
			{Addr: 0x401, Process: 400, Name: evil, Oldest: -1, Limit: 4, Counted: true},
		},
		Connections: []census.Connection{{Client: 100, Server: 200, Port: 0x201, Name: "print/jobs", Count: 1}, {Client: 200, Server: 100, Port: 0x101, Name: "spool", Count: 1}, {Client: 300, Server: 100, Port: 0x101, Name: "spool", Count: 1}},
		Graph:       waitgraph.Build(st),
	}
	c.Cycles, c.More = c.Graph.Find()
	return c
}

// busier is the same a second later: print/jobs was called 500 times.
func busier() *census.Census {
	c := sample()
	c.Ports[0].Calls += 500
	return c
}

func screen() (*Screen, *Meter) {
	s, m := NewScreen(), &Meter{}
	s.Update("a test", sample(), m.Rows(sample(), moment), moment)
	s.Update("a test", busier(), m.Rows(busier(), moment.Add(time.Second)), moment.Add(time.Second))
	return s, m
}

func text(frame []Line) string {
	var b strings.Builder
	for _, l := range frame {
		b.WriteString(strings.TrimRight(l.String(), " ") + "\n")
	}
	return b.String()
}

// press presses keys one after the other, as a user does who looks at each frame.
func press(t testing.TB, s *Screen, keys ...Key) string {
	t.Helper()
	frame := s.Frame(80, 24)
	for _, k := range keys {
		if s.Press(k) {
			t.Fatalf("key %d leaves", k)
		}
		frame = s.Frame(80, 24)
	}
	return text(frame)
}

// TestViews is what each view looks like on 80 by 24.
func TestViews(t *testing.T) {
	for _, v := range []struct {
		name string
		keys []Key
	}{
		{"ports", nil}, {"sorted", []Key{'s', 's', 'r'}}, {"filtered", []Key{'/', 's', 'p', 'o', Enter}}, {"nothing", []Key{'/', 'x', 'y'}}, {"port", []Key{Down, Down, Enter}}, {"chain", []Key{Down, Down, Enter, Enter}}, {"hostile", []Key{Down, Enter}},
		{"unreadable", []Key{End, Enter}}, {"threads", []Key{'t'}}, {"waits", []Key{'w'}}, {"deadlocks", []Key{'d'}}, {"help", []Key{'h'}}, {"back", []Key{Enter, Escape, 't', Enter, 'b', Left}},
	} {
		s, _ := screen()
		got := press(t, s, v.keys...)
		golden.Text(t, v.name+".txt", got)
	}
}

// Every view fits every terminal: so many lines, none too wide, nothing that steers.
func TestSizes(t *testing.T) {
	for _, first := range []Key{'p', 't', 'w', 'd', 'h', Enter} {
		for _, size := range [][2]int{{1, 1}, {2, 3}, {10, 2}, {20, 5}, {39, 10}, {80, 24}, {100, 30}, {113, 10}, {400, 100}, {0, 0}, {-1, -5}, {1 << 30, 3}} {
			s, _ := screen()
			s.Frame(80, 24)
			s.Press(first)
			for _, k := range []Key{'x', Down, PageDown, End, Enter, Up, Home, 's', ' '} {
				frame := s.Frame(size[0], size[1])
				if want := max(size[1], 1); len(frame) != want {
					t.Fatalf("%d lines on %v", len(frame), size)
				}
				for _, l := range frame {
					if w := escape.Width(l.String()); w > max(size[0], 1) {
						t.Fatalf("a line of %d cells on %v: %q", w, size, l)
					}
					for _, r := range l.String() {
						if !unicode.IsPrint(r) {
							t.Fatalf("%U in %q", r, l)
						}
					}
				}
				s.Press(k)
			}
		}
	}
}

// What is chosen stays chosen when the order changes, and when others come and go.
func TestChosenStays(t *testing.T) {
	s, m := screen()
	press(t, s, Down, Down)
	chosen := s.stack[0].place().key
	press(t, s, 's', 's', 's', 'r')
	if got := s.stack[0].place().key; got != chosen {
		t.Errorf("after another order %q is chosen, want %q", got, chosen)
	}
	c := sample()
	c.Ports = c.Ports[1:] // print/jobs has gone
	s.Update("a test", c, m.Rows(c, moment), moment)
	press(t, s)
	if got := s.stack[0].place().key; got != chosen {
		t.Errorf("after the end of another port %q is chosen, want %q", got, chosen)
	}
}

// A port or a thread that is open says when it has gone, and the user can go back.
func TestGone(t *testing.T) {
	s, m := screen()
	press(t, s, Enter)
	c := sample()
	c.Ports, c.Graph, c.Cycles = nil, waitgraph.Build(&waitgraph.State{}), nil
	s.Update("a test", c, m.Rows(c, moment), moment)
	if got := press(t, s); !strings.Contains(got, "It is gone") {
		t.Errorf("the port is shown as\n%s", got)
	}
	if got := press(t, s, Escape); !strings.Contains(got, "no port") {
		t.Errorf("back in the list:\n%s", got)
	}
	s, m = screen()
	press(t, s, 't', Enter)
	s.Update("a test", c, m.Rows(c, moment), moment)
	if got := press(t, s); !strings.Contains(got, "does not wait any more") {
		t.Errorf("the thread is shown as\n%s", got)
	}
}

func TestPauseAndLost(t *testing.T) {
	s, m := screen()
	press(t, s, ' ')
	c := sample()
	c.Ports = nil
	s.Update("a test", c, m.Rows(c, moment), moment)
	if got := press(t, s); !strings.Contains(got, "spool") || !strings.Contains(got, "PAUSED") {
		t.Errorf("paused:\n%s", got)
	}
	s.Lost("no more\x1b[2J")
	if got := press(t, s, ' '); !strings.Contains(got, `no more\u{1b}[2J`) {
		t.Errorf("lost:\n%s", got)
	}
}

func TestLeave(t *testing.T) {
	for _, keys := range [][]Key{{'q'}, {Interrupt}, {Enter, 'q'}, {'/', 'x', Interrupt}} {
		s, _ := screen()
		left := false
		for _, k := range keys {
			s.Frame(80, 24)
			left = s.Press(k)
		}
		if !left {
			t.Errorf("%v does not leave", keys)
		}
	}
	s, _ := screen()
	press(t, s, '/', 'q') // a letter of the filter
	if s.filter != "q" {
		t.Errorf("the filter is %q", s.filter)
	}
}

// TestMeter: rates are over the time between looks, and unknown where they would be a
// guess.
func TestMeter(t *testing.T) {
	port := census.Port{Addr: 1, Process: 1, Name: "a", Counted: true, Created: 5, Calls: 100, Datagrams: 10}
	at := moment
	var m Meter
	for _, step := range []struct {
		what         string
		change       func()
		after        time.Duration
		calls, sends float64
	}{
		{"the first look", func() {}, time.Second, -1, -1},
		{"two seconds", func() { port.Calls, port.Datagrams = 300, 11 }, 2 * time.Second, 100, 0.5},
		{"nothing", func() {}, time.Second, 0, 0},
		{"another port in its place", func() { port.Created, port.Calls = 6, 1000 }, time.Second, -1, -1},
		{"a count that goes back", func() { port.Calls = 1 }, time.Second, -1, -1},
		{"no time", func() { port.Calls = 2 }, 0, -1, -1},
		{"a clock that goes back", func() { port.Calls = 3 }, -time.Second, -1, -1},
		{"nothing counted", func() { port.Counted = false }, time.Second, -1, -1},
	} {
		step.change()
		at = at.Add(step.after)
		rows := m.Rows(&census.Census{Ports: []census.Port{port}}, at)
		if len(rows) != 1 || rows[0].CallsPerSecond != step.calls || rows[0].SendsPerSecond != step.sends {
			t.Errorf("%s: %+v, want %v and %v", step.what, rows, step.calls, step.sends)
		}
	}
}

func TestRate(t *testing.T) {
	for v, want := range map[float64]string{-1: "-", 0: "0", 0.04: "0.0", 9.94: "9.9", 9.95: "10", 1234.5: "1234", 999999: "999999", 4812345: "4.81M"} {
		if got := Rate(v); got != want || len(got) > 7 {
			t.Errorf("Rate(%v) = %q, want %q", v, got, want)
		}
	}
	for d, want := range map[time.Duration]string{-1: "-", 0: "0.000s", 1234 * time.Millisecond: "1.234s", 59999 * time.Millisecond: "59.999s", time.Minute: "1:00m", time.Hour: "1:00h", 99 * time.Hour: "99:00h", 1000 * time.Hour: "41d"} {
		if got := age(d); got != want || len(got) > 8 {
			t.Errorf("age(%v) = %q, want %q", d, got, want)
		}
	}
}

func TestLinesAndSort(t *testing.T) {
	var m Meter
	m.Rows(sample(), moment)
	rows := m.Rows(busier(), moment.Add(time.Second))
	for _, name := range Columns() {
		if !Sort(rows, name, false) || !Sort(rows, strings.ToUpper(name), true) {
			t.Errorf("there is no order by %s", name)
		}
	}
	if Sort(rows, "nothing", false) {
		t.Error("rows are ordered by nothing")
	}
	Sort(rows, "queue", false)
	var b strings.Builder
	if err := Lines(&b, rows, moment); err != nil {
		t.Fatal(err)
	}
	const want = `12:00:00     100        0        0      1     1:01m      1/1      2       3  spool
12:00:00     400        0        0      0         -      0/4      0       0  \u{1b}[2J\u{202e}evil\xff
12:00:00     200      500        0      0     1:00m      2/2      2       0  print/jobs
12:00:00     500        -        -      -         -        -      -       -  secret  process 500 may not be read
`
	if b.String() != want {
		t.Errorf("lines are\n%s\nwant\n%s", b.String(), want)
	}
	b.Reset()
	if err := WriteJSON(&b, rows[3:], moment); err != nil {
		t.Fatal(err)
	}
	if want := `{"time":"2026-11-22T12:00:00Z","name":"secret","pid":500,"program":null,"callsPerSecond":null,"sendsPerSecond":null,"queue":null,"oldestSeconds":null,"busy":null,"limit":null,"connections":null,"failed":null,"reason":"process 500 may not be read"}` + "\n"; b.String() != want {
		t.Errorf("JSON is %s, want %s", b.String(), want)
	}
}

func TestPainter(t *testing.T) {
	var p Painter
	a := []Line{{{"one", Plain}}, {{"two", Alarm}}}
	if got, want := p.Paint(a), "\x1b[0m\x1b[H\x1b[2J\x1b[1;1H\x1b[2Kone\x1b[2;1H\x1b[2K\x1b[1;31mtwo\x1b[0m"; got != want {
		t.Errorf("first %q, want %q", got, want)
	}
	if got := p.Paint(a); got != "" {
		t.Errorf("nothing changed: %q", got)
	}
	if got, want := p.Paint([]Line{{{"one", Reverse}}}), "\x1b[1;1H\x1b[2K\x1b[7mone\x1b[0m\x1b[2;1H\x1b[J"; got != want {
		t.Errorf("then %q, want %q", got, want)
	}
	p.Again()
	if got := p.Paint(nil); !strings.HasPrefix(got, "\x1b[0m\x1b[H\x1b[2J") {
		t.Errorf("again %q", got)
	}
	plain := Painter{Plain: true}
	if got := plain.Paint(a); strings.Contains(got, "31m") || !strings.Contains(got, "\x1b[1mtwo") {
		t.Errorf("without colours %q", got)
	}
}

func TestParser(t *testing.T) {
	for in, want := range map[string]string{
		"q": "[113]", "\x1b[A\x1b[B": "[-1 -2]", "\x1bOA": "[-1]", "\x1b[5~\x1b[6~": "[-5 -6]", "\r\n": "[-9 -9]", "\x7f\b": "[-11 -11]", "\x03\x1a\x0c": "[-12 -13 -14]",
		"é漢": "[233 28450]", "\xff": "[]", "\x1b[1;5A": "[-1]", "\x1b[99~x": "[120]", "\x1b[\x1b[A": "[-1]", "\x1bq": "[-10 113]", "\x01\t": "[]", "\x1b[1~\x1b[F": "[-7 -8]",
	} {
		var p Parser
		if got := fmt.Sprint(p.Feed([]byte(in))); got != want || p.Pending() {
			t.Errorf("%q: %s, want %s; pending %v", in, got, want, p.Pending())
		}
		var q Parser // the same byte by byte
		var keys []Key
		for i := range len(in) {
			keys = append(keys, q.Feed([]byte{in[i]})...)
		}
		if got := fmt.Sprint(keys); got != want {
			t.Errorf("%q byte by byte: %s, want %s", in, got, want)
		}
	}
	var p Parser
	if got := p.Feed([]byte("\x1b")); len(got) != 0 || !p.Pending() {
		t.Errorf("the escape character alone: %v", got)
	}
	if got := p.Flush(); fmt.Sprint(got) != "[-10]" || p.Pending() {
		t.Errorf("flushed: %v", got)
	}
}

// Whatever is typed, and on whatever terminal, the screen answers.
func FuzzScreen(f *testing.F) {
	f.Add([]byte("\x1b[B\rtwd\x1b"), 80, 24)
	f.Add([]byte("/spo\r\x7fsr<>hq"), 3, 2)
	f.Fuzz(func(t *testing.T, typed []byte, width, height int) {
		s, _ := screen()
		var p Parser
		for _, k := range append(p.Feed(typed), p.Flush()...) {
			s.Press(k)
			for _, l := range s.Frame(width%300, height%100) {
				for _, r := range l.String() {
					if !unicode.IsPrint(r) {
						t.Fatalf("%U in %q", r, l)
					}
				}
			}
		}
		if len(p.held) > maxSequence {
			t.Errorf("%d bytes are held", len(p.held))
		}
	})
}
