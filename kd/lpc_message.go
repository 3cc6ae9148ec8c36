package kd

import (
	"context"
	"fmt"

	"github.com/seed-eedd8485/lpc/internal/escape"
	"github.com/seed-eedd8485/lpc/kd/records"
	"github.com/seed-eedd8485/lpc/target"
	"github.com/seed-eedd8485/lpc/waitgraph"
)

var cmdLpcMessage = Command{
	Name:  "!lpc message",
	Args:  "[Id]",
	Short: "Find who waits for a message and who serves it, or list all messages.",
	Long: `With an id: the threads that wait for a reply to it and those that work on it, then for each that
waits the ports of its connection. Where no thread names it, the queues of all ports are searched. Ids are not unique between processes: every match is shown. After
!lpc PoolSearch the message's record is searched in the pools too. That it failed is shown as !failed
does. A message that no thread names and nothing failed to be read: its server has taken it and let go
of it; see !lpc thread.

Without an id, or with 0: every message that the pools hold (tag LpcM) and that was not replied to.`,
	Needs: lpcNeeds,
}

func init() {
	cmdLpcMessage.Run = runLpcMessage
	cmdLpcMessage.JSON = jsonLpcMessage
}

func (s *Session) messageArg(args []string) (uint32, error) {
	if err := atMost(args, 1, "!lpc message [Id]"); err != nil {
		return 0, err
	}
	if err := s.emulated(); err != nil {
		return 0, err
	}
	if len(args) == 0 {
		return 0, nil
	}
	v, err := number(args[0])
	if err != nil {
		return 0, err
	}
	if v>>32 != 0 {
		return 0, fmt.Errorf("%s is no message id: it has more than 32 bits", escape.Text(args[0]))
	}
	return uint32(v), nil
}

func runLpcMessage(ctx context.Context, s *Session, o *Out, args []string) error {
	id, err := s.messageArg(args)
	if err != nil {
		return err
	}
	if id == 0 {
		return s.allMessages(ctx, o)
	}
	parts := records.Ports | records.Threads
	if s.poolSearch {
		parts |= records.Messages
	}
	w, err := s.look(ctx, parts)
	if err != nil {
		return err
	}
	o.Printf("Searching message %x in threads ...\n", id)
	found := false
	for _, t := range w.Threads {
		if t.Received == id {
			o.Printf("    Server thread %s %s\n", s.ptr(t.Addr), working(t))
			found = true
		}
	}
	for _, t := range w.Threads {
		if t.Reply != id {
			continue
		}
		found = true
		o.Printf("Client thread %s waiting a reply from %x\n", s.ptr(t.Addr), id)
		if err := s.rundown(ctx, w, o, t); err != nil {
			return err
		}
	}
	if s.poolSearch {
		n := 0
		o.Printf("Searching message %x in pools (tag LpcM) ...\n", id)
		for _, m := range w.Messages {
			if m.ID == id {
				s.messageLines(w, o, n, m)
				s.whereLine(w, o, m)
				n++
			}
		}
		found = found || n > 0
	}
	if !found {
		if found, err = s.inQueues(ctx, w, o, id); err != nil {
			return err
		}
	}
	failed, err := s.messageFailed(ctx, w, o, id)
	if err != nil {
		return err
	}
	if !found && !(failed && s.poolSearch) { // a record that no thread names may be left of one that failed
		s.messageNotFound(o, w, id)
	}
	s.trouble(o, w)
	o.Printf("Done.\n")
	return nil
}

// messageFailed prints what the processes keep of a message that failed (!failed): its
// record may be gone, or its server may still work on it.
func (s *Session) messageFailed(ctx context.Context, w *records.World, o *Out, id uint32) (found bool, err error) {
	_, n, err := s.failedOf(ctx, w, o, w.Processes, id)
	return n > 0, err
}

// inQueues prints the messages of that id that stand in the queues of ports: a datagram
// has no thread that waits for it.
func (s *Session) inQueues(ctx context.Context, w *records.World, o *Out, id uint32) (found bool, err error) {
	err = w.Queues(ctx, func(p *records.Port, place int, m *records.Message) {
		if m.ID != id || m.Err != nil {
			return
		}
		found = true
		o.Printf("Message %x stands in the queue of port %s  Name: %s\n", id, s.ptr(p.Addr), escape.Text(p.Name()))
		s.messageLines(w, o, place, m)
	})
	return found, err
}

