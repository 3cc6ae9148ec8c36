package top

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/seed-eedd8485/lpc/internal/escape"
	"github.com/seed-eedd8485/lpc/kd/census"
	"github.com/seed-eedd8485/lpc/kd/picture"
	"github.com/seed-eedd8485/lpc/waitgraph"
)

// threadList is the threads that wait, the longest first.
type threadList struct {
	at      place
	threads []uint64
}

func (v *threadList) place() *place { return &v.at }

func (v *threadList) lines(s *Screen, width int) (headLines, body []Line) {
	st := s.c.Graph.State()
	order := make([]int, len(st.Waits))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		x, y := &st.Waits[a], &st.Waits[b]
		return cmp.Or(cmp.Compare(y.Age, x.Age), cmp.Compare(x.Process, y.Process), cmp.Compare(x.Thread, y.Thread))
	})
	red := cyclic(s.c)
	v.threads = v.threads[:0]
	headLines = []Line{{{escape.Pad(threadLine("WAITS", "CALL IS", "PORT", "PROCESS AND THREAD", "IN"), width, true), Reverse}}}
	for _, i := range order {
		w := &st.Waits[i]
		if !Match(&Row{Port: census.Port{Name: w.PortName, Process: w.Process}, Image: st.Processes[w.Process].Image}, s.filter) {
			continue
		}
		state := "not seen"
		if m := s.c.Graph.Awaits(i); m != nil {
			state = census.StateName(m)
		}
		style := Plain
		switch {
		case red[w.Thread]:
			style = Alarm
		case w.Age >= picture.OldAge:
			style = Warn
		}
		if v.at.key == fmt.Sprint(w.Thread) {
			v.at.chosen = len(v.threads)
		}
		v.threads = append(v.threads, w.Thread)
		who := fmt.Sprintf("%s thread %d", s.c.Graph.Who(w.Process), w.ThreadID)
		body = append(body, Line{{threadLine(age(w.Age), state, escape.Text(w.PortName), who, escape.Text(w.Call)), style}})
	}
	if v.at.chosen < len(v.threads) {
		v.at.key = fmt.Sprint(v.threads[v.at.chosen])
	}
	if len(body) == 0 {
		body = []Line{{{"no thread waits for a reply" + matching(s.filter), Dim}}}
	}
	return headLines, body
}

func threadLine(waits, state, port, who, call string) string {
	return fmt.Sprintf("%9s  %-10s %s %s %s", waits, state, escape.Pad(escape.Cut(port, 18), 18, true), escape.Pad(who, 38, true), call)
}

func (v *threadList) open(_ *Screen, line int) view {
	if line >= len(v.threads) {
		return nil
	}
	return &chains{thread: v.threads[line]}
}

// cyclic are the threads of cycles.
func cyclic(c *census.Census) map[uint64]bool {
	red := map[uint64]bool{}
	for i := range c.Cycles {
		for k := range c.Cycles[i].Hops {
			red[c.Cycles[i].Hops[k].Wait.Thread] = true
		}
	}
	return red
}

// chains follow who waits for whom: from one thread, or from all that nobody waits for.
type chains struct {
	at     place
	thread uint64 // 0: all
}

func (v *chains) place() *place { return &v.at }

// maxRoots bounds the chains of one screen.
const maxRoots = 200

func (v *chains) lines(s *Screen, width int) (head, body []Line) {
	roots, more := []uint64{v.thread}, false
	if v.thread == 0 {
		roots, more = s.c.Graph.Roots(maxRoots)
	}
	red := cyclic(s.c)
	for _, root := range roots {
		links, cut := s.c.Graph.Chain(root)
		for i := range links {
			l := &links[i]
			style := Plain
			if red[l.Wait.Thread] {
				style = Alarm
			}
			indent := strings.Repeat("  ", l.Depth)
			if l.Again {
				body = append(body, Line{{fmt.Sprintf("%s%s thread %d again, see above", indent, s.c.Graph.Who(l.Wait.Process), l.Wait.ThreadID), style}})
				continue
			}
			for _, t := range s.c.Graph.HopText(&l.Hop) {
				body = append(body, wrap(indent+t, width, style)...)
			}
		}
		if cut {
			body = append(body, Line{{"The chain goes on", Dim}})
		}
	}
	if more {
		body = append(body, Line{{fmt.Sprintf("More threads wait; these are the first %d", maxRoots), Dim}})
	}
	switch {
	case len(body) > 0:
	case v.thread == 0:
		body = []Line{{{"no thread waits for a reply", Dim}}}
	default:
		body = []Line{{{"The thread does not wait any more, or has ended.", Dim}}}
	}
	title := "Who waits for whom"
	if v.thread != 0 {
		title = "What the thread waits for"
	}
	return []Line{{{title, Bold}}}, body
}

func (v *chains) open(*Screen, int) view { return nil }

// deadlocks are the cycles in sentences.
type deadlocks struct{ at place }

func (v *deadlocks) place() *place { return &v.at }

func (v *deadlocks) lines(s *Screen, width int) (head, body []Line) {
	for i := range s.c.Cycles {
		for k, t := range s.c.Graph.Text(&s.c.Cycles[i]) {
			style := Plain
			if k == 0 {
				style = Alarm
			}
			body = append(body, wrap(t, width, style)...)
		}
	}
	if len(body) == 0 {
		body = []Line{{{"No deadlock: " + waitgraph.Count(len(s.c.Graph.State().Waits), "thread waits", "threads wait") + ", none for each other.", Plain}}}
	}
	return []Line{{{"Deadlocks", Bold}}}, body
}

func (v *deadlocks) open(*Screen, int) view { return nil }
