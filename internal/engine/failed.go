package engine

import (
	"context"
	"errors"
	"sync"

	"github.com/seed-eedd8485/lpc/internal/channel"
	"github.com/seed-eedd8485/lpc/internal/pool"
)

// failures is the process's ring of messages that failed, for !failed. Nothing of it
// is on the way of a message that does not fail.
type failures struct {
	mu   sync.Mutex
	ring *pool.FailedRing // made at the first failure
}

// failed writes down a message that failed. What is no failure of LPC (a handler's own
// answer) is not written.
func (p *process) failed(port string, peer uint64, id uint32, err error) {
	cause := failedCause(err)
	if cause == 0 {
		return
	}
	f := &p.failures
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.ring == nil {
		ring, a, err := pool.New[pool.FailedRing](p.pool, pool.TagFailed, 0)
		if err != nil {
			return // the pool's own count of failures tells
		}
		f.ring = ring
		p.pool.Header().FailedMessages = a
	}
	e := &f.ring.Entries[f.ring.Written%uint64(len(f.ring.Entries))]
	*e = pool.FailedMessage{Time: channel.Ticks(), MessageID: id, Cause: cause, PeerProcess: peer}
	copy(e.Port[:], port)
	var s *sizeError
	if errors.As(err, &s) {
		e.Length, e.Limit = uint64(s.n), uint64(s.limit)
	}
	f.ring.Written++ // the entry is whole
}

// failed writes down a message of the connection, which was sent under ctx.
func (c *Conn) failed(ctx context.Context, id uint32, err error) {
	if failedCause(err) == 0 && !errors.Is(err, ErrHandlerFailed) && ctx.Err() != nil {
		err = ctx.Err() // the program has a cause of its own
	}
	c.proc.failed(c.name, c.peerPID, id, err)
}

// failedCause is the number for an error, 0 for one that is none of LPC's.
func failedCause(err error) uint32 {
	for _, k := range []struct {
		err   error
		cause uint32
	}{
		{ErrHandlerFailed, 0},
		{ErrDeadlock, pool.FailedDeadlock},
		{ErrTooLarge, pool.FailedTooLarge},
		{ErrPermission, pool.FailedIdentity},
		{ErrQueueFull, pool.FailedQuota},
		{ErrProtocol, pool.FailedProtocol},
		{ErrPeerDied, pool.FailedPeerDied},
		{ErrPortClosed, pool.FailedClosed},
		{ErrDropped, pool.FailedNoReply},
		{ErrNoHandler, pool.FailedNoReply},
		{ErrAbandoned, pool.FailedLost},
		{ErrReplied, pool.FailedMismatch},
		{context.DeadlineExceeded, pool.FailedDeadline},
		{context.Canceled, pool.FailedCancelled},
	} {
		if errors.Is(err, k.err) {
			return k.cause
		}
	}
	switch {
	case errors.Is(err, ErrRefused) && errors.Is(err, ErrQuota):
		return pool.FailedLimit
	case errors.Is(err, ErrRefused):
		return pool.FailedRefused
	case errors.Is(err, ErrQuota):
		return pool.FailedQuota
	}
	return 0
}
