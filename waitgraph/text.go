package waitgraph

import (
	"fmt"
	"strconv"
	"time"

	"github.com/seed-eedd8485/lpc/internal/escape"
)

// Text says a cycle in lines: a verdict, then for each thread what it waits for and
// how that leads to the next, then what is not certain. Names are escaped.
func (g *Graph) Text(c *Cycle) []string {
	var oldest time.Duration = -1
	for _, h := range c.Hops {
		oldest = max(oldest, h.Wait.Age)
	}
	head := "Deadlock, proved: "
	if !c.Proved {
		head = "Possible deadlock: "
	}
	lines := []string{head + g.members(c) + longest(oldest) + "."}
	for i := range c.Hops {
		for _, l := range g.HopText(&c.Hops[i]) {
			lines = append(lines, "  "+l)
		}
	}
	for _, d := range c.Doubts {
		lines = append(lines, "  Not certain: "+d)
	}
	return lines
}

func longest(age time.Duration) string {
	if age < 0 {
		return ""
	}
	return ", the longest for " + Age(age)
}

// members counts who is in a cycle.
func (g *Graph) members(c *Cycle) string {
	seen := map[uint32]bool{}
	for _, h := range c.Hops {
		seen[h.Wait.Process] = true
		if h.Message != nil {
			seen[h.Message.Process] = true
		} else {
			seen[h.Wait.Peer] = true
		}
	}
	switch n := len(seen); {
	case n == 1 && len(c.Hops) == 1:
		return g.Who(c.Hops[0].Wait.Process) + " waits for itself"
	case n == 1:
		return fmt.Sprintf("%d calls of %s wait for each other", len(c.Hops), g.Who(c.Hops[0].Wait.Process))
	default:
		return fmt.Sprintf("%d processes wait for each other", n)
	}
}

// HopText says one hop: the wait, and indented what its message waits for.
func (g *Graph) HopText(h *Hop) []string {
	w := h.Wait
	lines := []string{fmt.Sprintf("%s thread %d waits %sfor message %#x%s%s",
		g.Who(w.Process), w.ThreadID, inCall(w.Call), w.Message, onPort(w.PortName), forAge(w.Age))}
	if why := g.s.Processes[w.Process].Unreadable; why != "" {
		lines = append(lines, "    but "+g.Who(w.Process)+": "+escape.Text(why))
	}
	for _, at := range w.Where {
		lines = append(lines, "    at "+escape.Text(at))
	}
	return append(lines, "    "+g.stands(h))
}

func inCall(call string) string {
	if call == "" {
		return ""
	}
	return "in " + escape.Text(call) + " "
}

func onPort(name string) string {
	if name == "" {
		return ""
	}
	return " on port " + escape.Text(name)
}

func forAge(age time.Duration) string {
	if age < 0 {
		return ""
	}
	return ", for " + Age(age)
}

// stands says where the message of a hop is.
func (g *Graph) stands(h *Hop) string {
	m := h.Message
	switch {
	case m == nil:
		p := g.s.Processes[h.Wait.Peer]
		switch {
		case h.Wait.Peer == 0:
			return "the other end is not known"
		case p.Unreadable != "":
			return fmt.Sprintf("%s may not be read (%s): what it does with the message cannot be seen", g.Who(p.ID), escape.Text(p.Unreadable))
		}
		return fmt.Sprintf("%s shows no such message: it has not received it yet, or has just replied", g.Who(h.Wait.Peer))
	case h.Port != nil:
		s := fmt.Sprintf("it stands in the queue of %s in %s", portName(h.Port), g.Who(m.Process))
		switch {
		case h.Port.Limit > 0 && h.Busy != nil:
			return fmt.Sprintf("%s: %s, one with message %#x", s, AllBusy(h.Port.Limit), h.Busy.ID)
		case h.Busy != nil:
			return fmt.Sprintf("%s: %s busy, one with message %#x", s, Count(h.Busies, "handler is", "handlers are"), h.Busy.ID)
		}
		return s
	case m.State == Queued:
		return fmt.Sprintf("it stands in a queue of %s", g.Who(m.Process))
	case m.Connect:
		return fmt.Sprintf("%s has the connection request and has not accepted or refused it", g.Who(m.Process))
	case m.State == Deferred:
		return fmt.Sprintf("%s has received it, its handler has returned, and the reply is still to come", g.Who(m.Process))
	case h.Busy != nil:
		return fmt.Sprintf("%s serves it, beside message %#x", g.server(m), h.Busy.ID)
	}
	waits := ""
	if m.WaitReason != "" {
		waits = ", and waits (" + escape.Text(m.WaitReason) + ")"
	}
	return fmt.Sprintf("%s serves it%s%s", g.server(m), forAge(m.ServedAge), waits)
}

// server is the thread that serves a message, or its process where that is not known.
func (g *Graph) server(m *Message) string {
	if m.ThreadID == 0 {
		return g.Who(m.Process)
	}
	return fmt.Sprintf("%s thread %d", g.Who(m.Process), m.ThreadID)
}

// AllBusy says that a port runs as many handlers as it may.
func AllBusy(limit int) string {
	if limit == 1 {
		return "its only handler is busy"
	}
	return fmt.Sprintf("all of its %d handlers are busy", limit)
}

// Count is a number with its noun.
func Count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + many
}

func portName(p *Port) string {
	if p.Name == "" {
		return fmt.Sprintf("port %#x", p.Addr)
	}
	return "port " + escape.Text(p.Name)
}

// explain words what is not certain of a hop.
func (g *Graph) explain(h *Hop, why doubt) string {
	m := h.Message
	last := m
	if h.Busy != nil {
		last = h.Busy
	}
	switch {
	case why == fresh && last != nil:
		return fmt.Sprintf("a call of %s names no message that it serves, as a handler's does that calls with a context other than its request's; it may belong to message %#x", g.Who(last.Process), last.ID)
	case why == unlimited && h.Port != nil:
		return fmt.Sprintf("%s does not record how many handlers it may run, so that all of them are busy cannot be seen", portName(h.Port))
	case why == unread:
		return fmt.Sprintf("%s may not be read", g.Who(h.Wait.Peer))
	case why == reentered && m != nil && h.Busy != nil:
		return fmt.Sprintf("the handler of message %#x in %s has run for %s without waiting in a call, while message %#x of the same process waits for it; it hangs if it wants what that one's handler holds, a lock for instance", m.ID, g.Who(m.Process), Age(m.ServedAge), h.Busy.ID)
	}
	return ""
}

// Who names a process: its image and its id.
func (g *Graph) Who(id uint32) string {
	if p := g.s.Processes[id]; p.Image != "" {
		return escape.Text(p.Image) + " " + strconv.FormatUint(uint64(id), 10)
	}
	return "process " + strconv.FormatUint(uint64(id), 10)
}

// Age is a duration to the millisecond: 12.345 s, 3:05 min, 2:03:05 h.
func Age(d time.Duration) string {
	d = d.Round(time.Millisecond)
	switch s := int(d / time.Second); {
	case d < time.Minute:
		return fmt.Sprintf("%d.%03d s", s, int(d/time.Millisecond)%1000)
	case d < time.Hour:
		return fmt.Sprintf("%d:%02d min", s/60, s%60)
	default:
		return fmt.Sprintf("%d:%02d:%02d h", s/3600, s/60%60, s%60)
	}
}
