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
matching. Process is an address or an id; nothing is all of them. Newest first. One that failed before
it was sent has no id.`,
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
	rings, shown, err := s.failedOf(ctx, w, o, list, 0)
	switch {
	case err != nil:
		return err
	case rings == 0:
		return fmt.Errorf("!failed: no process of this target keeps a ring of failed messages")
	case shown == 0:
		o.Printf("No message has failed\n")
	}
	s.trouble(o, w)
	return nil
}

// failedOf prints what the rings of processes have of message id, 0 for all they have. It
// gives how many of them keep a ring, and how many entries were printed.
func (s *Session) failedOf(ctx context.Context, w *records.World, o *Out, list []target.Process, id uint32) (rings, shown int, err error) {
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
		n, err := s.failedRing(ctx, w, o, p, at, id)
		if err != nil {
			return rings, shown, err
		}
		shown += n
	}
	return rings, shown, nil
}

// failedRing prints what one process's ring has of message id, 0 for all, newest first.
func (s *Session) failedRing(ctx context.Context, w *records.World, o *Out, p target.Process, at uint64, id uint32) (n int, err error) {
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
		if id != 0 && r.U("MessageId") != uint64(id) {
			continue
		}
		s.failedLine(w, o, p, r)
		n++
	}
	return n, nil
}

// failedWhat names what failed. A connection request has no id, nor has a message that was
// given up before it was sent: what has an end that it knows and was not refused was one.
func failedWhat(r *records.Record) string {
	const lastRefused = 3 // of causes
	if id := r.U("MessageId"); id != 0 {
		return fmt.Sprintf("message %#x", id)
	}
	if r.U("PeerProcess") != 0 && r.U("Cause") > lastRefused {
		return "message without an id"
	}
	return "connection request"
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
	line := fmt.Sprintf("%s %d: %s%s, %s: %s", escape.Text(p.Image), p.ID, failedWhat(r), port, when, cause)
	if v, limit := r.U("Length"), r.U("Limit"); limit != 0 {
		line += fmt.Sprintf(" (%d bytes, the limit is %d)", v, limit)
	}
	if peer := r.U("PeerProcess"); peer != 0 {
		line += fmt.Sprintf("; the other end is process %d", peer)
	}
	o.Printf("%s\n", line)
}
