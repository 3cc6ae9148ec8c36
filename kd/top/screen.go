package top

import (
	"fmt"
	"strings"
	"time"

	"github.com/seed-eedd8485/lpc/internal/escape"
	"github.com/seed-eedd8485/lpc/kd/census"
	"github.com/seed-eedd8485/lpc/waitgraph"
)

// A Screen is what the user looks at.
type Screen struct {
	target string // what is looked at
	col    int    // that ports are ordered by
	turned bool
	filter string
	typing bool // of the filter
	paused bool
	note   string // one sentence, until the next key

	c     *census.Census
	at    time.Time
	rows  []Row // all, as the meter gave them
	lost  string
	stack []view // the last is shown
}

// A view is a list or a text that fills the middle of the screen.
type view interface {
	// lines are all of its lines, made anew for the width; head are those above that
	// do not move.
	lines(s *Screen, width int) (head, body []Line)
	// open is the view behind a line, nil where there is none.
	open(s *Screen, line int) view
	place() *place
}

// A place is where in a view's lines the user is.
type place struct {
	chosen int
	first  int    // line that stands on top
	key    string // what the chosen line is of, so that it stays chosen
}

// NewScreen begins with the list of ports, the most called first.
func NewScreen() *Screen {
	return &Screen{col: columnNamed("calls"), stack: []view{&portList{}}}
}

// SortBy sets the order, as Sort does.
func (s *Screen) SortBy(name string, reverse bool) bool {
	i := columnNamed(name)
	if i >= 0 {
		s.col, s.turned = i, reverse
	}
	return i >= 0
}

// Filter sets the filter.
func (s *Screen) Filter(text string) { s.filter = text }

// Update gives the next look, and what was looked at. One that comes while the screen
// is paused is dropped.
func (s *Screen) Update(target string, c *census.Census, rows []Row, at time.Time) {
	if s.paused && s.c != nil {
		return
	}
	s.target, s.c, s.rows, s.at, s.lost = escape.Text(target), c, rows, at, ""
}

// Lost says that the last look failed; what stands there is older.
func (s *Screen) Lost(why string) { s.lost = escape.Text(why) }

// Press takes a key. It is true when the user wants to leave.
func (s *Screen) Press(k Key) (leave bool) {
	s.note = ""
	if s.typing {
		s.typed(k)
		return k == Interrupt
	}
	switch k {
	case 'q', Interrupt:
		return true
	case Escape, Backspace, Left, 'b':
		if len(s.stack) > 1 {
			s.stack = s.stack[:len(s.stack)-1]
		} else {
			s.filter = ""
		}
	case Up, 'k':
		s.move(-1)
	case Down, 'j':
		s.move(1)
	case PageUp:
		s.move(-10)
	case PageDown:
		s.move(10)
	case Home, 'g':
		s.move(-1 << 30)
	case End, 'G':
		s.move(1 << 30)
	case ' ':
		s.paused = !s.paused
	case '/':
		s.typing = true
		s.stack = s.stack[:1]
	case 's', '>':
		s.order(1)
	case '<':
		s.order(-1)
	case 'r':
		s.turned = !s.turned
	case 'p':
		s.stack = s.stack[:1]
	case 't':
		s.only(&threadList{})
	case 'w':
		s.only(&chains{})
	case 'd':
		s.only(&deadlocks{})
	case 'h', '?':
		s.push(&help{})
	case Enter, Right:
		s.enter()
	}
	return false
}

func (s *Screen) order(by int) {
	s.col = (s.col + by + len(columns)) % len(columns)
	s.turned = false
	s.note = "ordered by " + columns[s.col].head
}

func (s *Screen) typed(k Key) {
	switch {
	case k == Enter:
		s.typing = false
	case k == Escape || k == Interrupt:
		s.typing, s.filter = false, ""
	case k == Backspace:
		if r := []rune(s.filter); len(r) > 0 {
			s.filter = string(r[:len(r)-1])
		}
	case k >= ' ' && len(s.filter) < maxFilter:
		s.filter += string(rune(k))
	}
}

const maxFilter = 64

// only goes to a view that stands on the list of ports.
func (s *Screen) only(v view) {
	s.stack = append(s.stack[:1], v)
}

// maxViews bounds how deep the user goes.
const maxViews = 32

func (s *Screen) push(v view) {
	if v != nil && len(s.stack) < maxViews {
		s.stack = append(s.stack, v)
	}
}

func (s *Screen) top() view { return s.stack[len(s.stack)-1] }

func (s *Screen) enter() {
	if s.c == nil {
		return
	}
	v := s.top()
	if next := v.open(s, v.place().chosen); next != nil {
		s.push(next)
		return
	}
	s.note = "there is nothing to open on this line"
}

