package kd

import (
	"context"

	"github.com/seed-eedd8485/lpc/kd/census"
	"github.com/seed-eedd8485/lpc/kd/records"
	"github.com/seed-eedd8485/lpc/waitgraph"
)

// graph is one look at who waits for whom.
func (s *Session) graph(ctx context.Context) (*waitgraph.Graph, *records.World, error) {
	w, g, err := census.Look(ctx, s.reader)
	return g, w, err
}

// jsonHop is a thread of a cycle or chain as JSON.
type jsonHop struct {
	Depth     int     `json:"depth"`
	Process   uint32  `json:"process"`
	Image     string  `json:"image"`
	Thread    uint64  `json:"thread"`
	Address   string  `json:"address"`
	Call      string  `json:"call"`
	Message   uint32  `json:"message"`
	Port      string  `json:"port"`
	Waited    float64 `json:"waitedSeconds"` // -1: not known
	Peer      uint32  `json:"peer"`
	State     string  `json:"messageState"` // "" where the other end does not show it
	Server    uint64  `json:"serverThread"`
	Certainty string  `json:"certainty"`
}

func (s *Session) hop(g *waitgraph.Graph, h *waitgraph.Hop, depth int) jsonHop {
	w := h.Wait
	j := jsonHop{
		Depth: depth, Process: w.Process, Image: g.State().Processes[w.Process].Image, Thread: w.ThreadID, Address: s.ptr(w.Thread), Call: w.Call,
		Message: w.Message, Port: w.PortName, Waited: -1, Peer: w.Peer, Certainty: h.How.String(),
	}
	if w.Age >= 0 {
		j.Waited = w.Age.Seconds()
	}
	if m := h.Message; m != nil {
		j.State, j.Server = stateName(m.State), m.ThreadID
	}
	return j
}
