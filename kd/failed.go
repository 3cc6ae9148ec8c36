package kd

import (
	"context"
	"errors"
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

func init() {
	cmdFailed.Run = runFailed
	cmdFailed.JSON = jsonFailed
}

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
	list, err := s.failedArg(w, args)
	if err != nil {
		return err
	}
	rings, shown, err := s.failedOf(ctx, w, o, list, 0)
	switch {
	case err != nil:
		return err
	case rings == 0:
		return errNoRing
	case shown == 0:
		o.Printf("No message has failed\n")
	}
	s.trouble(o, w)
	return nil
}

var errNoRing = errors.New("!failed: no process of this target keeps a ring of failed messages")

// failedArg is the processes that !failed looks at.
func (s *Session) failedArg(w *records.World, args []string) ([]target.Process, error) {
	if len(args) == 0 {
		return w.Processes, nil
	}
	p, err := s.processArg(args, 0)
	return []target.Process{p}, err
}

// failedOf prints what the rings of processes have of message id, 0 for all they have. It
// gives how many of them keep a ring, and how many entries were printed.
func (s *Session) failedOf(ctx context.Context, w *records.World, o *Out, list []target.Process, id uint32) (rings, shown int, err error) {
	return failedEach(ctx, w, list, id, func(p target.Process, r *records.Record) {
		s.failedLine(w, o, p, r)
	}, func(note string) { o.Printf("%s\n", note) })
}

// failedEach calls entry for what the rings of processes have of message id, 0 for all,
// newest first in each, and trouble for what is not readable.
func failedEach(ctx context.Context, w *records.World, list []target.Process, id uint32, entry func(target.Process, *records.Record), trouble func(string)) (rings, found int, err error) {
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
		err = failedRing(ctx, w, p, at, func(r *records.Record) {
			if id == 0 || r.U("MessageId") == uint64(id) {
				entry(p, r)
				found++
			}
		}, trouble)
		if err != nil {
			return rings, found, err
		}
	}
	return rings, found, nil
}

// failedRing calls each for the entries of one process's ring, newest first.
func failedRing(ctx context.Context, w *records.World, p target.Process, at uint64, each func(*records.Record), trouble func(string)) error {
	ring, err := w.Read(at, "_LPC_FAILED_RING")
	if err != nil {
		trouble(fmt.Sprintf("The ring of failed messages of process %d is not readable: %s", p.ID, escape.Text(err.Error())))
		return nil
	}
	f := ring.Layout().Field("Entries")
	entry := w.T.Types(at).Layout("_LPC_FAILED_MESSAGE")
	if f == nil || entry == nil || entry.Size <= 0 || f.Type.Count <= 0 || f.Type.Count > maxFailed {
		trouble(fmt.Sprintf("The ring of failed messages of process %d is not described", p.ID))
		return nil
	}
	written, count := ring.U("Written"), uint64(f.Type.Count)
	for i := uint64(0); i < min(written, count); i++ {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		slot := (written - 1 - i) % count
		r, err := w.Read(at+uint64(f.Offset)+slot*uint64(entry.Size), "_LPC_FAILED_MESSAGE")
		if err != nil {
			trouble("An entry is not readable: " + escape.Text(err.Error()))
			return nil
		}
		each(r)
	}
	return nil
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

// failedPort is the short name of the port, empty where it is not known.
func failedPort(r *records.Record) string {
	name, _ := r.Text("Port")
	if name == "" {
		return ""
	}
	return records.ShortName(name)
}

func failedCause(r *records.Record) string {
	if c := r.U("Cause"); c > 0 && c < uint64(len(causes)) {
		return causes[c]
	}
	return fmt.Sprintf("cause %d", r.U("Cause"))
}

func (s *Session) failedLine(w *records.World, o *Out, p target.Process, r *records.Record) {
	when := "at an unknown time"
	if age := w.Age(p.Addr, r.U("Time")); age >= 0 {
		when = waitgraph.Age(age) + " ago"
	}
	port := ""
	if name := failedPort(r); name != "" {
		port = " of port " + escape.Text(name)
	}
	line := fmt.Sprintf("%s %d: %s%s, %s: %s", escape.Text(p.Image), p.ID, failedWhat(r), port, when, failedCause(r))
	if v, limit := r.U("Length"), r.U("Limit"); limit != 0 {
		line += fmt.Sprintf(" (%d bytes, the limit is %d)", v, limit)
	}
	if peer := r.U("PeerProcess"); peer != 0 {
		line += fmt.Sprintf("; the other end is process %d", peer)
	}
	o.Printf("%s\n", line)
}

// jsonFailure is a message that failed as JSON.
type jsonFailure struct {
	Process uint32  `json:"process"`
	What    string  `json:"what"`
	ID      uint32  `json:"id"` // 0: a connection request, or a message that failed before it had one
	Port    string  `json:"port"`
	Ago     float64 `json:"secondsAgo"` // -1: not known
	Cause   string  `json:"cause"`
	Bytes   uint64  `json:"bytes"` // of one that was too large
	Limit   uint64  `json:"limit"`
	Peer    uint64  `json:"otherProcess"` // 0: not known
}

// jsonFailures is what failedEach finds.
func jsonFailures(ctx context.Context, w *records.World, processes []target.Process, id uint32) (list []jsonFailure, rings int, trouble []string, err error) {
	list, trouble = []jsonFailure{}, nonNil(w.Trouble)
	rings, _, err = failedEach(ctx, w, processes, id, func(p target.Process, r *records.Record) {
		j := jsonFailure{
			Process: uint32(p.ID), What: failedWhat(r), ID: uint32(r.U("MessageId")), Port: failedPort(r), Ago: w.Age(p.Addr, r.U("Time")).Seconds(), Cause: failedCause(r),
			Bytes: r.U("Length"), Limit: r.U("Limit"), Peer: r.U("PeerProcess"),
		}
		if j.Ago < 0 {
			j.Ago = -1
		}
		list = append(list, j)
	}, func(note string) { trouble = append(trouble, note) })
	return list, rings, trouble, err
}

func jsonFailed(ctx context.Context, s *Session, args []string) (any, error) {
	if err := atMost(args, 1, "!failed [Process]"); err != nil {
		return nil, err
	}
	w, err := s.look(ctx, records.Ports)
	if err != nil {
		return nil, err
	}
	processes, err := s.failedArg(w, args)
	if err != nil {
		return nil, err
	}
	list, rings, trouble, err := jsonFailures(ctx, w, processes, 0)
	switch {
	case err != nil:
		return nil, err
	case rings == 0:
		return nil, errNoRing
	}
	return struct {
		Failed     []jsonFailure `json:"failed"`
		Unreadable []string      `json:"unreadable"`
	}{list, trouble}, nil
}
