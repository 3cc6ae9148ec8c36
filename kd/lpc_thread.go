package kd

import (
	"context"
	"fmt"

	"github.com/seed-eedd8485/lpc/kd/records"
	"github.com/seed-eedd8485/lpc/waitgraph"
)

var cmdLpcThread = Command{
	Name:  "!lpc thread",
	Args:  "[Address]",
	Short: "Show the port on which a thread waits, or list all clients and servers.",
	Long: `With an address: the port in whose reply chain the thread stands, its peer and the connection port.
Without one: all threads that wait for a reply (clients) and all that work on a message (servers).
A server thread of NT keeps the id of a datagram for longer than it works on it.`,
	Needs: lpcNeeds,
}

func init() {
	cmdLpcThread.Run = runLpcThread
	cmdLpcThread.JSON = jsonLpcThread
}

func runLpcThread(ctx context.Context, s *Session, o *Out, args []string) error {
	if err := atMost(args, 1, "!lpc thread [Address]"); err != nil {
		return err
	}
	if err := s.emulated(); err != nil {
		return err
	}
	addr, err := s.optional(args, 0)
	if err != nil {
		return err
	}
	w, err := s.look(ctx, records.Ports|records.Threads)
	if err != nil {
		return err
	}
	if addr == 0 {
		s.lpcThreads(o, w)
		return nil
	}
	for _, t := range w.Threads {
		if t.Addr == addr {
			return s.rundown(ctx, w, o, t)
		}
	}
	return fmt.Errorf("no thread stands at %s; !lpc thread lists them", s.ptr(addr))
}

func (s *Session) lpcThreads(o *Out, w *records.World) {
	clients, servers := 0, 0
	for _, t := range w.Threads {
		if t.Reply != 0 {
			o.Printf("Client thread %s  Cid %s waiting a reply from %x\n", s.ptr(t.Addr), s.cid(t.Addr, t.Cid.UniqueProcess, t.Cid.UniqueThread), t.Reply)
			clients++
		}
	}
	for _, t := range w.Threads {
		if t.Received != 0 {
			o.Printf("Server thread %s  Cid %s %s\n", s.ptr(t.Addr), s.cid(t.Addr, t.Cid.UniqueProcess, t.Cid.UniqueThread), working(t))
			servers++
		}
	}
	o.Printf("%s, %s\n", waitgraph.Count(clients, "client thread", "client threads"), waitgraph.Count(servers, "server thread", "server threads"))
	s.trouble(o, w)
}

// working says what a server thread does with the message that it received last. NT's
// record keeps the id until the next message comes.
func working(t *records.Thread) string {
	if t.Receives() {
		return fmt.Sprintf("received message %x last, and waits for the next", t.Received)
	}
	return fmt.Sprintf("is working on message %x", t.Received)
}

// jsonThread is a thread as JSON.
type jsonThread struct {
	Address  string  `json:"address"`
	Process  uint32  `json:"process"`
	Thread   uint64  `json:"thread"`
	Reply    uint32  `json:"waitsForMessage"`
	Received uint32  `json:"servesMessage"`
	Port     string  `json:"port"`
	Call     string  `json:"call"`
	Waited   float64 `json:"waitedSeconds"` // -1: it does not wait, or since when is not known
}

func jsonLpcThread(ctx context.Context, s *Session, args []string) (any, error) {
	if err := atMost(args, 1, "!lpc thread [Address]"); err != nil {
		return nil, err
	}
	if err := s.emulated(); err != nil {
		return nil, err
	}
	addr, err := s.optional(args, 0)
	if err != nil {
		return nil, err
	}
	w, err := s.look(ctx, records.Ports|records.Threads)
	if err != nil {
		return nil, err
	}
	list := []jsonThread{}
	for _, t := range w.Threads {
		if addr != 0 && t.Addr != addr || addr == 0 && t.Reply == 0 && t.Received == 0 {
			continue
		}
		j := jsonThread{Address: s.ptr(t.Addr), Process: t.Process, Thread: t.Cid.UniqueThread, Reply: t.Reply, Received: t.Received, Waited: -1}
		if t.Reply != 0 {
			j.Call = t.Call
			j.Port = w.PortAt[t.Port].Name()
			if a := w.Age(t.ProcessAddr, t.Start); a >= 0 {
				j.Waited = a.Seconds()
			}
		}
		list = append(list, j)
	}
	return struct {
		Threads    []jsonThread `json:"threads"`
		Unreadable []string     `json:"unreadable"`
	}{list, nonNil(w.Trouble)}, nil
}
