package kd

import (
	"context"
	"fmt"

	"github.com/seed-eedd8485/lpc/internal/escape"
	"github.com/seed-eedd8485/lpc/kd/records"
	"github.com/seed-eedd8485/lpc/target"
	"github.com/seed-eedd8485/lpc/waitgraph"
)

var cmdFailed = Command{
	Name:  "!failed",
	Args:  "[Process]",
	Short: "List the messages that failed lately, with time and cause.",
	Long: `Each process keeps a ring of its last failed messages: refused, cancelled, too large, lost, not
matching. Process is an address or an id; nothing is all of them. Newest first.`,
	Needs: target.Objects,
}

func init() { cmdFailed.Run = runFailed }

// causes are the numbers in _LPC_FAILED_MESSAGE.Cause.
var causes = [...]string{
	"", "refused: the identity is not admitted", "refused by the program", "refused: a limit on connections", "cancelled: the caller gave up",
	"cancelled: the deadline passed", "too large", "the reply was lost: nobody waited for it", "the reply matches no request",
	"the peer died", "the port was closed", "the handler gave no reply", "the quota is used up", "the peer broke the protocol",
	"refused: it would have waited for itself",
}

// maxFailed bounds the entries of one ring.
const maxFailed = 4096

func runFailed(ctx context.Context, s *Session, o *Out, args []string) error {
	if err := atMost(args, 1, "!failed [Process]"); err != nil {
		return err
	}
	w, err := s.look(ctx, records.Ports)
	if err != nil {
		return err
	}
	list := w.Processes
	if len(args) > 0 {
		p, err := s.processArg(args, 0)
		if err != nil {
			return err
		}
		list = []target.Process{p}
	}
	rings, shown := 0, 0 // processes that keep one; entries
	for _, p := range list {
		if p.Err != nil {
			continue
		}
		h, err := w.Read(p.Addr, "_LPC_POOL_HEADER")
		if err != nil {
			continue
		}
		at, described := h.Get("FailedMessages")
		if described {
			rings++
		}
		if at == 0 {
			continue // none has failed
		}
		n, err := s.failedRing(ctx, w, o, p, at)
		if err != nil {
			return err
		}
		shown += n
	}
	switch {
	case rings == 0:
		return fmt.Errorf("!failed: no process of this target keeps a ring of failed messages")
	case shown == 0:
		o.Printf("No message has failed\n")
	}
	s.trouble(o, w)
	return nil
}

// failedRing prints one process's ring, newest first.
func (s *Session) failedRing(ctx context.Context, w *records.World, o *Out, p target.Process, at uint64) (n int, err error) {
	ring, err := w.Read(at, "_LPC_FAILED_RING")
	if err != nil {
		o.Printf("The ring of failed messages of process %d is not readable: %s\n", p.ID, escape.Text(err.Error()))
		return 0, nil
	}
	f := ring.Layout().Field("Entries")
	entry := w.T.Types(at).Layout("_LPC_FAILED_MESSAGE")
	if f == nil || entry == nil || entry.Size <= 0 || f.Type.Count <= 0 || f.Type.Count > maxFailed {
		o.Printf("The ring of failed messages of process %d is not described\n", p.ID)
		return 0, nil
	}
	written, count := ring.U("Written"), uint64(f.Type.Count)
	for i := uint64(0); i < min(written, count); i++ {
		if ctx.Err() != nil {
			return n, context.Cause(ctx)
		}
		slot := (written - 1 - i) % count
		r, err := w.Read(at+uint64(f.Offset)+slot*uint64(entry.Size), "_LPC_FAILED_MESSAGE")
		if err != nil {
			o.Printf("An entry is not readable: %s\n", escape.Text(err.Error()))
			return n, nil
		}
		s.failedLine(w, o, p, r)
		n++
	}
	return n, nil
}

func (s *Session) failedLine(w *records.World, o *Out, p target.Process, r *records.Record) {
	when := "at an unknown time"
	if age := w.Age(p.Addr, r.U("Time")); age >= 0 {
		when = waitgraph.Age(age) + " ago"
	}
	name, _ := r.Text("Port")
	port := ""
	if name != "" {
		port = " of port " + escape.Text(records.ShortName(name))
	}
	cause := fmt.Sprintf("cause %d", r.U("Cause"))
	if c := r.U("Cause"); c > 0 && c < uint64(len(causes)) {
		cause = causes[c]
	}
	what := "connection request"
	if id := r.U("MessageId"); id != 0 {
		what = fmt.Sprintf("message %#x", id)
	}
	line := fmt.Sprintf("%s %d: %s%s, %s: %s", escape.Text(p.Image), p.ID, what, port, when, cause)
	if v, limit := r.U("Length"), r.U("Limit"); limit != 0 {
		line += fmt.Sprintf(" (%d bytes, the limit is %d)", v, limit)
	}
	if peer := r.U("PeerProcess"); peer != 0 {
		line += fmt.Sprintf("; the other end is process %d", peer)
	}
	o.Printf("%s\n", line)
}
