package top

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/seed-eedd8485/lpc/internal/escape"
	"github.com/seed-eedd8485/lpc/kd/census"
	"github.com/seed-eedd8485/lpc/kd/picture"
	"github.com/seed-eedd8485/lpc/waitgraph"
)

// portView is one port: what it has to do, its messages, its clients.
type portView struct {
	at      place
	row     Row      // as it was last seen
	threads []uint64 // by line: the thread that waits for its message, 0 for none
}

func (v *portView) place() *place { return &v.at }

func (v *portView) lines(s *Screen, width int) (head, body []Line) {
	gone := true
	for i := range s.rows {
		if r := &s.rows[i]; rowKey(r) == rowKey(&v.row) && r.Created == v.row.Created {
			v.row, gone = *r, false
		}
	}
	r := &v.row
	v.threads = nil
	name := "Port " + escape.Text(r.Name)
	if r.Process != 0 {
		name += " of " + s.c.Graph.Who(r.Process)
	}
	head = append(head, Line{{name, Bold}})
	switch {
	case gone:
		return append(head, Line{{"It is gone: its process has closed it, or has ended.", Alarm}}), nil
	case !readable(r):
		return append(head, Line{{escape.Text(r.Unreadable), Warn}}), nil
	}
	head = append(head, Line{{picture.Load(&r.Port), Plain}})
	if r.Counted {
		head = append(head, Line{{fmt.Sprintf("%d calls (%s/s), %d datagrams (%s/s), %s, %s", r.Calls, Rate(r.CallsPerSecond), r.Datagrams, Rate(r.SendsPerSecond),
			waitgraph.Count(r.Connections, "connection", "connections"), waitgraph.Count(int(r.Failures), "failure", "failures")), Plain}})
	}
	messages := v.messages(s)
	clients := v.clients(s)
	head = append(head, Line{{escape.Pad(fmt.Sprintf("%9s  %-10s %-10s %s", "AGE", "STATE", "MESSAGE", "FROM"), width, true), Reverse}})
	body = append(messages, clients...)
	if len(body) == 0 {
		body = []Line{{{"no message and no client", Dim}}}
	}
	return head, body
}

// messages are those that the port has, the oldest first.
func (v *portView) messages(s *Screen) (body []Line) {
	st := s.c.Graph.State()
	waiter := map[*waitgraph.Message]*waitgraph.Wait{}
	for i := range st.Waits {
		if m := s.c.Graph.Awaits(i); m != nil {
			waiter[m] = &st.Waits[i]
		}
	}
	var list []*waitgraph.Message
	for i := range st.Messages {
		if m := &st.Messages[i]; m.Port == v.row.Addr {
			list = append(list, m)
		}
	}
	slices.SortStableFunc(list, func(a, b *waitgraph.Message) int { return cmp.Compare(b.Age, a.Age) })
	for _, m := range list {
		from := s.c.Graph.Who(m.Sender)
		style, thread := Plain, uint64(0)
		switch w := waiter[m]; {
		case w != nil:
			thread = w.Thread
			from += fmt.Sprintf(" thread %d", w.ThreadID)
		case !m.Reply:
			from += ", a datagram"
		default:
			from += ", nobody waits"
		}
		if m.Age >= picture.OldAge {
			style = Warn
		}
		v.threads = append(v.threads, thread)
		body = append(body, Line{{fmt.Sprintf("%9s  %-10s %-10s %s", age(m.Age), census.StateName(m), fmt.Sprintf("%#x", m.ID), from), style}})
	}
	return body
}

// clients are the processes that are connected to the port.
func (v *portView) clients(s *Screen) (body []Line) {
	for _, k := range s.c.Connections {
		if k.Port != v.row.Addr {
			continue
		}
		v.threads = append(v.threads, 0)
		body = append(body, Line{{fmt.Sprintf("%9s  %-10s %-10s %s", "", "connected", fmt.Sprintf("×%d", k.Count), s.c.Graph.Who(k.Client)), Dim}})
	}
	return body
}

func (v *portView) open(_ *Screen, line int) view {
	if line >= len(v.threads) || v.threads[line] == 0 {
		return nil
	}
	return &chains{thread: v.threads[line]}
}
