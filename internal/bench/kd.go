package bench

import (
	"context"
	"fmt"

	"github.com/seed-eedd8485/lpc/internal/bench/poolscan"
	"github.com/seed-eedd8485/lpc/internal/bench/transport"
)

// kdVariants are lpc with more or less for debuggers in it, by the environment that
// makes it so.
var kdVariants = map[string]string{
	withoutRecords: "LPC_KD=no",
	withStacks:     "LPC_STACKS=1",
}

const (
	withoutRecords = "lpc, no records"
	withStacks     = "lpc, stacks"
)

// forKD are the options for what debuggers cost.
func forKD(o Options) Options {
	return o.loneCalls([]string{"call/32", waits}, "lpc", withoutRecords, withStacks)
}

// poolScanNote measures how fast kd finds a tag in a pool, in a sentence. A machine that
// gives no pool of that size is told of; only the end of ctx is an error.
func poolScanNote(ctx context.Context, o Options) (string, error) {
	opts := poolscan.Normal
	if o.Quick {
		opts = poolscan.Options{Bytes: 16 << 20, Passes: 3}
	}
	r, err := poolscan.Measure(ctx, opts)
	if err != nil {
		return fmt.Sprintf("pool scan for a tag: not measured: %v", err), ctx.Err()
	}
	return r.Verdict(), nil
}

// kdNotes say the differences in words.
func kdNotes(lines []*line) (notes []string) {
	for _, l := range lines {
		base := lineOf(lines, "lpc", l)
		if base == nil {
			continue
		}
		switch l.system {
		case withoutRecords:
			notes = append(notes, fmt.Sprintf("%s, placement %s: the records of who waits cost %+.1f %% of a call (median %.3f against %.3f µs)",
				l.item.name, l.placement, 100*(base.figure(p50US)/l.figure(p50US)-1), base.figure(p50US), l.figure(p50US)))
		case withStacks:
			what := "recording the stacks of calls that wait, which few of these do," // the others are answered at once
			if l.item.name == waits {
				what = fmt.Sprintf("the server takes %d µs, and recording the stack of the call that waits", transport.WaitTime.Microseconds())
			}
			notes = append(notes, fmt.Sprintf("%s, placement %s: %s costs %+.3f µs a call (median %.3f recorded, %.3f not; mean %+.3f)",
				l.item.name, l.placement, what, l.figure(p50US)-base.figure(p50US), l.figure(p50US), base.figure(p50US), l.figure(meanUS)-base.figure(meanUS)))
		}
	}
	return notes
}
