package nt

import (
	"errors"

	"golang.org/x/sys/unix"

	"github.com/seed-eedd8485/lpc/internal/engine"
	"github.com/seed-eedd8485/lpc/internal/pool"
	"github.com/seed-eedd8485/lpc/namespace"
	"github.com/seed-eedd8485/lpc/section"
)

// status is what NT says for an error of the engine.
func status(err error) Status {
	if err == nil {
		return StatusSuccess // what failed allocates, and this is the hot path
	}
	return failed(err)
}

func failed(err error) Status {
	var full *pool.ErrFull
	var fault *section.Fault
	switch {
	case errors.As(err, &fault):
		return StatusAccessViolation
	case errors.Is(err, engine.ErrTimeout):
		return StatusTimeout
	case errors.Is(err, engine.ErrExiting):
		return StatusThreadIsTerminating
	case errors.Is(err, engine.ErrMismatch), errors.Is(err, engine.ErrReplied), errors.Is(err, engine.ErrAbandoned):
		return StatusReplyMessageMismatch
	case errors.Is(err, engine.ErrNoThread):
		return StatusInvalidCID
	case errors.Is(err, engine.ErrTooLarge):
		return StatusPortMessageTooLong
	case errors.As(err, &full), errors.Is(err, engine.ErrQuota), errors.Is(err, engine.ErrQueueFull):
		return StatusInsufficientResources
	case errors.Is(err, engine.ErrRefused):
		return StatusPortConnectionRefused
	case errors.Is(err, engine.ErrPermission), errors.Is(err, namespace.ErrPermission):
		return StatusAccessDenied
	case errors.Is(err, engine.ErrDropped), errors.Is(err, engine.ErrShutdown):
		return StatusLPCReplyLost // a server of the root package let the request go
	case errors.Is(err, engine.ErrPortClosed), errors.Is(err, engine.ErrPeerDied), errors.Is(err, engine.ErrProtocol):
		return StatusPortDisconnected
	case errors.Is(err, namespace.ErrInvalidName):
		return StatusObjectNameInvalid
	case errors.Is(err, namespace.ErrNotFound):
		return StatusObjectNameNotFound
	case errors.Is(err, namespace.ErrInUse) && errors.Is(err, unix.ENOTDIR):
		return StatusObjectPathNotFound // below a name that is a port's
	case errors.Is(err, namespace.ErrInUse):
		return StatusObjectNameCollision
	}
	return StatusUnsuccessful
}

// lost is status for a thread that waited for a reply: who is to send it is gone.
func lost(err error) Status {
	if s := status(err); s != StatusPortDisconnected || errors.Is(err, engine.ErrNotSent) {
		return s
	}
	return StatusLPCReplyLost
}
