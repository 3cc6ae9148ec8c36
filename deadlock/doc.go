// Package deadlock refuses calls that would wait for themselves.
//
//	conn, err := lpc.Dial(ctx, "stock", &lpc.DialOptions{RefuseDeadlock: deadlock.Check})
//
// A call of this connection that is made with a Request's Context and waits for longer
// than a millisecond is then looked at as lpc kd's !deadlock looks: the memory of all
// processes with pools that this one may read, twice. If the call stands in a cycle of
// which every wait is seen at both ends, and in which no handler is free to go on, it
// fails with lpc.ErrDeadlock and the chain; the others of the cycle then go on.
//
// What it costs: nothing for a call that is answered within a millisecond, some
// milliseconds of one goroutine for one that is not. What it does not see: a cycle
// through a process that may not be read (the same user's, or any for root; the
// process must be dumpable), one that a call closes whose context is not its
// request's, and one that another call closes later: that call's own check sees it,
// if it has one. Two calls that close a cycle in the same millisecond may both fail.
//
// It stands above package lpc and reads memory only; nothing is asked of a process.
package deadlock
