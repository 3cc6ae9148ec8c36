package kd

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/seed-eedd8485/lpc/internal/escape"
	"github.com/seed-eedd8485/lpc/waitgraph"
)

var cmdStuck = Command{
	Name:  "!stuck",
	Args:  "[Seconds]",
	Short: "Say what does not get on: old messages, and ports that do not take any.",
	Long: `Shown are, each in a sentence: messages that were received longer ago than that (5 seconds unless told;
decimal) and not replied to, and what their handlers do; calls that wait so long for a process that has
not received them; ports with a queue that nobody takes from, and ports all of whose handlers are busy,
with what.`,
	Needs: waitNeeds,
}

func init() {
	cmdStuck.Run = runStuck
	cmdStuck.JSON = jsonStuck
}

// maxStuck bounds the sentences of one kind.
const maxStuck = 50

func stuckArg(args []string) (time.Duration, error) {
	if err := atMost(args, 1, "!stuck [Seconds]"); err != nil {
		return 0, err
	}
	if len(args) == 0 {
		return 5 * time.Second, nil
	}
	v, err := strconv.ParseFloat(args[0], 64)
	if err != nil || !(v >= 0 && v < 1e9) {
		return 0, fmt.Errorf("%s is no number of seconds; usage: !stuck [Seconds]", escape.Text(args[0]))
	}
	return time.Duration(v * float64(time.Second)), nil
}

func runStuck(ctx context.Context, s *Session, o *Out, args []string) error {
	limit, err := stuckArg(args)
	if err != nil {
		return err
	}
	g, w, err := s.graph(ctx)
	if err != nil {
		return err
	}
	list := stuckSentences(g, limit)
	o.Lines("", list)
	if len(list) == 0 {
		o.Printf("Nothing is stuck: no message is older than %s, and every port takes what comes.\n", waitgraph.Age(limit))
	}
	s.trouble(o, w)
	return nil
}

func jsonStuck(ctx context.Context, s *Session, args []string) (any, error) {
	limit, err := stuckArg(args)
	if err != nil {
		return nil, err
	}
	g, w, err := s.graph(ctx)
	if err != nil {
		return nil, err
	}
	return struct {
		Stuck      []string `json:"stuck"`
		Unreadable []string `json:"unreadable"`
	}{nonNil(stuckSentences(g, limit)), nonNil(w.Trouble)}, nil
}

// stuckSentences says what does not get on, ports first, each part from the oldest.
func stuckSentences(g *waitgraph.Graph, limit time.Duration) (list []string) {
	st := g.State()
	list = append(list, portSentences(g, limit)...)
	var old []*waitgraph.Message
	for i := range st.Messages {
		if m := &st.Messages[i]; m.Reply && m.State != waitgraph.Queued && m.Age >= limit {
			old = append(old, m)
		}
	}
	// Ticks are the machine's; a process's times are as exact as it has measured them.
	slices.SortStableFunc(old, func(a, b *waitgraph.Message) int {
		if a.Received != 0 && b.Received != 0 {
			return cmp.Compare(a.Received, b.Received)
		}
		return cmp.Compare(b.Age, a.Age)
	})
	doing := map[uint64]*waitgraph.Wait{} // by the message that a call was made for
	for i := range st.Waits {
		if w := &st.Waits[i]; w.Parent != 0 {
			doing[w.Parent] = w
		}
	}
	for i, m := range old {
		if i == maxStuck {
			list = append(list, fmt.Sprintf("%d more messages are older than %s.", len(old)-i, waitgraph.Age(limit)))
			break
		}
		list = append(list, messageSentence(g, m, doing[m.Ref]))
	}
	n := 0
	for i := range st.Waits {
		w := &st.Waits[i]
		if w.Age < limit || g.Received(i) {
			continue
		}
		if n++; n > maxStuck {
			list = append(list, "More calls wait for processes that have not received them.")
			break
		}
		list = append(list, fmt.Sprintf("%s thread %d has waited %s for message %#x%s, which %s has not received, or may not be seen to have.",
			g.Who(w.Process), w.ThreadID, waitgraph.Age(w.Age), w.Message, onPort(w.PortName), g.Who(w.Peer)))
	}
	return list
}

