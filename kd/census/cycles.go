package census

import (
	"context"

	"github.com/seed-eedd8485/lpc/kd/records"
	"github.com/seed-eedd8485/lpc/target"
	"github.com/seed-eedd8485/lpc/waitgraph"
)

// Cycles are what two looks at a target agree on.
type Cycles struct {
	World  *records.World   // the first look
	Graph  *waitgraph.Graph // of it
	Cycles []waitgraph.Cycle
	Seen   int  // how many the first look found
	More   bool // there are further ones in the same knots
}

// FindCycles looks at a target, and if there are cycles again. The error is the
// context's, or the target's that cannot be looked at again.
func FindCycles(ctx context.Context, r *records.Reader) (*Cycles, error) {
	w, g, err := Look(ctx, r)
	if err != nil {
		return nil, err
	}
	k := &Cycles{World: w, Graph: g}
	k.Cycles, k.More = g.Find()
	if k.Seen = len(k.Cycles); k.Seen == 0 {
		return k, nil
	}
	if err := target.Refresh(r.T); err != nil {
		return nil, err
	}
	_, second, err := Look(ctx, r)
	if err != nil {
		return nil, err
	}
	k.Cycles = g.Confirm(k.Cycles, second)
	return k, nil
}

// Look is one look at who waits for whom.
func Look(ctx context.Context, r *records.Reader) (*records.World, *waitgraph.Graph, error) {
	w, err := records.Look(ctx, r, records.All)
	if err != nil {
		return nil, nil, err
	}
	st, err := w.State(ctx)
	if err != nil {
		return nil, nil, err
	}
	return w, waitgraph.Build(st), nil
}
