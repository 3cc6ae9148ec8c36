package engine

import (
	"context"
	"time"
)

// A DeadlockCheck looks whether a thread of this process, by the address of its record,
// waits in a cycle of waits that is proved, with the message of that id. It returns who
// waits for whom in sentences, "" when there is no cycle.
type DeadlockCheck func(thread uint64, id uint32) (chain string)

// deadlockAfter is how long a call waits before it is looked at: most are over by then,
// and its request, and what that leads to, has come where it waits.
const deadlockAfter = time.Millisecond

// watchDeadlock has a call that serves a message looked at while it waits, and ends it
// when it waits for itself. Only such a call can close a cycle. stop is for the caller,
// after the wait; it does not wait for a look that is under way.
func (c *Conn) watchDeadlock(ctx context.Context, t *thread, id uint32) (watched context.Context, stop func()) {
	watched, cancel := context.WithCancelCause(ctx)
	thread := uint64(t.addr)
	timer := time.AfterFunc(deadlockAfter, func() {
		if chain := c.deadlock(thread, id); chain != "" {
			cancel(&DeadlockError{Chain: chain})
		}
	})
	return watched, func() {
		timer.Stop()
		cancel(nil)
	}
}
