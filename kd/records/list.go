package records

import (
	"context"
	"fmt"
)

// MaxList bounds a walk over links: no list of a sound target is longer.
const MaxList = 1 << 20

// Walk calls f for each entry of the list with its head at that address: NT's
// circular LIST_ENTRY. An entry is the address of its links. The walk ends where f
// returns false. A link that leads to absent memory, or back to an entry that was
// there before, is an error that says so; what came before it was given to f.
func (r *Reader) Walk(ctx context.Context, head uint64, f func(entry uint64) bool) error {
	seen := map[uint64]bool{}
	for at := head; ; {
		l, err := r.Read(at, "_LIST_ENTRY")
		if err != nil {
			return fmt.Errorf("walking the list at %#x: %w", head, err)
		}
		next, ok := l.Get("Flink")
		switch {
		case !ok:
			return fmt.Errorf("walking the list at %#x: the link at %#x is absent", head, at)
		case next == head || next == 0 && at == head:
			return nil
		case next == 0 || seen[next] || len(seen) == MaxList:
			return fmt.Errorf("walking the list at %#x: the link at %#x leads to %#x, which does not lead back (after %d entries; it may have changed meanwhile)", head, at, next, len(seen))
		}
		seen[next] = true
		at = next
		if !f(at) {
			return nil
		}
		if len(seen)%1024 == 0 && ctx.Err() != nil {
			return context.Cause(ctx)
		}
	}
}