func (s *Session) messageNotFound(o *Out, w *records.World, id uint32) {
	switch {
	case len(w.Trouble) > 0:
		o.Printf("Message %x was not found, but not everything could be read.\n", id)
	case !s.poolSearch:
		o.Printf("No thread names message %x, and no queue of a port holds it. Its record may still stand in a pool (!lpc PoolSearch, then this command again), or its server has taken it and let go of it (!lpc thread).\n", id)
	default:
		o.Printf("Message %x was not found: its server has taken it and let go of it, or it never was. !lpc thread shows who waits.\n", id)
	}
}

// rundown prints the port in whose reply chain a waiting thread stands, with its
// peer and its connection port.
func (s *Session) rundown(ctx context.Context, w *records.World, o *Out, t *records.Thread) error {
	o.Printf("Searching thread %s in port rundown queues ...\n\n", s.ptr(t.Addr))
	p, err := w.ReplyPort(ctx, t)
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case err != nil:
		o.Printf("The reply chain cannot be followed: %s\n\n", escape.Text(err.Error()))
		return nil
	case p == nil:
		o.Printf("The thread stands in no port's queue.\n")
		if t.Waits() && t.Port != 0 {
			o.Printf("By its own record it waits on port %s.\n", s.ptr(t.Port))
		}
		o.Printf("\n")
		return nil
	}
	if err := s.portBlocks(ctx, w, o, p); err != nil {
		return err
	}
	o.Printf("\n")
	return nil
}

func (s *Session) whereLine(w *records.World, o *Out, m *records.Message) {
	if t := s.where(w, m); t != "" {
		o.Printf("                   %s\n", t)
	}
}

// allMessages lists what the pools hold.
func (s *Session) allMessages(ctx context.Context, o *Out) error {
	if why := s.Target.Lacks(target.Pools); why != "" {
		return fmt.Errorf("!lpc message without an id: %s", escape.Text(why))
	}
	w, err := s.look(ctx, records.All)
	if err != nil {
		return err
	}
	o.Printf("Searching pools for tag LpcM ...\n")
	for i, m := range w.Messages {
		s.messageLines(w, o, i, m)
		s.whereLine(w, o, m)
	}
	o.Printf("%s\n", waitgraph.Count(len(w.Messages), "message", "messages"))
	s.trouble(o, w)
	return nil
}

// jsonMessage is a message as JSON.
type jsonMessage struct {
	Address  string  `json:"address"`
	ID       uint32  `json:"id"`
	Type     uint16  `json:"type"`
	State    string  `json:"state"`
	Process  uint32  `json:"process"`
	Port     string  `json:"port"`
	From     uint64  `json:"fromProcess"`
	FromTID  uint64  `json:"fromThread"`
	Thread   string  `json:"serverThread"`
	Channel  uint64  `json:"channel"`
	Slot     uint32  `json:"slot"`
	Received float64 `json:"receivedSecondsAgo"` // -1: not known
}

func jsonLpcMessage(ctx context.Context, s *Session, args []string) (any, error) {
	id, err := s.messageArg(args)
	if err != nil {
		return nil, err
	}
	w, err := s.look(ctx, records.All)
	if err != nil {
		return nil, err
	}
	list := []jsonMessage{}
	for _, m := range w.Messages {
		if id != 0 && m.ID != id {
			continue
		}
		j := jsonMessage{
			Address: s.ptr(m.Addr), ID: m.ID, Type: m.Type, State: stateName(m.State), Process: m.Process, From: m.Client.UniqueProcess, FromTID: m.Client.UniqueThread,
			Channel: m.Key.Channel, Slot: m.Key.Slot, Received: w.Age(m.Owner, m.Received).Seconds(),
		}
		if m.Thread != 0 {
			j.Thread = s.ptr(m.Thread)
		}
		if p := w.PortAt[m.SenderPort]; p != nil {
			j.Port = p.Name()
		}
		if j.Received < 0 {
			j.Received = -1
		}
		list = append(list, j)
	}
	waits := []string{}
	for _, t := range w.Threads {
		if id != 0 && t.Reply == id {
			waits = append(waits, s.ptr(t.Addr))
		}
	}
	failed, trouble := []jsonFailure{}, nonNil(w.Trouble)
	if id != 0 {
		if failed, _, trouble, err = jsonFailures(ctx, w, w.Processes, id); err != nil {
			return nil, err
		}
	}
	return struct {
		Messages   []jsonMessage `json:"messages"`
		Waiting    []string      `json:"waitingThreads"`
		Failed     []jsonFailure `json:"failed"` // of one message; !failed has all
		Unreadable []string      `json:"unreadable"`
	}{list, waits, failed, trouble}, nil
}

func stateName(st waitgraph.MessageState) string {
	switch st {
	case waitgraph.Queued:
		return "queued"
	case waitgraph.Served:
		return "served"
	case waitgraph.Deferred:
		return "deferred"
	}
	return "unknown"
}
