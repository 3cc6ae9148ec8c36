package kd

import (
	"context"

	"github.com/seed-eedd8485/lpc/target"
)

// ProvedCycle looks whether a thread, by the address of its record, waits in a proved
// cycle of waits for the message of that id: two looks, as !deadlock's. It returns the
// cycle in sentences, nil where there is none.
func ProvedCycle(ctx context.Context, t target.Target, thread uint64, message uint32) ([]string, error) {
	k, err := NewSession(t).cycles(ctx)
	if err != nil {
		return nil, err
	}
	for i := range k.Cycles {
		c := &k.Cycles[i]
		if !c.Proved {
			continue
		}
		for h := range c.Hops {
			if w := c.Hops[h].Wait; w.Thread == thread && w.Message == message {
				return k.Graph.Text(c), nil
			}
		}
	}
	return nil, nil
}