func onPort(name string) string {
	if name == "" {
		return ""
	}
	return " of port " + escape.Text(name)
}

func messageSentence(g *waitgraph.Graph, m *waitgraph.Message, w *waitgraph.Wait) string {
	head := fmt.Sprintf("Message %#x%s was received by %s %s ago and is not replied to: ", m.ID, onPort(m.PortName), g.Who(m.Process), waitgraph.Age(m.Age))
	if m.Received == 0 { // NT's records tell since when its sender waits
		head = fmt.Sprintf("Message %#x%s was sent %s ago, %s has it and has not replied: ", m.ID, onPort(m.PortName), waitgraph.Age(m.Age), g.Who(m.Process))
	}
	switch {
	case w != nil:
		return head + fmt.Sprintf("its handler waits in %s for message %#x%s.", call(w.Call), w.Message, onPort(w.PortName))
	case m.Connect:
		return head + "a connection request that its program has not accepted or refused."
	case m.State == waitgraph.Deferred:
		return head + "its handler has returned, the reply is still to come."
	}
	if m.WaitReason != "" {
		return head + fmt.Sprintf("thread %d works on it, and waits (%s).", m.ThreadID, escape.Text(m.WaitReason))
	}
	if m.ThreadID == 0 {
		return head + "its handler runs and waits in no call that names it."
	}
	return head + fmt.Sprintf("thread %d runs its handler, which waits in no call that names it.", m.ThreadID)
}

func call(name string) string {
	if name == "" {
		return "a call"
	}
	return escape.Text(name)
}

// portSentences says which ports do not take what comes.
func portSentences(g *waitgraph.Graph, limit time.Duration) (list []string) {
	st := g.State()
	type load struct {
		queued, busy int
		oldest       time.Duration
		with         *waitgraph.Message
	}
	loads := map[uint64]*load{}
	for i := range st.Messages {
		m := &st.Messages[i]
		l := loads[m.Port]
		if l == nil {
			l = &load{oldest: -1}
			loads[m.Port] = l
		}
		switch m.State {
		case waitgraph.Queued:
			l.queued++
			l.oldest = max(l.oldest, m.Age)
		case waitgraph.Served:
			l.busy++
			if l.with == nil || m.ServedAge > l.with.ServedAge {
				l.with = m
			}
		}
	}
	for i := range st.Ports {
		p := &st.Ports[i]
		l := loads[p.Addr]
		if l == nil || l.queued == 0 || l.oldest >= 0 && l.oldest < limit {
			continue
		}
		head := fmt.Sprintf("Port %s of %s has %s queued", escape.Text(p.Name), g.Who(p.Process), waitgraph.Count(l.queued, "message", "messages"))
		if l.oldest >= 0 {
			head += ", the oldest for " + waitgraph.Age(l.oldest)
		}
		switch {
		case l.busy == 0:
			head += ", and no handler is at work."
		case p.Limit > 0 && l.busy >= p.Limit:
			head += ", and " + waitgraph.AllBusy(p.Limit) + longest(l.with)
		default:
			head += ", and " + waitgraph.Count(l.busy, "handler is", "handlers are") + " at work" + longest(l.with)
		}
		list = append(list, head)
		if len(list) == maxStuck {
			return append(list, "More ports do not take what comes.")
		}
	}
	return list
}

// longest names the message that a port's handlers have had longest.
func longest(m *waitgraph.Message) string {
	if m.ServedAge < 0 {
		return fmt.Sprintf(", one with message %#x.", m.ID)
	}
	return fmt.Sprintf(", the longest for %s with message %#x.", waitgraph.Age(m.ServedAge), m.ID)
}
