package engine

import (
	"errors"
	"fmt"

	"github.com/seed-eedd8485/lpc/internal/channel"
	"github.com/seed-eedd8485/lpc/wire"
)

// What callers branch on. The root package exports them under the same names and
// says when each happens.
var (
	ErrPortClosed    = errors.New("port closed")
	ErrPeerDied      = errors.New("peer died")
	ErrTooLarge      = errors.New("too large")
	ErrQueueFull     = errors.New("queue full")
	ErrRefused       = errors.New("connection refused")
	ErrPermission    = errors.New("permission denied")
	ErrProtocol      = errors.New("protocol error")
	ErrReplied       = errors.New("request was already replied to")
	ErrAbandoned     = errors.New("caller gave up before the reply")
	ErrNoHandler     = errors.New("the other end serves no requests")
	ErrDropped       = errors.New("the handler returned without a reply")
	ErrHandlerFailed = errors.New("handler failed")
	ErrQuota         = errors.New("quota reached")
	ErrShutdown      = errors.New("server is shutting down")
	ErrDeadlock      = errors.New("deadlock")
)

// DeadlockError is a call that would have waited for itself.
type DeadlockError struct {
	Chain string // who waits for whom, in sentences
}

func (e *DeadlockError) Error() string { return ErrDeadlock.Error() + ": " + e.Chain }

// Is makes it an ErrDeadlock.
func (e *DeadlockError) Is(target error) bool { return target == ErrDeadlock }

// HandlerError is a failure that the other end's handler reported.
type HandlerError struct {
	Code int
	Text string
}

func (e *HandlerError) Error() string {
	return fmt.Sprintf("handler failed with code %d: %s", e.Code, e.Text)
}

// Is makes it an ErrHandlerFailed.
func (e *HandlerError) Is(target error) bool { return target == ErrHandlerFailed }

// RefusedError is a connection that the server refused, with the information that
// it sent along.
type RefusedError struct {
	Info []byte
	Why  string // what the engine itself said, "" when the server's program refused
}

func (e *RefusedError) Error() string {
	switch {
	case e.Why != "":
		return "connection refused: " + e.Why
	case len(e.Info) > 0:
		return fmt.Sprintf("connection refused: %q", e.Info)
	}
	return "connection refused"
}

// Is makes it an ErrRefused.
func (e *RefusedError) Is(target error) bool { return target == ErrRefused }

// sizeError is an ErrTooLarge with both numbers and who set the limit.
type sizeError struct {
	what     string
	n, limit int
	whose    string
}

func (e *sizeError) Error() string {
	return fmt.Sprintf("%v: %s of %d bytes, %s is %d", ErrTooLarge, e.what, e.n, e.whose, e.limit)
}

func (e *sizeError) Unwrap() error { return ErrTooLarge }

func tooLarge(what string, n, limit int, whose string) error {
	return &sizeError{what, n, limit, whose}
}

// statusError is the error that a reply's status stands for.
func statusError(s wire.Status, text []byte) error {
	switch s {
	case wire.StatusFailed:
		return decodeFailure(text)
	case wire.StatusTooLarge:
		return fmt.Errorf("%w: %s", ErrTooLarge, text)
	case wire.StatusNoHandler:
		return ErrNoHandler
	case wire.StatusNoMemory:
		return fmt.Errorf("%w: the other end has no memory for its reply: %s", ErrQuota, text)
	case wire.StatusMismatch:
		return ErrMismatch
	case wire.StatusDropped:
		return ErrDropped
	case wire.StatusShuttingDown:
		return fmt.Errorf("%w: %w", ErrPortClosed, ErrShutdown)
	}
	return fmt.Errorf("%w: reply with unknown status %d", ErrProtocol, s)
}

// answered is statusError for a call of a program's: only a callback can be for a thread
// that does not wait, and that is a caller that gave up.
func answered(s wire.Status, text []byte, callback bool) error {
	switch {
	case s != wire.StatusMismatch:
		return statusError(s, text)
	case callback:
		return ErrAbandoned
	}
	return fmt.Errorf("%w: reply with status %d, which is a callback's", ErrProtocol, s)
}

// fromChannel gives the channel's errors the engine's kinds.
func fromChannel(err error) error {
	if err == nil {
		return nil // v is allocated, and this is the hot path
	}
	var v *channel.Violation
	switch {
	case errors.As(err, &v):
		return fmt.Errorf("%w: %w", ErrProtocol, err)
	case errors.Is(err, channel.ErrSlotsHeld):
		return fmt.Errorf("%w: %w", ErrQueueFull, err)
	}
	return err
}