func (s *Screen) move(by int) {
	p := s.top().place()
	p.chosen = max(p.chosen+by, 0) // the upper bound is Frame's
	p.key = ""
}

// Frame is what stands on a terminal of that size, at least one line.
func (s *Screen) Frame(width, height int) []Line {
	width, height = min(max(width, 1), maxCells), min(max(height, 1), maxCells)
	v := s.top()
	frame := []Line{s.headline(width), s.summary()}
	var head, body []Line
	if s.c != nil {
		head, body = v.lines(s, width)
	} else {
		body = []Line{{{"looking...", Dim}}}
	}
	frame = append(frame, head...)
	room := max(height-len(frame)-1, 0)
	frame = append(frame, s.window(v.place(), body, room, width)...)
	frame = frame[:min(len(frame), height-1)]
	for len(frame) < height-1 {
		frame = append(frame, nil)
	}
	lines := len(body)
	if s.c == nil {
		lines = 0
	}
	frame = append(frame, s.footer(width, lines))
	for i := range frame {
		frame[i] = frame[i].clip(width)
	}
	return frame
}

// maxCells bounds a terminal, whatever it says of itself.
const maxCells = 4096

// window is the part of a view's lines that has room, the chosen one among them.
func (s *Screen) window(p *place, body []Line, room, width int) []Line {
	p.chosen = min(max(p.chosen, 0), max(len(body)-1, 0))
	p.first = min(p.first, p.chosen)
	if p.chosen >= p.first+room {
		p.first = p.chosen - room + 1
	}
	p.first = max(min(p.first, len(body)-room), 0)
	end := min(p.first+room, len(body))
	shown := make([]Line, 0, room)
	for i := p.first; i < end; i++ {
		l := body[i]
		if i == p.chosen {
			l = Line{{escape.Pad(l.clip(width).String(), width, true), Reverse}}
		}
		shown = append(shown, l)
	}
	return shown
}

func (s *Screen) headline(width int) Line {
	when := "        "
	if !s.at.IsZero() {
		when = s.at.Format(time.TimeOnly)
	}
	left := "lpc top  " + s.target
	return Line{{escape.Pad(escape.Head(left, max(width-len(when)-1, 0)), width-len(when), true), Bold}, {when, Bold}}
}

// summary is one line for all of it: the worst first.
func (s *Screen) summary() Line {
	switch {
	case s.lost != "":
		return Line{{s.lost, Alarm}}
	case s.c == nil:
		return nil
	case len(s.c.Cycles) > 0:
		return Line{{s.c.Graph.Text(&s.c.Cycles[0])[0], Alarm}, {more(len(s.c.Cycles) - 1), Alarm}}
	}
	connections, waits := 0, len(s.c.Graph.State().Waits)
	for _, k := range s.c.Connections {
		connections += k.Count
	}
	text := strings.Join([]string{
		waitgraph.Count(len(s.c.Processes), "process", "processes"), waitgraph.Count(len(s.rows), "port", "ports"),
		waitgraph.Count(connections, "connection", "connections"), waitgraph.Count(waits, "thread waits", "threads wait"),
	}, ", ")
	if n := len(s.c.Trouble); n > 0 {
		text += fmt.Sprintf("; %d not readable", n)
	}
	return Line{{text, Plain}}
}

func more(n int) string {
	if n <= 0 {
		return ""
	}
	return fmt.Sprintf(" And %d more (d).", n)
}

func (s *Screen) footer(width, lines int) Line {
	p := s.top().place()
	where := ""
	if lines > 0 {
		where = fmt.Sprintf(" %d/%d", p.chosen+1, lines)
	}
	var text string
	switch {
	case s.typing:
		text = "filter: " + escape.Text(s.filter) + "_"
	case s.note != "":
		text = s.note
	default:
		text = "q quit  h help  enter open  / filter  s sort  t threads  w waits  d deadlock"
		if len(s.stack) > 1 {
			text = "esc back  q quit  h help  enter open  t threads  w waits  d deadlock"
		}
	}
	if s.filter != "" && !s.typing && s.filters() {
		text = "filter: " + escape.Text(s.filter) + " (esc)  " + text
	}
	if s.paused {
		text = "PAUSED  " + text
	}
	return Line{{escape.Pad(escape.Head(text, max(width-len(where), 0)), width-len(where), true) + where, Reverse}}
}

// filters tells whether the view that is shown is one that the filter holds for.
func (s *Screen) filters() bool {
	switch s.top().(type) {
	case *portList, *threadList:
		return true
	}
	return false
}
